"""Members come, fall silent, and go; their work goes elsewhere and none is lost."""

import pytest
from msgspec import structs

from pixmesh.broker.leases import GRACE, LEASE, SUSPECT_AFTER
from pixmesh.broker.messages import (
    Assign,
    Bye,
    Drop,
    End,
    HeldItem,
    Note,
    Phase,
    Settled,
    State,
    Window,
)
from pixmesh.broker.outgoing import Evict
from pixmesh.broker.reconcile import FENCE_AFTER
from pixmesh.broker.scheduler import TELL_PLACED, Disconnected, Joined, Stalled

from .records import NODE, OTHER, OWNER, Talk, end_item, hello, submit, task_id


def mesh(*numbers: int, nodes: int = 1) -> Talk:
    """An owner with tasks, and nodes that have them."""
    talk = Talk()
    talk.owner()
    for member in (NODE, OTHER)[:nodes]:
        talk.node(member)
    talk.hear(OWNER, submit(*numbers))
    return talk


def held(talk: Talk, phase: Phase = Phase.RUNNING) -> tuple[HeldItem, ...]:
    return tuple(HeldItem(one.attempt, phase) for one in talk.assigned())


def test_a_silent_node_gets_nothing_new_and_keeps_what_it_has() -> None:
    talk = mesh(1)
    talk.now += SUSPECT_AFTER
    talk.hear(OWNER, submit(2, seq=2))
    assert [one.task.id for one in talk.assigned()] == [task_id(1)]
    assert len(talk.scheduler.nodes[NODE].active) == 1


def test_a_node_silent_for_a_lease_loses_its_work_and_its_session() -> None:
    talk = mesh(1)
    talk.now += LEASE - 1
    talk.node(OTHER)
    talk.hear(OWNER, State())
    talk.now += 1
    assert Evict(NODE) in talk.turn()
    assert [one.task.id for one in talk.assigned(OTHER)] == [task_id(1)]
    said = [one for one in talk.heard_by(OWNER) if isinstance(one, Note)]
    notes = [one for one in said if one.code == "lost"]
    assert [one.node for one in notes] == [NODE]
    assert "went silent" in notes[0].text


def test_a_lost_connection_costs_the_work_after_the_grace() -> None:
    talk = mesh(1)
    talk.node(OTHER)
    talk.now += TELL_PLACED
    talk.turn()
    talk.scheduler.handle(Disconnected(NODE), talk.now)
    assert talk.scheduler.next_deadline() == pytest.approx(talk.now + GRACE)
    talk.now += GRACE - 0.01
    talk.turn()
    assert talk.assigned(OTHER) == []
    talk.now += 0.01
    talk.turn()
    assert [one.task.id for one in talk.assigned(OTHER)] == [task_id(1)]


def test_a_node_back_within_the_grace_keeps_its_work() -> None:
    talk = mesh(1)
    talk.scheduler.handle(Disconnected(NODE), talk.now)
    talk.now += GRACE / 2
    talk.join(NODE, structs.replace(hello("node", "node...."), held=held(talk)))
    talk.now += GRACE
    talk.turn()
    assert len(talk.assigned()) == 1
    assert len(talk.scheduler.nodes[NODE].active) == 1


def test_a_node_that_started_anew_has_lost_its_work() -> None:
    talk = mesh(1)
    talk.node(boot=2)
    assert len(talk.assigned()) == 2
    assert [one.task.id for one in talk.assigned()] == [task_id(1)] * 2


def test_a_stall_of_the_loop_is_not_held_against_anybody() -> None:
    talk = mesh(1)
    talk.now += 15.0
    talk.scheduler.handle(Stalled(15.0), talk.now)
    talk.hear(NODE, State(seen=0, ready=1))
    assert set(talk.scheduler.nodes) == {NODE}
    assert set(talk.scheduler.owners) == {OWNER}
    assert len(talk.assigned()) == 1


def test_an_assign_that_a_later_one_overtook_is_found_lost() -> None:
    talk = mesh(1)
    talk.hear(OWNER, submit(2, seq=2))
    first, second = talk.assigned()
    talk.hear(NODE, State(seen=2, ready=1, held=(HeldItem(second.attempt, Phase.READY),)))
    tasks = [one.task.id for one in talk.assigned()]
    assert tasks == [task_id(1), task_id(2), task_id(1)]
    assert first.attempt not in talk.scheduler.tasks.attempts


def test_the_last_assign_lost_is_found_by_an_empty_one_that_follows_it() -> None:
    talk = mesh(1)
    empty = Assign(seq=2, works=(), attempts=())
    talk.now += FENCE_AFTER - 0.1
    talk.hear(NODE, State(seen=0, ready=1))
    assert empty not in talk.heard_by(NODE)
    talk.now += 0.1
    talk.hear(NODE, State(seen=0, ready=1))
    assert empty in talk.heard_by(NODE)
    assert len(talk.assigned()) == 1
    talk.hear(NODE, State(seen=2, ready=1))
    assert len(talk.assigned()) == 2


