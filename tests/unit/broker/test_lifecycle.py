"""A task's transitions: each of them, late words, repeated words, and giving up."""

import pytest

from pixmesh.broker import intake, windows
from pixmesh.broker.leases import LEASE
from pixmesh.broker.lifecycle import MOST_ATTEMPTS
from pixmesh.broker.messages import Drop, End, HeldItem, Phase, Result, Settled, State
from pixmesh.broker.tasks import Place

from .records import NODE, OTHER, OWNER, Talk, end_item, submit, task_id


def mesh(*numbers: int) -> Talk:
    talk = Talk()
    talk.owner()
    talk.node()
    talk.hear(OWNER, submit(*numbers))
    return talk


def place(talk: Talk, number: int = 1) -> Place:
    return talk.scheduler.owners[OWNER].tasks[task_id(number)].place


def test_a_task_waits_is_placed_ends_and_goes() -> None:
    talk = Talk()
    talk.owner()
    talk.hear(OWNER, submit(1))
    assert place(talk) is Place.WAITING
    talk.node()
    assert place(talk) is Place.PLACED
    attempt = talk.assigned()[0]
    talk.ends(attempt, End.DONE)
    assert place(talk) is Place.ENDED
    told = talk.told()[0]
    assert (told.node, told.holder, told.attempts) == ("node....", NODE, 1)
    talk.hear(OWNER, Settled((attempt.attempt,)))
    assert talk.tasks == 0
    assert Settled((attempt.attempt,)) in talk.heard_by(NODE)
    assert talk.scheduler.nodes[NODE].done == 1


def test_a_failure_is_an_end() -> None:
    talk = mesh(1)
    talk.ends(talk.assigned()[0], End.FAILED)
    assert [(one.end, one.code) for one in talk.told()] == [(End.FAILED, "failed")]
    assert len(talk.assigned()) == 1


@pytest.mark.parametrize("end", [End.CRASHED, End.RETURNED])
def test_a_task_that_crashed_or_came_back_is_tried_again(end: End) -> None:
    talk = mesh(1)
    talk.ends(talk.assigned()[0], end)
    assert talk.told() == []
    assert len(talk.assigned()) == 2
    assert Settled((talk.assigned()[0].attempt,)) in talk.heard_by(NODE)


def test_a_task_tried_again_goes_before_those_that_wait() -> None:
    talk = mesh(*range(1, 6))
    talk.ends(talk.assigned()[0], End.RETURNED)
    assert talk.assigned()[-1].task.id == task_id(1)


def test_the_eighth_attempt_is_the_last() -> None:
    talk = mesh(1)
    for _ in range(MOST_ATTEMPTS):
        assert talk.told() == []
        talk.ends(talk.assigned()[-1], End.RETURNED)
    assert len(talk.assigned()) == MOST_ATTEMPTS
    assert [(one.end, one.attempts) for one in talk.told()] == [(End.FAILED, MOST_ATTEMPTS)]


def test_being_lost_with_nodes_is_not_for_ever() -> None:
    talk = mesh(1)
    for boot in range(2, 2 + MOST_ATTEMPTS):
        talk.node(boot=boot)
    assert len(talk.assigned()) == MOST_ATTEMPTS
    (told,) = talk.told()
    assert (told.end, told.code) == (End.FAILED, "lost")


@pytest.mark.parametrize("end", list(End))
def test_an_end_told_twice_counts_once(end: End) -> None:
    talk = mesh(1)
    attempt = talk.assigned()[0]
    talk.ends(attempt, end)
    talk.ends(attempt, end)
    again = 2 if end in (End.CRASHED, End.RETURNED) else 1
    assert len(talk.assigned()) == again
    assert {one.attempt for one in talk.told()} <= {attempt.attempt}


def test_settling_twice_is_harmless() -> None:
    talk = mesh(1)
    attempt = talk.assigned()[0]
    talk.ends(attempt, End.DONE)
    for _ in range(2):
        talk.hear(OWNER, Settled((attempt.attempt,)))
    assert talk.tasks == 0
    assert talk.scheduler.nodes[NODE].done == 1


def test_submitting_twice_is_harmless() -> None:
    talk = mesh(1, 2)
    talk.hear(OWNER, submit(1, 2))
    assert talk.tasks == 2
    assert len(talk.assigned()) == 2


def test_settling_what_has_no_end_or_belongs_to_another_changes_nothing() -> None:
    talk = mesh(1)
    talk.owner(OTHER)
    attempt = talk.assigned()[0]
    talk.ends(attempt, End.DONE)
    talk.hear(OTHER, Settled((attempt.attempt, 5)))
    assert place(talk) is Place.ENDED


def lapse(talk: Talk) -> None:
    """Let the first node lapse while another has its task."""
    talk.now += LEASE - 1
    talk.node(OTHER)
    talk.hear(OWNER, State())
    talk.now += 1
    talk.turn()
    talk.node(NODE)


def test_a_late_result_counts_while_there_is_no_outcome() -> None:
    talk = mesh(1)
    attempt = talk.assigned()[0]
    lapse(talk)
    second = talk.assigned(OTHER)[0]
    talk.ends(attempt, End.DONE)
    assert [(one.end, one.holder) for one in talk.told()] == [(End.DONE, NODE)]
    assert Drop(attempts=(second.attempt,)) in talk.heard_by(OTHER)
    talk.ends(second, End.DONE, node=OTHER)
    assert len(talk.told()) == 1
    assert Settled((second.attempt,)) in talk.heard_by(OTHER)


