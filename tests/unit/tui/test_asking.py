"""Wishes reach whom they concern: an owner that lives, the ledger, or the broker."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pixmesh.node.errors import MeshUnreachable, PixmeshError, UsageError
from pixmesh.node.owner.folder_records import Arrival, ArrivalState, Wish
from pixmesh.node.owner.job import JobId
from pixmesh.node.owner.ledger import BY_PERSON, Ledger
from pixmesh.node.owner.listing import Choice
from pixmesh.node.owner.row import Failed, Row, State
from pixmesh.tui.asking import AT_ONCE, ENDED, KEPT_OUT, NOT_WATCHED, PAGE, QUARANTINED, Asking
from pixmesh.tui.known import find

from .rows import JOB, row

OUT, IN = Path("/out"), Path("/in")
FAILED = Choice(states=frozenset({"failed"}))


def todo(name: str, **more: object) -> Row:
    return row(name, State.SUBMITTED, **more)


@dataclass
class World:
    """A ledger with an owner in another process, one that died, and a broker."""

    us: Ledger
    other: Ledger
    released: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    trouble: PixmeshError | None = None

    @property
    def asking(self) -> Asking:
        return Asking(self.us, self.release, self.said.append)

    def release(self, about: str) -> str:
        if self.trouble is not None:
            raise self.trouble
        self.released.append(about)
        return "1 released"

    def fail(self, *names: str, code: str = "c") -> None:
        for name in names:
            self.other.submitted([todo(name)])
            self.other.failed([Failed(destination=OUT / name, code=code, reason="r")])

    def row(self, name: str) -> Row:
        return self.us.rows([OUT / name])[OUT / name]

    def asked(self) -> list[tuple[Path | None, Wish]]:
        return [(one.destination, one.wish) for one in self.us.folders.asked(OUT)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Ledger(tmp_path / "l") as us, Ledger(tmp_path / "l") as other:
        yield World(us, other)


def whats(world: World, *names: str) -> list[str]:
    answers, _ = world.asking.retry(names)
    return [one.what for one in answers]


# ---- cancel --------------------------------------------------------------------------------


def test_an_owner_that_lives_is_asked_and_a_dead_ones_output_is_cancelled_at_once(
    world: World, tmp_path: Path
) -> None:
    temp = tmp_path / ".b.part"
    temp.touch()
    with Ledger(tmp_path / "l") as dead:
        dead.submitted([todo("b.jpg", temp=temp)])
    world.other.submitted([todo("a.jpg")])
    answers = world.asking.cancel(["/in/a.jpg", "/out/b.jpg"])
    assert [one.what for one in answers] == ["is being cancelled", ENDED]
    assert world.asked() == [(OUT / "a.jpg", Wish.CANCEL)]
    assert (world.row("b.jpg").state, world.row("b.jpg").code) == (State.CANCELLED, BY_PERSON[0])
    assert not temp.exists()


def test_of_several_outputs_those_are_cancelled_that_can_be(world: World) -> None:
    world.fail("a.jpg")
    world.other.submitted([todo("b.jpg", source=IN / "a.jpg")])
    (answer,) = world.asking.cancel(["/in/a.jpg"])
    assert answer.destination == "/out/b.jpg"


def test_one_name_that_makes_no_sense_stops_all(world: World) -> None:
    world.other.submitted([todo("a.jpg")])
    world.fail("b.jpg")
    for wrong, words in (("/in/b.jpg", "has failed already: r"), ("/x", "nothing is known of /x")):
        with pytest.raises(UsageError, match=words):
            world.asking.cancel(["/in/a.jpg", wrong])
    assert world.asked() == []


def test_a_file_to_come_is_kept_out_where_its_folder_is_watched(world: World) -> None:
    world.other.folders.watched(OUT, IN, "blur")
    world.other.folders.arriving(OUT, [Arrival(IN / "a.jpg", ArrivalState.SEEN)])
    assert [one.what for one in world.asking.cancel(["/in/a.jpg"])] == [KEPT_OUT]
    assert world.asked() == [(None, Wish.CANCEL)]
    world.other.folders.unwatched(OUT)
    with pytest.raises(UsageError, match="nobody watches its folder now"):
        world.asking.cancel(["/in/a.jpg"])


def test_an_id_that_was_shortened_too_much_is_refused(world: World) -> None:
    other = JobId(JOB[:4] + b"other-job-id")
    world.other.submitted([todo("a.jpg"), todo("b.jpg", job=other)])
    assert len(find(world.us, JOB.hex()[:8]).rows) == 2
    with pytest.raises(UsageError, match="beginning of 2 jobs' ids"):
        world.asking.cancel([JOB.hex()[:8]])
    assert len(world.asking.cancel([JOB.hex()[:12].upper()])) == 1


def test_a_file_that_came_to_two_folders_is_cancelled_in_the_one_that_is_named(
    world: World,
) -> None:
    outs = OUT / "thumbs", OUT / "web"
    for out in outs:
        world.other.folders.watched(out, IN, "grayscale")
        world.other.folders.arriving(out, [Arrival(IN / "a.jpg", ArrivalState.WAITING)])
    world.asking.cancel([str(IN / "a.jpg")], under=str(outs[0]))
    assert [len(world.us.folders.asked(out)) for out in outs] == [1, 0]
    with pytest.raises(UsageError, match=r"nothing is known of /in/a\.jpg below /elsewhere"):
        world.asking.cancel([str(IN / "a.jpg")], under="/elsewhere")


def test_of_two_outs_one_in_the_other_the_one_that_is_named_is_meant(world: World) -> None:
    for out in (OUT, OUT / "web"):
        world.other.folders.watched(out, IN, "grayscale")
        world.other.folders.arriving(out, [Arrival(IN / "a.jpg", ArrivalState.WAITING)])
    world.other.submitted([todo("web/a.jpg", source=IN / "a.jpg")])
    world.asking.cancel([str(IN / "a.jpg")], under=f"{OUT}/")
    asked = [(one.out, one.destination) for one in world.us.folders.asked(OUT)]
    assert asked == [(OUT, None)]
    assert world.us.folders.asked(OUT / "web") == []


def test_an_outputs_name_means_that_output_though_it_was_dropped_elsewhere_since(
    world: World,
) -> None:
    world.other.submitted([todo("a.jpg"), todo("b.jpg", source=OUT / "a.jpg")])
    answers = world.asking.cancel([str(OUT / "a.jpg")])
    assert [one.destination for one in answers] == [str(OUT / "a.jpg")]
    assert world.asked() == [(OUT / "a.jpg", Wish.CANCEL)]


# ---- retry ---------------------------------------------------------------------------------


def test_a_watcher_that_lives_tries_again_now_and_elsewhere_the_same_command_does(
    world: World,
) -> None:
    world.fail("a.jpg", "b.jpg")
    assert whats(world, "/in/a.jpg") == [NOT_WATCHED]
    world.other.folders.watched(OUT, IN, "blur")
    assert whats(world, "/in/a.jpg", "/out/b.jpg") == [AT_ONCE, AT_ONCE]
    assert world.asked() == [(OUT / "a.jpg", Wish.RETRY), (OUT / "b.jpg", Wish.RETRY)]
    assert world.released == []


def test_a_watcher_that_died_tries_nothing_again_now(world: World, tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as dead:
        dead.folders.watched(OUT, IN, "blur")
    world.fail("a.jpg")
    assert whats(world, "/in/a.jpg") == [NOT_WATCHED]
    assert world.asked() == [(OUT / "a.jpg", Wish.RETRY)]


def test_a_quarantined_picture_is_released_before_it_is_asked_for(world: World) -> None:
    world.fail("a.jpg", code=QUARANTINED)
    before: list[object] = []

    def release(about: str) -> str:
        before.append((about, world.asked()))
        return "1 released"

    Asking(world.us, release, world.said.append).retry(["/in/a.jpg"])
    assert before == [(JOB.hex(), [])]
    assert world.asked() == [(OUT / "a.jpg", Wish.RETRY)]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (MeshUnreachable("nobody answers"), ["the broker was not asked: nobody answers"]),
        (UsageError("no picture is quarantined"), []),
        (PixmeshError("no"), ["the broker does not let it go: no"]),
    ],
)
def test_a_broker_that_does_not_help_is_no_error_where_the_ledger_knows_the_picture(
    world: World, trouble: PixmeshError, said: list[str]
) -> None:
    world.fail("a.jpg", code=QUARANTINED)
    world.trouble = trouble
    assert whats(world, "/in/a.jpg") == [NOT_WATCHED]
    assert world.said == said


def test_what_the_ledger_does_not_know_is_the_brokers(world: World) -> None:
    assert world.asking.retry(["a.jpg"]) == ([], ["1 released"])
    world.trouble = MeshUnreachable("nobody answers")
    with pytest.raises(UsageError, match=r"nothing is known of a.jpg.*nobody answers"):
        world.asking.retry(["a.jpg"])


def test_what_is_under_way_is_not_tried_again(world: World) -> None:
    world.other.submitted([todo("a.jpg")])
    with pytest.raises(UsageError, match="is under way"):
        world.asking.retry(["/in/a.jpg"])


def test_everything_that_failed_is_asked_for_however_much_it_is(world: World) -> None:
    rows = [todo(f"{number:04}.jpg") for number in range(PAGE + 1)]
    world.other.submitted(rows)
    world.other.failed([Failed(destination=one.destination, code="c", reason="r") for one in rows])
    world.other.submitted([todo("well.jpg")])
    answers = world.asking.retry_failed(world.us.listing.every(FAILED))
    assert len(answers) == len(world.asked()) == PAGE + 1
