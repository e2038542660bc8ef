"""A file is worked on when it is finished, once, and again when it changed."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.node.folder.inlet import Kind, Verdict
from pixmesh.node.folder.stages import NEVER, WHOLE_AT_ONCE, Settling, Stage, Stages
from pixmesh.node.owner.job import FileIdentity

WHOLE = Verdict(Kind.WHOLE)
RULES = Settling.of(2.0)


def identity(number: int = 1) -> FileIdentity:
    return FileIdentity(size=100 * number, mtime_ns=number, inode=7)


@pytest.fixture
def stages() -> Stages:
    return Stages(RULES)


def waiting(stages: Stages, relative: str = "a.jpg", now: float = 0.0) -> float:
    """Bring a file to waiting; return when it was."""
    stages.seen(relative, identity(), now)
    now += RULES.settle
    assert dict(stages.due(now)) == {relative: identity()}
    stages.judged(relative, identity(), WHOLE, now)
    assert stages.stage_of(relative) is Stage.WAITING
    return now


def test_a_file_is_looked_into_when_it_has_not_changed_for_the_settle_time(stages: Stages) -> None:
    assert stages.seen("a.jpg", identity(), 10.0)
    assert stages.next_due() == 12.0
    assert list(stages.due(11.9)) == []
    assert list(stages.due(12.0)) == [("a.jpg", identity())]
    assert list(stages.due(12.0)) == []


def test_each_change_begins_the_settle_time_anew(stages: Stages) -> None:
    for step in range(20):
        assert stages.seen("a.jpg", identity(step + 1), step * 0.25)
        assert list(stages.due(step * 0.25)) == []
    assert list(stages.due(19 * 0.25 + 1.99)) == []
    assert list(stages.due(19 * 0.25 + 2.0)) == [("a.jpg", identity(20))]


def test_the_same_look_again_changes_nothing(stages: Stages) -> None:
    stages.seen("a.jpg", identity(), 0.0)
    assert not stages.seen("a.jpg", identity(), 1.5)
    assert stages.next_due() == 2.0


def test_a_closed_file_is_looked_into_sooner(stages: Stages) -> None:
    stages.seen("a.jpg", identity(), 0.0)
    stages.seen("a.jpg", identity(), 0.1, closed=True)
    assert list(stages.due(0.1 + RULES.hinted)) == [("a.jpg", identity())]


def test_a_file_that_changes_after_it_was_closed_waits_the_whole_time(stages: Stages) -> None:
    stages.seen("a.jpg", identity(1), 0.0, closed=True)
    stages.seen("a.jpg", identity(2), 0.1)
    assert list(stages.due(2.0)) == []
    assert list(stages.due(2.1)) == [("a.jpg", identity(2))]


def test_a_kind_whose_end_cannot_be_seen_waits_the_whole_time_even_if_closed(
    stages: Stages,
) -> None:
    stages.seen("a.raw", identity(), 0.0, closed=True)
    now = RULES.hinted
    assert list(stages.due(now))
    stages.judged("a.raw", identity(), Verdict(Kind.UNPROVED), now)
    assert stages.stage_of("a.raw") is Stage.SETTLING
    assert stages.next_due() == 2.0
    assert list(stages.due(2.0))
    stages.judged("a.raw", identity(), Verdict(Kind.UNPROVED), 2.0)
    assert stages.stage_of("a.raw") is Stage.WAITING


def test_what_never_becomes_complete_is_worked_on_in_the_end(stages: Stages) -> None:
    stages.seen("a.jpg", identity(), 0.0)
    assert list(stages.due(2.0))
    stages.judged("a.jpg", identity(), Verdict(Kind.PARTIAL, "no end"), 2.0)
    assert stages.stage_of("a.jpg") is Stage.SETTLING
    assert ("a.jpg", Stage.SETTLING, "not complete yet: no end") in stages.changed(10)
    assert list(stages.due(RULES.patience))
    stages.judged("a.jpg", identity(), Verdict(Kind.PARTIAL, "no end"), RULES.patience)
    assert stages.stage_of("a.jpg") is Stage.WAITING


def test_a_judgement_of_what_the_file_was_before_says_nothing(stages: Stages) -> None:
    stages.seen("a.jpg", identity(1), 0.0)
    assert list(stages.due(2.0))
    stages.seen("a.jpg", identity(2), 2.1)
    stages.judged("a.jpg", identity(1), WHOLE, 2.2)
    assert stages.stage_of("a.jpg") is Stage.SETTLING


def test_what_is_no_picture_is_looked_into_once_until_it_changes(stages: Stages) -> None:
    stages.seen("a.txt", identity(1), 0.0)
    assert list(stages.due(2.0))
    stages.judged("a.txt", identity(1), Verdict(Kind.OTHER), 2.0)
    assert stages.next_due() == NEVER
    assert not stages.seen("a.txt", identity(1), 30.0)
    assert stages.seen("a.txt", identity(2), 60.0)
    assert stages.next_due() == 62.0


def test_files_are_begun_in_order_and_no_more_than_there_is_room_for(stages: Stages) -> None:
    for number, name in enumerate("cab"):
        waiting(stages, name, now=float(number))
    assert [name for name, _ in stages.begin(2)] == ["c", "a"]
    assert [name for name, _ in stages.begin(0)] == []
    assert [name for name, _ in stages.begin(5)] == ["b"]
    assert stages.count(Stage.RUNNING) == 3


def test_a_file_that_runs_is_not_begun_again_before_it_has_ended(stages: Stages) -> None:
    now = waiting(stages)
    assert list(stages.begin(1))
    assert stages.seen("a.jpg", identity(2), now + 1, closed=True)
    assert list(stages.due(now + 100)) == []
    assert not stages.ended("a.jpg", Stage.WRITTEN, now + 100)
    assert stages.stage_of("a.jpg") is Stage.SETTLING
    assert list(stages.due(now + 102)) == [("a.jpg", identity(2))]


def test_a_file_that_changes_and_changes_back_while_it_runs_is_done(stages: Stages) -> None:
    now = waiting(stages)
    assert list(stages.begin(1))
    stages.seen("a.jpg", identity(2), now)
    stages.seen("a.jpg", identity(1), now)
    assert stages.ended("a.jpg", Stage.WRITTEN, now)


def test_a_file_that_goes_while_it_runs_ends_first(stages: Stages) -> None:
    now = waiting(stages)
    assert list(stages.begin(1))
    assert not stages.gone("a.jpg")
    assert stages.ended("a.jpg", Stage.WRITTEN, now)
    assert stages.gone("a.jpg")
    assert stages.stage_of("a.jpg") is None


def test_a_sweep_names_what_it_did_not_see(stages: Stages) -> None:
    for name in "abc":
        stages.seen(name, identity(), 0.0)
    stages.sweep_began()
    stages.seen("a", identity(), 1.0)
    stages.seen("new", identity(), 1.0)
    assert sorted(stages.unseen()) == ["b", "c"]


def test_a_file_that_cannot_be_worked_on_now_is_looked_at_later(stages: Stages) -> None:
    now = waiting(stages)
    assert list(stages.begin(1))
    stages.postponed("a.jpg", now, seconds=5.0, reason="OUT is full")
    assert list(stages.due(now + 4.9)) == []
    assert ("a.jpg", Stage.SETTLING, "OUT is full") in stages.changed(10)
    assert list(stages.due(now + 5.0)) == [("a.jpg", identity())]


def test_a_person_can_have_a_file_worked_on_again_but_not_while_it_runs(stages: Stages) -> None:
    now = waiting(stages)
    assert list(stages.begin(1))
    assert not stages.again("a.jpg", now)
    stages.ended("a.jpg", Stage.FAILED, now, reason="broken")
    assert stages.again("a.jpg", now + 1)
    assert list(stages.due(now + 1)) == [("a.jpg", identity())]
    assert not stages.again("other.jpg", now)


def test_what_an_earlier_watcher_wrote_is_not_looked_into(stages: Stages) -> None:
    stages.known("a.jpg", identity(), Stage.WRITTEN)
    assert not stages.seen("a.jpg", identity(), 0.0, closed=True)
    assert stages.next_due() == NEVER
    assert stages.count(Stage.WRITTEN) == 1


def test_where_files_appear_whole_nothing_is_waited_for() -> None:
    stages = Stages(WHOLE_AT_ONCE)
    stages.seen("a.jpg", identity(), 3.0)
    assert list(stages.due(3.0)) == [("a.jpg", identity())]


WHAT = ["seen", "due", "judge", "begin", "written", "failed", "gone", "again", "sweep"]
STEP = st.tuples(
    st.sampled_from(WHAT), st.sampled_from("abc"), st.integers(1, 3), st.sampled_from(list(Kind))
)


@given(st.lists(STEP, max_size=60))
def test_whatever_happens_no_file_is_in_work_twice_and_the_counts_are_right(
    steps: list[tuple[str, str, int, Kind]],
) -> None:
    chaos = Chaos()
    for what, name, number, kind in steps:
        chaos.step(what, name, identity(number), Verdict(kind))
        found = [chaos.stages.stage_of(one) for one in "abc"]
        assert all(chaos.stages.count(stage) == found.count(stage) for stage in Stage)


class Chaos:
    """Stages to which anything happens, in any order."""

    def __init__(self) -> None:
        self.stages = Stages(RULES)
        self.begun: set[str] = set()
        self.now = 0.0

    def step(self, what: str, name: str, seen_as: FileIdentity, verdict: Verdict) -> None:
        self.now += 0.7
        steps: dict[str, Callable[[], object]] = {
            "seen": lambda: self.stages.seen(name, seen_as, self.now, closed=seen_as.size > 150),
            "due": lambda: list(self.stages.due(self.now)),
            "judge": lambda: self.stages.judged(name, seen_as, verdict, self.now),
            "begin": self._begin,
            "written": lambda: self._end(name, Stage.WRITTEN),
            "failed": lambda: self._end(name, Stage.FAILED),
            "gone": lambda: self.stages.gone(name),
            "again": lambda: self.stages.again(name, self.now),
            "sweep": self.stages.sweep_began,
        }
        steps[what]()

    def _begin(self) -> None:
        for name, _ in self.stages.begin(1):
            assert name not in self.begun, "in work twice"
            self.begun.add(name)

    def _end(self, name: str, stage: Stage) -> None:
        if name in self.begun:
            self.begun.remove(name)
            self.stages.ended(name, stage, self.now)