def test_a_late_result_is_settled_away_once_there_is_an_outcome() -> None:
    talk = mesh(1)
    attempt = talk.assigned()[0]
    lapse(talk)
    talk.ends(talk.assigned(OTHER)[0], End.DONE, node=OTHER)
    talk.ends(attempt, End.DONE)
    assert [one.holder for one in talk.told()] == [OTHER]
    assert Settled((attempt.attempt,)) in talk.heard_by(NODE)


@pytest.mark.parametrize("end", [End.FAILED, End.CRASHED, End.RETURNED])
def test_a_late_end_without_a_result_does_not_count(end: End) -> None:
    talk = mesh(1)
    attempt = talk.assigned()[0]
    lapse(talk)
    talk.ends(attempt, end)
    assert talk.told() == []
    assert place(talk) is Place.PLACED


def test_a_late_result_takes_a_waiting_task_out() -> None:
    talk = mesh(1)
    attempt = talk.assigned()[0]
    talk.node(boot=2)
    talk.hear(NODE, State(ready=0))
    talk.ends(talk.assigned()[-1], End.RETURNED)
    assert place(talk) is Place.ASIDE
    talk.ends(attempt, End.DONE)
    assert place(talk) is Place.ENDED


def test_a_node_cannot_end_the_attempt_of_another() -> None:
    talk = mesh(1)
    talk.node(OTHER)
    talk.hear(OTHER, Result((end_item(talk.assigned()[0], End.FAILED),)))
    assert place(talk) is Place.PLACED


def test_a_waiting_task_is_cancelled_at_once() -> None:
    talk = Talk()
    talk.owner()
    talk.hear(OWNER, submit(1, 2))
    talk.hear(OWNER, Drop(tasks=(task_id(1),), unstarted=True))
    assert [(one.end, one.task) for one in talk.told()] == [(End.RETURNED, task_id(1))]
    talk.hear(OWNER, Drop(tasks=(task_id(2),)))
    assert len(talk.told()) == 1
    talk.hear(OWNER, Settled((talk.told()[0].attempt,)))
    assert talk.tasks == 0


def test_a_placed_task_is_cancelled_only_if_its_node_has_not_started_it() -> None:
    talk = mesh(1, 2)
    first, second = talk.assigned()
    talk.hear(OWNER, Drop(tasks=(task_id(1), task_id(2)), unstarted=True))
    assert Drop(attempts=(first.attempt, second.attempt), unstarted=True) in talk.heard_by(NODE)
    talk.ends(first, End.DONE)
    talk.ends(second, End.RETURNED)
    assert [one.end for one in talk.told()] == [End.DONE, End.RETURNED]


@pytest.mark.parametrize("ended", [False, True])
def test_a_task_taken_back_by_force_is_forgotten_everywhere_even_if_it_ended(ended: bool) -> None:
    talk = mesh(1)
    attempt = talk.assigned()[0]
    if ended:
        talk.ends(attempt, End.DONE)
    talk.hear(OWNER, Drop(tasks=(task_id(1),)))
    assert talk.tasks == 0
    forget = Settled((attempt.attempt,)) if ended else Drop(attempts=(attempt.attempt,))
    assert forget in talk.heard_by(NODE)
    talk.hear(OWNER, submit(1, seq=2))
    assert len(talk.assigned()) == 2


def test_submitting_a_cancelled_task_again_wants_it_again() -> None:
    talk = mesh(1)
    talk.hear(OWNER, Drop(tasks=(task_id(1),), unstarted=True))
    talk.hear(OWNER, submit(1, seq=2))
    talk.ends(talk.assigned()[0], End.RETURNED)
    assert talk.told() == []
    assert len(talk.assigned()) == 2


def test_submits_are_seen_in_order_and_a_restart_begins_anew() -> None:
    talk = Talk()
    talk.owner()
    owner = talk.scheduler.owners[OWNER]
    talk.hear(OWNER, submit(1, seq=1))
    talk.hear(OWNER, submit(3, seq=3))
    assert owner.seen == 1
    assert len(owner.tasks) == 2
    again = submit(1, 2, 3, seq=4)
    talk.hear(OWNER, type(again)(4, 1, "blur", "", again.tasks, restart=True))
    assert owner.seen == 4
    assert len(owner.tasks) == 3


def test_a_submit_beyond_the_cap_is_not_called_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_TASKS", 2)
    talk = Talk()
    talk.owner()
    talk.hear(OWNER, submit(1, 2, 3, 4, 5))
    assert talk.tasks == 2
    assert talk.scheduler.owners[OWNER].seen == 0


def test_a_batch_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_BATCHES", 10)
    talk = Talk()
    talk.owner()
    for number in range(1, 100):
        talk.hear(OWNER, submit(number, seq=number, batch=number))
        talk.hear(OWNER, Drop(tasks=(task_id(number),)))
    assert len(talk.scheduler.owners[OWNER].batches) <= 10


def test_the_phase_of_an_attempt_is_the_one_that_its_node_says() -> None:
    talk = mesh(1)
    attempt = talk.assigned()[0].attempt
    talk.hear(NODE, State(seen=1, ready=1, held=(HeldItem(attempt, Phase.RUNNING),)))
    assert talk.scheduler.nodes[NODE].active[attempt].phase is Phase.RUNNING  # type: ignore[index]
