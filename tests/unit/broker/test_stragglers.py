"""What takes far too long gets one copy elsewhere, and the first result counts."""

import pytest

from pixmesh.broker.leases import BEAT
from pixmesh.broker.messages import (
    AssignItem,
    Drop,
    End,
    HeldItem,
    Phase,
    Result,
    Settled,
    State,
)
from pixmesh.broker.stragglers import ENOUGH
from pixmesh.broker.tasks import Attempt, Task

from .records import NODE, OTHER, OWNER, Talk, end_item, submit, task_id


@pytest.fixture
def talk() -> Talk:
    """A recipe that takes 10 ms, as ten tasks have shown, and one task under way."""
    talk = Talk()
    talk.owner()
    talk.node(slots=2)
    learn(talk, ENOUGH)
    talk.hear(OWNER, submit(99, seq=100))
    talk.node(OTHER, slots=2)
    return talk


def learn(talk: Talk, count: int) -> None:
    for number in range(1, count + 1):
        talk.hear(OWNER, submit(number, seq=number))
        given = talk.assigned()[-1]
        talk.ends(given, End.DONE)
        talk.hear(OWNER, Settled((given.attempt,)))


def task(talk: Talk) -> Task:
    return talk.scheduler.owners[OWNER].tasks[task_id(99)]


def pass_time(talk: Talk, seconds: float) -> None:
    """Let time go by, with everybody's heartbeats."""
    until = talk.now + seconds
    while talk.now < until:
        talk.now = min(until, talk.now + BEAT / 2)
        for node in (NODE, OTHER):
            held = talk.scheduler.nodes[node].active.values()
            items = tuple(_held(one) for one in held)
            talk.hear(node, State(ready=2, held=items))
        talk.hear(OWNER, State())


def _held(attempt: Attempt) -> HeldItem:
    return HeldItem(attempt.id, Phase.RUNNING)


def test_a_straggler_gets_one_copy_on_another_node(talk: Talk) -> None:
    (first,) = task(talk).live
    pass_time(talk, 5.0)
    assert [one.node.id for one in task(talk).live] == [NODE, OTHER]
    assert task(talk).tries == 2
    assert first in task(talk).live


@pytest.mark.parametrize("winner", [0, 1])
def test_the_first_result_counts_and_the_other_attempt_is_ignored(talk: Talk, winner: int) -> None:
    pass_time(talk, 2.0)
    lives = task(talk).live
    won, lost = lives[winner], lives[1 - winner]
    talk.hear(won.node.id, talk.result(won, End.DONE))
    assert Drop(attempts=(lost.id,)) in talk.heard_by(lost.node.id)
    assert [one.holder for one in talk.told()][-1] == won.node.id
    told = len(talk.told())
    talk.hear(lost.node.id, talk.result(lost, End.DONE))
    assert len(talk.told()) == told
    assert Settled((lost.id,)) in talk.heard_by(lost.node.id)


@pytest.mark.parametrize("end", [End.CRASHED, End.RETURNED])
def test_an_attempt_that_comes_to_nothing_leaves_the_other_at_work(talk: Talk, end: End) -> None:
    pass_time(talk, 2.0)
    first, second = task(talk).live
    talk.hear(NODE, Result((end_item(_given(first), end),)))
    assert task(talk).live == (second,)
    assert len(talk.told()) == ENOUGH
    talk.hear(OTHER, Result((end_item(_given(second), End.RETURNED),)))
    assert len(task(talk).live) == 1


def _given(attempt: Attempt) -> AssignItem:
    return AssignItem(attempt.id, 0, attempt.task.item, 0.0)


def test_a_node_that_is_lost_costs_one_of_the_two(talk: Talk) -> None:
    pass_time(talk, 2.0)
    _, second = task(talk).live
    talk.node(NODE, slots=2, boot=2)
    assert task(talk).live == (second,)


def test_nothing_is_copied_while_work_waits_or_no_slot_idles(talk: Talk) -> None:
    talk.hear(OWNER, submit(*range(200, 240), seq=101))
    pass_time(talk, 3.0)
    assert len(task(talk).live) == 1


def test_nothing_is_copied_before_enough_is_known() -> None:
    talk = Talk()
    talk.owner()
    talk.node(slots=2)
    learn(talk, ENOUGH - 1)
    talk.hear(OWNER, submit(99, seq=100))
    talk.node(OTHER, slots=2)
    pass_time(talk, 5.0)
    assert len(task(talk).live) == 1


def test_nothing_is_copied_within_the_first_second(talk: Talk) -> None:
    pass_time(talk, 0.9)
    assert len(task(talk).live) == 1


def test_a_suspect_is_not_copied(talk: Talk) -> None:
    (first,) = task(talk).live
    talk.hear(NODE, talk.result(first, End.CRASHED))
    pass_time(talk, 5.0)
    (attempt,) = task(talk).live
    assert attempt.alone
