"""What a member says of work that is not its own changes nothing: not its place, not its end."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pixmesh.broker import wire
from pixmesh.broker.horizon import LOOK_EVERY
from pixmesh.broker.messages import (
    AttemptId,
    Bye,
    Drop,
    End,
    EndItem,
    HeldItem,
    HeldTask,
    MemberId,
    Phase,
    Result,
    Settled,
    State,
    TaskId,
)
from pixmesh.broker.scheduler import Scheduler
from pixmesh.broker.seal import Seal
from pixmesh.broker.tasks import Place, Task

from .records import NODE, OTHER, OWNER, THIRD, Talk, end_item, hello, item, submit, task_id

SECRET = b"the broker's"
FORGED = AttemptId(4711)
MALLORY = THIRD


class Guarded(Talk):
    """A broker with a network door: its nodes need not be one user's."""

    def __init__(self, *, now: float = 100.0) -> None:
        super().__init__(now=now)
        self.scheduler = Scheduler(random=Random(1), now=0.0, seal=Seal(SECRET))

    @property
    def task(self) -> Task:
        return self.scheduler.owners[OWNER].tasks[task_id(1)]


def under_way(*numbers: int) -> Guarded:
    """A node works on an owner's tasks, and Mallory is here as a node without any."""
    talk = Guarded()
    talk.owner()
    talk.node(slots=4)
    talk.hear(OWNER, submit(*(numbers or (1,))))
    talk.join(MALLORY, hello("node", MALLORY.decode()))
    return talk


def forged(attempt: int, *, number: int = 1, how: End = End.DONE) -> Result:
    return Result((EndItem(attempt, task_id(number), OWNER, how, 1.0, 1, bytes(32), inline=b"?"),))


def held(attempt: int, phase: Phase = Phase.RUNNING) -> HeldTask:
    return HeldTask(attempt, phase, task_id(1), OWNER, 1.0, 1)


def test_a_result_of_an_attempt_that_nobody_was_given_is_no_result() -> None:
    talk = under_way()
    talk.hear(MALLORY, forged(FORGED))
    assert talk.told() == []
    assert [one.node.id for one in talk.task.live] == [NODE]
    assert talk.heard_by(MALLORY)[-1] == Settled((FORGED,))


def test_a_result_of_another_nodes_attempt_is_no_result() -> None:
    talk = under_way()
    (given_to_node,) = talk.assigned()
    for how in End:
        talk.hear(MALLORY, forged(given_to_node.attempt, how=how))
    assert talk.told() == []
    assert [one.node.id for one in talk.task.live] == [NODE]


def test_an_attempt_of_one_task_cannot_end_another() -> None:
    """What the owner is told is of the task that the node was given, whatever it calls it."""
    talk = under_way(1, 2)
    first, second = talk.assigned()
    lie = end_item(first, End.DONE, owner=OTHER)
    talk.hear(NODE, Result((structs.replace(lie, task=second.task.id),)))
    (told,) = talk.told()
    assert (told.task, told.owner) == (first.task.id, OWNER)
    assert talk.scheduler.owners[OWNER].tasks[TaskId(second.task.id)].place is Place.PLACED


@pytest.mark.parametrize("young", [True, False])
@pytest.mark.parametrize("phase", list(Phase))
def test_a_node_cannot_take_a_task_by_claiming_to_hold_it(young: bool, phase: Phase) -> None:
    talk = Guarded(now=0.1 if young else 100.0)
    talk.owner()
    talk.hear(OWNER, submit(1))
    claim = structs.replace(hello("node", MALLORY.decode(), slots=0), held=(held(FORGED, phase),))
    talk.join(MALLORY, claim)
    assert talk.task.place is Place.WAITING
    talk.hear(MALLORY, forged(FORGED))
    assert talk.told() == []


def test_a_node_cannot_take_a_task_before_its_owner_asks_a_new_broker_for_it() -> None:
    talk = Guarded(now=0.1)
    claim = structs.replace(hello("node", MALLORY.decode(), slots=0), held=(held(FORGED),))
    talk.join(MALLORY, claim)
    talk.owner()
    talk.hear(OWNER, submit(1))
    assert talk.task.place is Place.WAITING


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.ENDED])
def test_a_node_goes_on_with_what_the_last_life_of_the_broker_gave_it(phase: Phase) -> None:
    """By the same secret; another broker's word is none."""
    given_then = Seal(SECRET).attempt(99, node=NODE, owner=OWNER, task=task_id(1))
    talk = Guarded(now=0.1)
    talk.join(NODE, structs.replace(hello("node", NODE.decode()), held=(held(given_then, phase),)))
    talk.owner()
    talk.hear(OWNER, submit(1))
    assert [one.id for one in talk.task.live] == [given_then]
    other = Seal(b"another's").attempt(99, node=NODE, owner=OWNER, task=task_id(1))
    assert not Seal(SECRET).holds(other, node=NODE, owner=OWNER, task=task_id(1))


def test_a_late_result_of_an_attempt_that_was_given_up_still_counts() -> None:
    talk = under_way()
    (mine,) = talk.assigned()
    talk.hear(NODE, Bye())
    assert talk.task.kept is None
    talk.node()
    talk.hear(NODE, forged(mine.attempt))
    assert [one.holder for one in talk.told()] == [NODE]


