"""A new broker goes on with what runs, whoever of owner and node comes first."""

import pytest
from msgspec import structs

from pixmesh.broker.leases import LEASE
from pixmesh.broker.messages import (
    AttemptId,
    Bye,
    Drop,
    End,
    EndItem,
    HeldItem,
    HeldTask,
    Hello,
    MemberId,
    Note,
    Phase,
    Result,
    Settled,
    State,
    Submit,
)
from pixmesh.broker.scheduler import TELL_PLACED
from pixmesh.broker.tasks import Place, Task

from .records import NODE, OTHER, OWNER, Talk, hello, submit, task_id

ATTEMPT = AttemptId(77)


def holding(*numbers: int, phase: Phase = Phase.RUNNING, node: MemberId = NODE) -> Hello:
    """A node that comes with attempts of an earlier broker's."""
    held = tuple(
        HeldTask(ATTEMPT + number, phase, task_id(number), OWNER, 3.0, 10) for number in numbers
    )
    return structs.replace(hello("node", node.decode()), held=held)


def asked(*numbers: int, last: MemberId | None = NODE, seq: int = 1) -> Submit:
    """An owner's tasks once more, with the node that it last saw at work on them."""
    plain = submit(*numbers, seq=seq)
    return structs.replace(
        plain, tasks=tuple(structs.replace(item, last=last) for item in plain.tasks), restart=True
    )


def young() -> Talk:
    """A broker that has just started, and an owner."""
    talk = Talk(now=0.1)
    talk.owner()
    return talk


def task(talk: Talk, number: int = 1) -> Task:
    return talk.scheduler.owners[OWNER].tasks[task_id(number)]


def end(number: int, how: End = End.DONE) -> Result:
    digest = bytes(32) if how is End.DONE else None
    return Result((EndItem(ATTEMPT + number, task_id(number), OWNER, how, digest=digest),))


def test_what_a_node_runs_is_adopted_when_its_owner_asks() -> None:
    talk = young()
    talk.join(NODE, holding(1))
    assert talk.scheduler.nodes[NODE].reserved == 10
    talk.hear(OWNER, asked(1))
    (attempt,) = task(talk).live
    assert (attempt.id, attempt.node.id, attempt.predicted) == (ATTEMPT + 1, NODE, 3.0)
    assert talk.assigned() == []
    talk.hear(NODE, end(1))
    assert [one.end for one in talk.told()] == [End.DONE]


def test_a_task_waits_for_the_node_that_works_on_it() -> None:
    talk = young()
    talk.node(OTHER)
    talk.hear(OWNER, asked(1))
    assert task(talk).place is Place.AWAITED
    talk.now += LEASE / 2
    talk.hear(OTHER, State(ready=1))
    talk.join(NODE, holding(1))
    assert task(talk).live[0].id == ATTEMPT + 1
    assert talk.assigned(OTHER) == []


def test_a_task_waits_a_lease_and_no_longer() -> None:
    talk = young()
    talk.hear(OWNER, asked(1))
    assert talk.scheduler.next_deadline() <= talk.now + LEASE
    talk.now += LEASE - 0.1
    talk.node(OTHER)
    talk.hear(OWNER, State())
    assert task(talk).place is Place.AWAITED
    talk.now += 0.1
    talk.turn()
    assert [one.task.id for one in talk.assigned(OTHER)] == [task_id(1)]


def test_a_task_whose_node_came_without_it_goes_at_once() -> None:
    talk = young()
    talk.hear(OWNER, asked(1))
    talk.node(NODE)
    assert [one.task.id for one in talk.assigned()] == [task_id(1)]


def test_a_free_task_goes_at_once() -> None:
    talk = young()
    talk.node(OTHER)
    talk.hear(OWNER, asked(1, last=None))
    assert [one.task.id for one in talk.assigned(OTHER)] == [task_id(1)]


