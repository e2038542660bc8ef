"""Rows of the fault matrix on a virtual clock: members that die, freeze, hang, leave."""

import pytest

from pixmesh.broker.leases import GRACE, LEASE
from pixmesh.broker.stragglers import ENOUGH
from pixmesh.node.limits import LEAST
from pixmesh.node.owner.job import Job
from pixmesh.node.owner.row import State
from pixmesh.tests.fault import checker
from pixmesh.tests.support.fakes.desk import Desk
from pixmesh.tests.support.fakes.mesh import VirtualMesh, failures, results
from pixmesh.tests.support.fakes.node import Work
from pixmesh.tests.support.fakes.owner import FakeOwner, make_job

from .rows import DEATH, FREEZE, SLOT, busy, facts, judge, moved, owner_of, tries

# ---- slots and nodes that die, freeze, hang -----------------------------------------------


def test_row01_S_the_task_of_a_slot_that_died_is_given_again_within_a_second() -> None:
    mesh = busy()
    died = mesh.clock.now
    mesh.nodes["atlas"].kill_slot("slot-1")
    mesh.run_until(moved(mesh, died), most=SLOT)
    judge(mesh, 20)


def test_row02_S_the_tasks_of_a_node_that_died_are_given_elsewhere_in_time() -> None:
    mesh = busy()
    spared = {held.item.task.id for held in mesh.nodes["pi"].attempts.held.values()}
    died = mesh.clock.now
    mesh.kill(mesh.nodes["atlas"])
    mesh.run_until(lambda: bool(facts(mesh, "lost")), most=DEATH)
    assert mesh.clock.now - died >= GRACE
    judge(mesh, 20)
    assert {one.attempts for one in results(owner_of(mesh)) if one.job in spared} == {1}


def test_row03_S_a_node_frozen_past_its_lease_comes_back_and_its_late_results_count_once() -> None:
    mesh = busy()
    froze = mesh.clock.now
    mesh.nodes["atlas"].freeze(30.0)
    mesh.run_until(lambda: bool(facts(mesh, "lost")), most=FREEZE)
    assert mesh.clock.now - froze <= FREEZE
    mesh.run(40.0)
    judge(mesh, 20)
    assert mesh.nodes["atlas"].id in mesh.broker.scheduler.nodes


def test_row04_S_a_freeze_shorter_than_the_lease_moves_nothing() -> None:
    mesh = busy()
    mesh.nodes["atlas"].freeze(LEASE - 2)
    judge(mesh, 20)
    assert tries(mesh) == {1}


def test_row06_S_a_slot_that_hangs_is_ended_by_the_limit_of_its_task() -> None:
    mesh = busy(0)
    jobs = [make_job(number) for number in range(6)]
    mesh.usual = Work(seconds=0.01)
    mesh.work[jobs[2].id] = Work(seconds=1e9)
    owner_of(mesh).submit(jobs)
    mesh.run_until(lambda: len(results(owner_of(mesh))) == 5, most=5)
    began = mesh.clock.now
    judge(mesh, 6, failed=1)
    (failure,) = failures(owner_of(mesh))
    assert failure.code == "quarantined"
    assert mesh.clock.now - began < 3 * LEAST + 10


def test_row28_S_a_node_that_kills_every_task_is_quarantined_and_no_task_is_blamed() -> None:
    mesh = busy(60, seconds=0.05)
    bad = mesh.nodes["atlas"]
    bad.deadly = True
    judge(mesh, 60)
    assert mesh.broker.scheduler.nodes[bad.id].quarantined


def test_row29_S_a_node_20_times_slower_is_helped_out_by_a_second_copy() -> None:
    mesh = busy(0)
    mesh.usual = Work(seconds=1.0)
    mesh.nodes["atlas"].slowness = 20.0
    jobs = [make_job(number, seconds=1.0) for number in range(ENOUGH + 14)]
    owner_of(mesh).submit(jobs)
    mesh.run_until(lambda: owner_of(mesh).done, most=16.0)
    judge(mesh, len(jobs))
    assert max(tries(mesh)) == 2


# ---- the broker ----------------------------------------------------------------------------


def test_row07_S_a_broker_that_stood_still_for_15_s_expires_nobody() -> None:
    mesh = busy(seconds=20.0)
    mesh.broker.freeze(15.0)
    judge(mesh, 20)
    assert tries(mesh) == {1}
    assert facts(mesh, "gone") == []


@pytest.mark.parametrize("away", [0.05, 3.0, 20.0])
def test_row08_S_a_broker_killed_and_started_again_loses_nothing(away: float) -> None:
    mesh = busy(seconds=4.0)
    began = {fact["attempt"]: fact["task"] for fact in facts(mesh, "assigned")}
    mesh.restart_broker(away)
    judge(mesh, 20)
    again = [fact["task"] for fact in facts(mesh, "assigned") if fact["attempt"] not in began]
    assert not set(began.values()) & set(again), "what a node had all the time was given again"


