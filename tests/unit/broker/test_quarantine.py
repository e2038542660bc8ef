"""Blame falls on what costs slots alone, and on nothing else."""

import pytest

from pixmesh.broker.lifecycle import MOST_ATTEMPTS
from pixmesh.broker.members import Refused
from pixmesh.broker.messages import AttemptId, Bye, End, EndItem, Settled, State
from pixmesh.broker.nodes import Stray
from pixmesh.broker.orders import resume, retry
from pixmesh.broker.tasks import Task

from .records import NODE, OTHER, OWNER, THIRD, Talk, submit, task_id


def mesh(*numbers: int, nodes: int = 1, slots: int = 1) -> Talk:
    talk = Talk()
    talk.owner()
    for member in (NODE, OTHER, THIRD)[:nodes]:
        talk.node(member, slots=slots)
    talk.hear(OWNER, submit(*numbers))
    return talk


def crash(talk: Talk, number: int) -> None:
    """Let the slot die that runs a task."""
    (attempt,) = task(talk, number).live
    talk.hear(attempt.node.id, talk.result(attempt, End.CRASHED))


def end_well(talk: Talk, number: int) -> None:
    """Let a task end with a result, and its owner settle."""
    (attempt,) = task(talk, number).live
    talk.hear(attempt.node.id, talk.result(attempt, End.DONE))
    talk.hear(OWNER, Settled((attempt.id,)))


def task(talk: Talk, number: int) -> Task:
    return talk.scheduler.owners[OWNER].tasks[task_id(number)]


def verdict(talk: Talk, number: int) -> EndItem:
    (told,) = {one.task: one for one in talk.told() if one.task == task_id(number)}.values()
    return told


def test_a_first_crash_is_no_blame_but_the_next_try_runs_alone() -> None:
    talk = mesh(1, 2, slots=2)
    crash(talk, 1)
    assert task(talk, 1).blame == 0
    assert task(talk, 1).live == ()
    end_well(talk, 2)
    (attempt,) = task(talk, 1).live
    assert attempt.alone
    assert list(attempt.node.active.values()) == [attempt]


def test_nothing_joins_an_attempt_that_runs_alone() -> None:
    talk = mesh(1, slots=4)
    crash(talk, 1)
    talk.hear(OWNER, submit(2, 3, seq=2))
    assert len(talk.scheduler.nodes[NODE].active) == 1
    end_well(talk, 1)
    assert len(talk.scheduler.nodes[NODE].active) == 2


def test_two_slots_lost_alone_quarantine_the_picture_with_the_reason() -> None:
    talk = mesh(1)
    for _ in range(3):
        crash(talk, 1)
    told = verdict(talk, 1)
    assert (told.end, told.code, told.attempts) == (End.FAILED, "quarantined", 3)
    assert told.reason == "it cost 2 slots that ran it alone, on node....: as the test says"
    talk.hear(OWNER, Settled((told.attempt,)))
    assert talk.tasks == 0


def test_a_quarantined_picture_fails_at_once_until_it_is_released() -> None:
    talk = mesh(1)
    for _ in range(3):
        crash(talk, 1)
    talk.hear(OWNER, Settled((verdict(talk, 1).attempt,)))
    given_out = len(talk.assigned())
    talk.hear(OWNER, submit(1, seq=2))
    assert talk.told()[-1].code == "quarantined"
    assert len(talk.assigned()) == given_out
    talk.hear(OWNER, Settled((talk.told()[-1].attempt,)))
    assert retry(talk.scheduler, task_id(1).hex()[:8]).startswith("1 released")
    talk.hear(OWNER, submit(1, seq=3))
    assert len(talk.assigned()) == given_out + 1
    with pytest.raises(Refused):
        retry(talk.scheduler, task_id(1).hex())


def test_the_neighbours_of_a_picture_that_kills_are_done_and_not_blamed() -> None:
    talk = mesh(*range(1, 9), slots=2)
    while talk.tasks:
        for number in range(1, 9):
            known = talk.scheduler.owners[OWNER].tasks.get(task_id(number))
            if known is None or not known.live:
                continue
            (crash if number == 3 else end_well)(talk, number)
        for told in talk.told():
            talk.hear(OWNER, Settled((told.attempt,)))
    ends = {one.task: one.end for one in talk.told()}
    assert ends.pop(task_id(3)) is End.FAILED
    assert set(ends.values()) == {End.DONE}
    assert talk.scheduler.nodes[NODE].quarantined == ""


def test_nodes_powered_off_in_turn_blame_nobody() -> None:
    talk = mesh(1, 2, nodes=2, slots=2)
    for boot in (2, 3):
        for member in (NODE, OTHER):
            talk.node(member, slots=2, boot=boot)
    assert talk.told() == []
    for number in (1, 2):
        assert task(talk, number).suspect
        assert task(talk, number).blame == 0