def test_a_result_that_its_node_has_no_more_is_computed_anew() -> None:
    talk = mesh(1)
    talk.ends(talk.assigned()[0], End.DONE)
    talk.hear(NODE, State(seen=1, ready=1, held=held(talk, Phase.ENDED)))
    assert len(talk.assigned()) == 1
    talk.hear(NODE, State(seen=1, ready=1))
    assert [one.task.id for one in talk.assigned()] == [task_id(1)] * 2


def test_what_a_node_holds_and_nobody_wants_is_dropped() -> None:
    talk = mesh()
    talk.hear(NODE, State(ready=1, held=(HeldItem(77, Phase.RUNNING),)))
    assert Drop(attempts=(77,)) in talk.heard_by(NODE)


def test_a_young_broker_lets_nodes_keep_what_it_does_not_know() -> None:
    talk = mesh(1)
    end = end_item(talk.assigned()[0], End.DONE)
    young = Talk(now=LEASE - 1)
    young.node()
    young.ends(talk.assigned()[0], End.DONE)
    young.hear(NODE, State(ready=1, held=(HeldItem(end.attempt, Phase.ENDED),)))
    assert not any(isinstance(one, Drop | Settled) for one in young.heard_by(NODE))
    young.owner()
    young.hear(OWNER, submit(1))
    young.ends(talk.assigned()[0], End.DONE)
    assert [one.end for one in young.told()] == [End.DONE]


def test_a_broker_no_longer_young_settles_what_nobody_asked_for() -> None:
    talk = mesh(1)
    old = Talk(now=LEASE + 1)
    old.node()
    old.ends(talk.assigned()[0], End.DONE)
    assert any(isinstance(one, Settled) for one in old.heard_by(NODE))


def test_a_draining_node_gets_nothing_new_and_leaves_with_bye() -> None:
    talk = mesh()
    talk.hear(NODE, Bye(draining=True))
    talk.hear(OWNER, submit(1))
    assert talk.assigned() == []
    assert Evict(NODE) in talk.hear(NODE, Bye())
    assert talk.scheduler.nodes == {}


def test_a_node_that_leaves_gives_its_work_back() -> None:
    talk = mesh(1)
    talk.node(OTHER)
    talk.hear(NODE, Bye())
    assert [one.task.id for one in talk.assigned(OTHER)] == [task_id(1)]


@pytest.mark.parametrize("how", ["bye", "lapse", "new boot"])
def test_an_owner_that_is_gone_is_forgotten_everywhere(how: str) -> None:
    talk = mesh(1, 2, 3)
    talk.ends(talk.assigned()[0], End.DONE)
    if how == "bye":
        talk.hear(OWNER, Bye())
    elif how == "lapse":
        talk.now += LEASE - 1
        talk.hear(NODE, State(seen=9, ready=1, held=held(talk)))
        talk.now += 1
        talk.turn()
    else:
        talk.owner(boot=2)
    assert talk.tasks == 0
    assert talk.scheduler.tasks.attempts == {}
    told = talk.heard_by(NODE)
    assert any(isinstance(one, Settled) for one in told)
    assert any(isinstance(one, Drop) for one in told)


def test_a_window_answers_each_heartbeat_of_an_owner() -> None:
    talk = mesh(1, 2)
    talk.hear(OWNER, State())
    windows = [one for one in talk.heard_by(OWNER) if isinstance(one, Window)]
    assert [(one.seen, one.held) for one in windows] == [(0, 0), (1, 2)]


def test_an_end_that_the_broker_gave_itself_is_told_at_each_heartbeat_until_settled() -> None:
    talk = Talk()
    talk.owner()
    talk.hear(OWNER, submit(1))
    talk.hear(OWNER, Drop(tasks=(task_id(1),), unstarted=True))
    talk.hear(OWNER, State())
    told = talk.told()
    assert [one.end for one in told] == [End.RETURNED] * 2
    talk.hear(OWNER, Settled((told[0].attempt,)))
    talk.hear(OWNER, State())
    assert len(talk.told()) == 2
    assert talk.tasks == 0


def test_what_a_stranger_says_changes_nothing() -> None:
    talk = mesh(1)
    talk.hear(OTHER, submit(5))
    talk.hear(OTHER, Bye())
    talk.scheduler.handle(Disconnected(OTHER), talk.now)
    talk.hear(NODE, submit(6))
    talk.hear(NODE, Settled((talk.assigned()[0].attempt,)))
    assert talk.tasks == 1


def test_without_members_no_turn_is_due() -> None:
    talk = Talk()
    assert talk.scheduler.next_deadline() == float("inf")
    talk.scheduler.handle(Joined(NODE, hello("node", "n")), talk.now)
    assert talk.scheduler.next_deadline() == talk.now + LEASE
