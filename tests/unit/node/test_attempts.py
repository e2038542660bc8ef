"""What a node holds: from ASSIGN to SETTLED, blaming only what ran."""

import pytest

from pixmesh.broker.messages import End, Phase
from pixmesh.broker.placement import AHEAD_MOST, AHEAD_SECONDS
from pixmesh.node.attempts import ELSEWHERE, FETCHES_PER_SLOT, TELL_AGAIN, Attempts

from .items import assign, assign_item, slot_end


def holding(*numbers: int, seconds: float = 0.001, slots: int = 1) -> Attempts:
    """A node that was given attempts, and whose slots have what they may have of them."""
    attempts = Attempts()
    for slot in range(slots):
        attempts.slot_ready(f"slot{slot}")
    attempts.assigned(assign(*(assign_item(number, seconds=seconds) for number in numbers)))
    attempts.next_work()
    return attempts


def ends(attempts: Attempts, now: float = 0.0) -> dict[int, End]:
    return {held.id: held.end.end for held in attempts.untold(now) if held.end is not None}


def phases(attempts: Attempts) -> dict[int, Phase]:
    return {one.attempt: one.phase for one in attempts.state()}


def test_short_attempts_are_given_ahead_up_to_25_ms() -> None:
    attempts = holding(*range(1, 100), seconds=0.004)
    given = [one for one, phase in phases(attempts).items() if phase is Phase.RUNNING]
    assert 4 <= len(given) <= AHEAD_SECONDS / 0.004 + 1


def test_at_most_64_are_given_ahead() -> None:
    attempts = holding(*range(1, 100), seconds=0.0)
    given = [one for one, phase in phases(attempts).items() if phase is Phase.RUNNING]
    assert len(given) == AHEAD_MOST


def test_long_attempts_never_wait_behind_each_other() -> None:
    attempts = holding(1, 2, 3, seconds=1.0, slots=2)
    assert sorted(phases(attempts).values()) == [Phase.READY, Phase.RUNNING, Phase.RUNNING]
    assert all(len(bench.given) == 1 for bench in attempts.benches.values())


def test_a_long_attempt_does_not_wait_behind_a_short_one() -> None:
    attempts = holding(1, seconds=0.001)
    attempts.assigned(assign(assign_item(2, seconds=1.0)))
    assert attempts.next_work() == {}


def test_a_slot_that_died_is_blamed_on_what_ran_and_on_nothing_else() -> None:
    attempts = holding(1, 2, 3)
    blamed = attempts.slot_died("slot0", 2)
    assert blamed is not None
    assert blamed.id == 2
    assert ends(attempts) == {2: End.CRASHED}
    attempts.slot_ready("slot1")
    work = attempts.next_work()
    assert [held.id for held in work["slot1"]] == [1, 3]


def test_a_slot_that_died_between_two_attempts_blames_nobody() -> None:
    attempts = holding(1, 2)
    assert attempts.slot_died("slot0", 0) is None
    assert ends(attempts) == {}
    assert set(phases(attempts).values()) == {Phase.READY}


def test_an_attempt_dropped_is_not_run_again_when_its_slot_dies() -> None:
    attempts = holding(1, 2)
    attempts.dropped([2], unstarted=False)
    attempts.slot_died("slot0", 1)
    assert phases(attempts) == {1: Phase.ENDED}


def test_an_assign_that_comes_twice_gives_one_attempt() -> None:
    attempts = holding(1, 2)
    attempts.assigned(assign(assign_item(1), assign_item(2)))
    assert attempts.next_work() == {}
    assert len(attempts.held) == 2


def test_an_attempt_assigned_dropped_and_assigned_again_runs_once() -> None:
    attempts = Attempts()
    attempts.assigned(assign(assign_item(1)))
    attempts.dropped([1], unstarted=False)
    attempts.assigned(assign(assign_item(1), seq=2))
    attempts.slot_ready("slot0")
    assert [held.id for held in attempts.next_work()["slot0"]] == [1]


def test_an_assign_that_comes_twice_is_void_the_second_time() -> None:
    attempts = Attempts()
    attempts.assigned(assign(assign_item(1)))
    attempts.dropped([1], unstarted=False)
    attempts.assigned(assign(assign_item(1)))
    assert attempts.held == {}
    attempts.heartbeat()
    attempts.assigned(assign(assign_item(2), seq=2))
    assert list(attempts.held) == [2]


def test_an_attempt_with_a_work_that_is_not_there_is_not_taken_in() -> None:
    attempts = Attempts()
    message = assign(assign_item(1))
    attempts.assigned(type(message)(seq=1, works=(), attempts=message.attempts))
    assert attempts.held == {}