def test_a_suspect_that_ends_well_is_no_suspect_when_it_is_asked_again() -> None:
    talk = mesh(1)
    crash(talk, 1)
    end_well(talk, 1)
    talk.hear(OWNER, submit(1, seq=2))
    (attempt,) = task(talk, 1).live
    assert not attempt.alone


def test_what_a_node_returned_when_it_left_is_no_suspect() -> None:
    talk = mesh(1)
    talk.hear(NODE, Bye())
    talk.node(OTHER)
    (attempt,) = task(talk, 1).live
    assert not attempt.alone


def test_a_suspect_goes_where_it_has_not_cost_a_slot() -> None:
    talk = mesh(1, nodes=2)
    (first,) = task(talk, 1).live
    crash(talk, 1)
    (second,) = task(talk, 1).live
    assert second.node is not first.node
    crash(talk, 1)
    assert task(talk, 1).blame == 1
    (third,) = task(talk, 1).live
    assert third.alone


def test_a_node_that_kills_every_task_is_quarantined_and_no_task_is_blamed() -> None:
    talk = mesh(*range(1, 13), nodes=2, slots=2)
    bad, good = talk.scheduler.nodes[NODE], talk.scheduler.nodes[OTHER]
    while not bad.quarantined:
        lives = [one for node in (bad, good) for one in node.active.values()]
        assert lives, "nothing is under way"
        for attempt in lives:
            end = End.CRASHED if attempt.node is bad else End.DONE
            talk.hear(attempt.node.id, talk.result(attempt, end))
    assert bad.quarantined == "3 different tasks cost it a slot"
    while good.active:
        for attempt in list(good.active.values()):
            talk.hear(OTHER, talk.result(attempt, End.DONE))
    assert {one.end for one in talk.told()} == {End.DONE}
    assert len({one.task for one in talk.told()}) == 12
    assert not bad.active


def crash_alone(talk: Talk, number: int, times: int) -> None:
    """Ask for a task, and let the slots die that run it."""
    talk.hear(OWNER, submit(number, seq=number))
    for _ in range(times):
        crash(talk, number)


def test_the_last_node_is_never_quarantined() -> None:
    talk = mesh()
    for number in (1, 2, 3, 4):
        crash_alone(talk, number, 3)
    assert not talk.scheduler.nodes[NODE].quarantined
    assert len(talk.told()) == 4


def test_a_node_that_never_did_anything_is_quarantined_for_three_alone_when_another_comes() -> None:
    talk = mesh()
    crash_alone(talk, 1, 3)
    crash_alone(talk, 2, 3)
    crash_alone(talk, 3, 2)
    talk.node(OTHER)
    crash(talk, 3)
    assert talk.scheduler.nodes[NODE].quarantined
    talk.hear(OWNER, submit(4, seq=4))
    assert task(talk, 4).live[0].node.id == OTHER


def test_a_node_that_did_something_well_is_not() -> None:
    talk = mesh(1)
    end_well(talk, 1)
    for number in (2, 3, 4):
        crash_alone(talk, number, 3)
    talk.node(OTHER)
    assert not talk.scheduler.nodes[NODE].quarantined
    talk.hear(OWNER, submit(5, seq=5))
    assert task(talk, 5).live


def test_a_quarantined_node_stays_so_when_it_starts_anew_until_it_is_released() -> None:
    talk = mesh()
    node = talk.scheduler.nodes[NODE]
    node.charges = {task_id(1), task_id(2), task_id(3)}
    talk.node(OTHER)
    talk.scheduler.tasks.quarantine.judge(node, talk.scheduler.nodes)
    talk.hear(OTHER, Bye())
    talk.node(boot=2)
    talk.hear(OWNER, submit(1))
    assert not task(talk, 1).live
    assert resume(talk.scheduler, "node....") == "node.... works again"
    talk.turn()
    assert task(talk, 1).live


def test_the_eighth_attempt_is_the_last_for_one_lost_with_every_node() -> None:
    talk = mesh(1)
    for boot in range(2, 2 + MOST_ATTEMPTS):
        talk.node(boot=boot)
    told = verdict(talk, 1)
    assert (told.end, told.code, told.attempts) == (End.FAILED, "lost", MOST_ATTEMPTS)


def test_an_attempt_that_gets_company_is_not_blamed() -> None:
    """A node turns out to hold more than the broker knew: its tasks are adopted there."""
    talk = mesh(1)
    crash(talk, 1)
    (alone,) = task(talk, 1).live
    talk.scheduler.nodes[NODE].stray(AttemptId(4), Stray(1))
    assert not alone.alone
    crash(talk, 1)
    assert task(talk, 1).blame == 0
    talk.hear(NODE, State(ready=1))
    (alone,) = task(talk, 1).live
    assert alone.alone