def test_a_node_that_comes_late_with_a_task_placed_elsewhere_goes_on_with_it() -> None:
    """Both may finish it; the first result counts, and the other is settled away."""
    talk = young()
    talk.node(OTHER)
    talk.hear(OWNER, asked(1, last=None))
    talk.join(NODE, holding(1))
    assert len(task(talk).live) == 2
    talk.hear(NODE, end(1))
    second = talk.assigned(OTHER)[0]
    assert Drop(attempts=(second.attempt,)) in talk.heard_by(OTHER)
    assert [one.holder for one in talk.told()] == [NODE]


@pytest.mark.parametrize("how", [End.DONE, End.FAILED])
def test_an_outcome_reached_without_a_broker_is_kept_until_its_owner_asks(how: End) -> None:
    talk = young()
    talk.join(NODE, holding(1, phase=Phase.ENDED))
    talk.hear(NODE, end(1, how))
    assert Settled((ATTEMPT + 1,)) not in talk.heard_by(NODE)
    talk.hear(OWNER, asked(1))
    talk.hear(NODE, State(ready=1, held=(HeldItem(ATTEMPT + 1, Phase.ENDED),)))
    talk.hear(NODE, end(1, how))
    assert [one.end for one in talk.told()] == [how]


@pytest.mark.parametrize("how", [End.CRASHED, End.RETURNED])
def test_an_orphan_that_came_to_nothing_is_forgotten(how: End) -> None:
    talk = young()
    talk.join(NODE, holding(1))
    talk.hear(NODE, end(1, how))
    node = talk.scheduler.nodes[NODE]
    assert (node.orphans, node.reserved) == ({}, 0)
    talk.hear(OWNER, asked(1))
    talk.hear(NODE, State(ready=1))
    assert [one.task.id for one in talk.assigned()] == [task_id(1)]


def test_what_nobody_asks_for_is_dropped_when_the_broker_is_young_no_more() -> None:
    talk = young()
    talk.join(NODE, holding(1))
    held = State(ready=1, held=(HeldItem(ATTEMPT + 1, Phase.RUNNING),))
    talk.hear(NODE, held)
    assert talk.scheduler.nodes[NODE].orphans
    talk.now += LEASE
    talk.hear(NODE, held)
    node = talk.scheduler.nodes[NODE]
    assert (node.orphans, list(node.strays)) == ({}, [ATTEMPT + 1])
    assert Drop(attempts=(ATTEMPT + 1,)) in talk.heard_by(NODE)
    assert talk.scheduler.tasks.orphans.holders == {}


def test_the_orphans_of_a_node_that_goes_go_with_it() -> None:
    talk = young()
    talk.join(NODE, holding(1, 2))
    talk.hear(NODE, Bye())
    assert talk.scheduler.tasks.orphans.holders == {}
    talk.node(OTHER)
    talk.hear(OWNER, asked(1))
    assert task(talk).place is Place.AWAITED


def test_an_awaited_task_can_be_cancelled() -> None:
    talk = young()
    talk.hear(OWNER, asked(1, 2))
    talk.hear(OWNER, Drop(tasks=(task_id(1),), unstarted=True))
    assert [one.end for one in talk.told()] == [End.RETURNED]
    talk.hear(OWNER, Drop(tasks=(task_id(2),)))
    talk.hear(OWNER, Settled((talk.told()[0].attempt,)))
    assert talk.tasks == 0
    assert talk.scheduler.tasks.awaited.nodes == {}


def test_owners_are_told_where_their_tasks_are_once_they_have_been_there_a_while() -> None:
    talk = Talk()
    talk.owner()
    talk.node()
    talk.hear(OWNER, submit(1, 2))
    talk.ends(talk.assigned()[0], End.DONE)
    assert talk.scheduler.next_deadline() == talk.now + TELL_PLACED
    for _ in range(3):
        talk.now += TELL_PLACED
        talk.turn()
    notes = [one for one in talk.heard_by(OWNER) if isinstance(one, Note)]
    assert notes == [Note(code="placed", node=NODE, tasks=(task_id(2),))]