@pytest.mark.parametrize("unstarted", [True, False])
def test_an_attempt_without_a_slot_is_dropped_at_once(unstarted: bool) -> None:
    attempts = Attempts()
    attempts.assigned(assign(assign_item(1), assign_item(2, large=True)))
    attempts.dropped([1, 2, 99], unstarted=unstarted)
    assert ends(attempts) == ({1: End.RETURNED, 2: End.RETURNED} if unstarted else {})
    attempts.slot_ready("slot0")
    assert attempts.next_work() == {}
    assert list(attempts.next_fetches()) == []


def test_a_started_attempt_is_dropped_only_by_force_and_then_ends_without_a_word() -> None:
    attempts = holding(1, 2)
    attempts.dropped([1], unstarted=True)
    attempts.dropped([2], unstarted=False)
    attempts.ended("slot0", slot_end(1))
    attempts.ended("slot0", slot_end(2))
    assert ends(attempts) == {1: End.DONE}
    assert set(attempts.held) == {1}


def test_a_draining_node_returns_what_no_slot_has() -> None:
    attempts = holding(1, 2, 3, seconds=1.0)
    attempts.assigned(assign(assign_item(4, large=True), seq=2))
    attempts.give_back_unstarted()
    assert ends(attempts) == {2: End.RETURNED, 3: End.RETURNED, 4: End.RETURNED}
    assert phases(attempts)[1] is Phase.RUNNING


def test_an_end_is_told_again_until_it_is_settled_and_in_each_session() -> None:
    attempts = holding(1)
    attempts.ended("slot0", slot_end(1))
    assert ends(attempts, now=0.0) == {1: End.DONE}
    attempts.tell_again(TELL_AGAIN / 2)
    assert ends(attempts) == {}
    attempts.tell_again(TELL_AGAIN)
    assert ends(attempts, now=TELL_AGAIN) == {1: End.DONE}
    attempts.session_began(b"broker")
    assert ends(attempts, now=TELL_AGAIN) == {1: End.DONE}
    attempts.settled([1, 99])
    attempts.tell_again(10 * TELL_AGAIN)
    assert ends(attempts) == {}
    assert not attempts.busy
    assert [held.id for held in attempts.forgotten] == [1]


def test_settling_what_has_no_end_changes_nothing() -> None:
    attempts = holding(1)
    attempts.settled([1])
    assert phases(attempts) == {1: Phase.RUNNING}


def test_another_broker_counts_its_assigns_anew() -> None:
    attempts = Attempts()
    attempts.session_began(b"one")
    attempts.assigned(assign(seq=7))
    attempts.session_began(b"one")
    assert (attempts.heartbeat().seen, attempts.heartbeat().number) == (7, 2)
    attempts.session_began(b"another")
    assert attempts.heartbeat().seen == 0


def test_an_assign_that_comes_after_a_heartbeat_without_it_is_void() -> None:
    attempts = holding()
    attempts.assigned(assign(assign_item(4), seq=4))
    attempts.assigned(assign(assign_item(3), seq=3))
    assert set(phases(attempts)) == {3, 4}
    attempts.heartbeat()
    for seq in (2, 4):
        attempts.assigned(assign(assign_item(10 + seq), seq=seq))
    attempts.assigned(assign(assign_item(5), seq=5))
    assert set(phases(attempts)) == {3, 4, 5}


def test_large_pixels_are_fetched_a_few_at_a_time_and_before_a_slot_gets_them() -> None:
    attempts = Attempts()
    attempts.slot_ready("slot0")
    attempts.assigned(assign(*(assign_item(number, large=True) for number in range(1, 9))))
    fetching = [held.id for held in attempts.next_fetches()]
    assert fetching == list(range(1, 1 + FETCHES_PER_SLOT))
    assert attempts.next_work() == {}
    attempts.fetched(1)
    assert [held.id for held in attempts.next_work()["slot0"]] == [1]
    assert [held.id for held in attempts.next_fetches()] == [1 + FETCHES_PER_SLOT]


def test_pixels_that_do_not_come_send_the_attempt_elsewhere() -> None:
    attempts = Attempts()
    attempts.assigned(assign(assign_item(1, large=True)))
    list(attempts.next_fetches())
    attempts.unfetchable(1, "unreachable", "x" * 5000)
    assert ends(attempts) == {1: End.RETURNED}
    end = attempts.held[1].end
    assert end is not None
    assert (end.code, len(end.reason)) == ("unreachable", 1000)


@pytest.mark.parametrize("code", [*sorted(ELSEWHERE), "truncated"])
def test_what_another_node_may_do_better_is_returned_and_the_rest_fails(code: str) -> None:
    attempts = holding(1)
    attempts.ended("slot0", slot_end(1, code=code))
    assert ends(attempts) == {1: End.RETURNED if code in ELSEWHERE else End.FAILED}


def test_an_end_from_a_slot_that_does_not_have_the_attempt_is_ignored() -> None:
    attempts = holding(1)
    attempts.ended("slot9", slot_end(1))
    attempts.ended("slot0", slot_end(5))
    assert ends(attempts) == {}
    assert phases(attempts) == {1: Phase.RUNNING}