def test_row08_S_free_tasks_are_given_out_within_3_s_of_the_brokers_return() -> None:
    mesh = busy(60, seconds=0.5)
    mesh.restart_broker(0.1)
    back = mesh.clock.now + 0.1
    mesh.run_until(moved(mesh, back), most=3.1)
    judge(mesh, 60)


def test_row08_S_what_a_node_that_stays_away_had_is_given_elsewhere_after_a_lease() -> None:
    mesh = busy(seconds=4.0)
    mesh.run(1.0)
    lost = {held.item.task.id for held in mesh.nodes["atlas"].attempts.held.values()}
    mesh.kill(mesh.nodes["atlas"])
    mesh.restart_broker(0.1)
    began = mesh.clock.now
    before = len(facts(mesh, "assigned"))

    def given_again() -> bool:
        return bool({fact["task"] for fact in facts(mesh, "assigned")[before:]} & lost)

    mesh.run_until(given_again, most=LEASE + 6)
    assert mesh.clock.now - began >= LEASE - 1
    judge(mesh, 20)


# ---- owners --------------------------------------------------------------------------------


def at_a_desk(mesh: VirtualMesh, desk: Desk, jobs: list[Job]) -> FakeOwner:
    owner = mesh.owner(desk=desk, ended=desk.crashed)
    owner.submit(jobs)
    return owner


@pytest.mark.parametrize("step", range(0, 40, 3))
def test_row20_S_an_owner_killed_before_or_after_a_result_goes_on_and_repeats_nothing(
    step: int,
) -> None:
    mesh, desk = busy(0), Desk()
    jobs = [make_job(number) for number in range(12)]
    desk.clockwork.last = step + 1
    owner = at_a_desk(mesh, desk, jobs)
    mesh.run(3.0)
    if not owner.alive:
        at_a_desk(mesh, desk, jobs)
    mesh.finish()
    assert sorted(path for path, state in desk.ledger.history if state is State.DONE) == sorted(
        desk.ledger.rows
    )
    assert len(desk.ledger.rows) == 12
    checker.check_history(mesh.history)


def test_row21_S_an_owner_that_freezes_while_nodes_fetch_blocks_nobody_else() -> None:
    mesh = VirtualMesh(1)
    mesh.node("atlas", slots=2)
    frozen, other = mesh.owner("frozen"), mesh.owner("other")
    frozen.submit([make_job(1000 + number, size=900_000) for number in range(40)])
    mesh.run(0.003)
    frozen.freeze(20.0)
    began = mesh.clock.now
    other.submit([make_job(number) for number in range(20)])
    mesh.run_until(lambda: other.done, most=LEASE + 2)
    assert mesh.clock.now - began < LEASE + 2
    mesh.finish()
    assert len(results(frozen)) == 40
    checker.check_history(mesh.history)


def test_row22_S_an_owner_that_starts_again_asks_for_the_same_ids_and_gets_one_result_each() -> (
    None
):
    mesh, desk = busy(0), Desk()
    mesh.usual = Work(seconds=1.0)
    jobs = [make_job(number, seconds=1.0) for number in range(10)]
    first = at_a_desk(mesh, desk, jobs)
    mesh.run(1.7)
    mesh.kill(first)
    second = at_a_desk(mesh, desk, jobs)
    mesh.finish()
    done = [path for path, state in desk.ledger.history if state is State.DONE]
    assert len(done) == len(set(done)) == 10
    assert not first.outcomes.keys() & second.outcomes.keys()
    checker.check_history(mesh.history)


# ---- pictures --------------------------------------------------------------------------------


def test_row27_S_a_picture_that_kills_slots_is_quarantined_and_its_neighbours_are_done() -> None:
    mesh = busy(0)
    jobs = [make_job(number) for number in range(30)]
    mesh.work[jobs[7].id] = Work(kills=True)
    owner_of(mesh).submit(jobs)
    judge(mesh, 30, failed=1)
    (failure,) = failures(owner_of(mesh))
    assert (failure.job, failure.code, failure.attempts) == (jobs[7].id, "quarantined", 3)
    assert not any(node.quarantined for node in mesh.broker.scheduler.nodes.values())


def test_row27_S_two_nodes_powered_off_in_turn_blame_nobody() -> None:
    mesh = busy(30)
    for name in ("atlas", "pi"):
        mesh.kill(mesh.nodes[name])
        mesh.run(3.0)
        mesh.node(name, slots=2)
        mesh.run(1.0)
    judge(mesh, 30)
    assert max(tries(mesh)) <= 3