@given(
    chance=st.integers(0, 2**63 - 1),
    who=st.tuples(*(st.binary(min_size=8, max_size=8) for _ in range(4))),
    bit=st.integers(0, 62),
)
def test_an_id_is_good_for_one_node_one_owner_and_one_task(
    chance: int, who: tuple[bytes, ...], bit: int
) -> None:
    seal = Seal(SECRET)
    node, owner, other_node, other_owner = map(MemberId, who)
    one = seal.attempt(chance, node=node, owner=owner, task=task_id(1))
    assert 0 <= one < 2**63
    assert seal.holds(one, node=node, owner=owner, task=task_id(1))
    assert not seal.holds(one, node=node, owner=owner, task=task_id(2))
    assert not seal.holds(one ^ (1 << bit), node=node, owner=owner, task=task_id(1))
    if other_node != node:
        assert not seal.holds(one, node=other_node, owner=owner, task=task_id(1))
    if other_owner != owner:
        assert not seal.holds(one, node=node, owner=other_owner, task=task_id(1))


# ---- owners -------------------------------------------------------------------------------


def two_owners() -> Guarded:
    talk = under_way()
    talk.owner(OTHER)
    return talk


def test_an_owner_cannot_take_back_another_owners_task() -> None:
    talk = two_owners()
    (mine,) = talk.assigned()
    for unstarted in (True, False):
        talk.hear(OTHER, Drop((mine.attempt,), (task_id(1),), unstarted=unstarted))
    assert [one.id for one in talk.task.live] == [mine.attempt]
    assert not [one for one in talk.heard_by(NODE) if isinstance(one, Drop)]


def test_an_owner_cannot_settle_another_owners_results() -> None:
    talk = two_owners()
    (mine,) = talk.assigned()
    talk.hear(OTHER, Settled((mine.attempt,)))
    talk.ends(mine, End.DONE)
    talk.hear(OTHER, Settled((mine.attempt,)))
    assert talk.task.kept is not None
    assert not [one for one in talk.heard_by(NODE) if isinstance(one, Settled)]


def test_the_same_task_of_two_owners_is_two_tasks() -> None:
    """What the second says of it, and that it leaves, is nothing to the first."""
    talk = two_owners()
    (mine,) = talk.assigned()
    talk.hear(OTHER, submit(1))
    talk.hear(OTHER, Drop(tasks=(task_id(1),)))
    talk.hear(OTHER, Bye())
    talk.ends(mine, End.DONE)
    assert [one.end for one in talk.told()] == [End.DONE]
    assert talk.told(OTHER) == []


def test_an_owner_speaks_for_no_node() -> None:
    talk = two_owners()
    (mine,) = talk.assigned()
    before = talk.scheduler.nodes[NODE].ready
    talk.hear(OTHER, forged(mine.attempt))
    talk.hear(OTHER, State(seen=2**40, ready=400))
    assert talk.told() == []
    assert talk.scheduler.nodes[NODE].ready == before


def test_a_picture_is_not_set_aside_for_what_another_of_the_same_id_did() -> None:
    """An owner may call its own poison by another's id: the broker cannot know."""
    talk = Guarded()
    talk.owner(OTHER)
    poison = structs.replace(submit(1), tasks=(structs.replace(item(1), digest=b"?" * 32),))
    talk.node(NODE)
    talk.node(MALLORY)
    talk.hear(OTHER, poison)
    for _ in range(3):
        live = talk.scheduler.owners[OTHER].tasks[task_id(1)].live
        if live:
            talk.hear(live[0].node.id, talk.result(live[0], End.CRASHED))
    assert task_id(1) in talk.scheduler.tasks.quarantine.pictures
    talk.owner()
    talk.hear(OWNER, submit(1))
    assert talk.task.place is Place.PLACED
    assert talk.told() == []


# ---- numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.0, 5e-324, 1e9])
@pytest.mark.parametrize("declared", [0.0, 1e9])
def test_whatever_a_node_says_its_work_took_the_next_look_at_the_queue_is_made(
    seconds: float, declared: float
) -> None:
    talk = Guarded()
    talk.owner()
    talk.node(MALLORY)
    many = tuple(item(number, seconds=declared) for number in range(1, 200))
    talk.hear(OWNER, structs.replace(submit(), tasks=many))
    for _ in range(3):
        for given_to_it in talk.assigned(MALLORY):
            end = structs.replace(end_item(given_to_it, End.DONE), seconds=seconds)
            talk.hear(MALLORY, Result((end,)))
        talk.now += LOOK_EVERY
        talk.hear(MALLORY, State(ready=1, held=_held(talk)))
    assert len(talk.assigned(MALLORY)) > 2


def _held(talk: Guarded) -> tuple[HeldItem, ...]:
    node = talk.scheduler.nodes[MALLORY]
    return tuple(
        HeldItem(one.id, one.phase) for one in [*node.active.values(), *node.ended.values()]
    )


def test_a_task_that_takes_for_ever_does_not_make_an_assignment_unreadable() -> None:
    """Others' tasks are in the same message."""
    talk = Guarded()
    talk.owner()
    talk.node()
    talk.hear(OWNER, structs.replace(submit(), tasks=(item(1, seconds=0.0),)))
    (slow,) = talk.assigned()
    talk.hear(NODE, Result((structs.replace(end_item(slow, End.DONE), seconds=1e9),)))
    talk.hear(OWNER, structs.replace(submit(), tasks=(item(2, seconds=1e9),)))
    for message in talk.heard_by(NODE):
        assert wire.decode(wire.encode(message))[0] == message
    assert len(talk.assigned()) == 2
