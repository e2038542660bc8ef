"""The whole policy on a virtual clock: nothing is lost, everything is told once."""

import pytest

from pixmesh.broker.leases import GRACE, LEASE
from pixmesh.broker.messages import TYPES, Kind, Message
from pixmesh.node.owner.job import Cancelled
from pixmesh.tests.support.fakes.mesh import VirtualMesh, failures, results
from pixmesh.tests.support.fakes.node import Work
from pixmesh.tests.support.fakes.owner import FakeOwner, make_job


def assert_each_once(owner: FakeOwner, jobs: int) -> None:
    assert len(owner.outcomes) == jobs
    assert {len(told) for told in owner.outcomes.values()} == {1}


def test_thousands_of_tasks_go_through_ten_nodes() -> None:
    mesh = VirtualMesh(1, check_every=500)
    for number in range(10):
        mesh.node(f"node{number}", slots=4)
    owner = mesh.owner()
    owner.submit([make_job(number) for number in range(2000)])
    mesh.finish(most=10)
    assert_each_once(owner, 2000)
    assert len(results(owner)) == 2000
    assert mesh.clock.now < 1.5


def test_large_pictures_go_both_ways_in_chunks() -> None:
    mesh = VirtualMesh(1, frames=True)
    mesh.usual = Work(size=900_000)
    mesh.node("atlas", slots=2)
    owner = mesh.owner()
    owner.submit([make_job(number, size=700_000) for number in range(10)])
    mesh.finish()
    assert len(results(owner)) == 10
    assert {one.content.size for one in results(owner)} == {900_000}


def losses(owner: FakeOwner) -> int:
    """Count how often the owner was told that a node was lost."""
    return sum(note.code == "lost" for note in owner.notes)


def busy_mesh(jobs: int = 20, *, seconds: float = 1.0) -> VirtualMesh:
    """Two nodes at work on the jobs of one owner."""
    mesh = VirtualMesh(1)
    mesh.usual = Work(seconds=seconds)
    mesh.node("atlas", slots=2)
    mesh.node("pi", slots=2)
    mesh.owner().submit([make_job(number, seconds=seconds) for number in range(jobs)])
    mesh.run(0.5)
    return mesh


def test_a_node_that_dies_costs_only_its_own_tasks_and_they_go_on_within_1500_ms() -> None:
    mesh = busy_mesh()
    lost = {held.item.task.id for held in mesh.nodes["atlas"].attempts.held.values()}
    spared = {held.item.task.id for held in mesh.nodes["pi"].attempts.held.values()}
    assert len(lost) == 4
    died = mesh.clock.now
    mesh.kill(mesh.nodes["atlas"])
    attempts = mesh.broker.scheduler.tasks.attempts
    mesh.run_until(lambda: all(one.node.hello.name == "pi" for one in attempts.values()), most=1.5)
    assert mesh.clock.now - died >= GRACE
    mesh.finish()
    owner = mesh.owners["owner"]
    assert_each_once(owner, 20)
    assert {one.attempts for one in results(owner) if one.job in spared} == {1}
    assert losses(owner) == 1


def test_a_node_that_freezes_loses_its_tasks_within_a_lease() -> None:
    mesh = busy_mesh()
    mesh.nodes["atlas"].freeze(60.0)
    froze = mesh.clock.now
    mesh.run_until(lambda: len(mesh.broker.scheduler.nodes) == 1, most=7.0)
    assert mesh.clock.now - froze <= 7.0
    mesh.run_until(lambda: mesh.owners["owner"].done)
    assert_each_once(mesh.owners["owner"], 20)
    mesh.run(60.0)
    assert mesh.left_over() == []


def test_a_freeze_shorter_than_the_lease_moves_nothing() -> None:
    mesh = busy_mesh()
    mesh.nodes["atlas"].freeze(LEASE - 2)
    mesh.finish()
    assert {one.attempts for one in results(mesh.owners["owner"])} == {1}


def test_a_broker_that_froze_for_15_s_judges_nobody() -> None:
    mesh = busy_mesh(seconds=20.0)
    mesh.broker.freeze(15.0)
    mesh.finish(most=300)
    owner = mesh.owners["owner"]
    assert_each_once(owner, 20)
    assert {one.attempts for one in results(owner)} == {1}
    assert losses(owner) == 0


@pytest.mark.parametrize("away", [0.05, 3.0, 20.0])
def test_a_broker_that_is_killed_and_started_again_loses_nothing(away: float) -> None:
    mesh = busy_mesh()
    mesh.restart_broker(away)
    mesh.finish(most=100)
    assert_each_once(mesh.owners["owner"], 20)
    assert len(results(mesh.owners["owner"])) == 20


def test_ten_restarts_of_the_broker_under_load_lose_nothing() -> None:
    mesh = busy_mesh(60, seconds=0.5)
    for _ in range(10):
        mesh.restart_broker(0.1)
        mesh.run(2.5)
    mesh.finish()
    assert len(results(mesh.owners["owner"])) == 60


def test_an_owner_that_leaves_is_worked_for_no_more() -> None:
    mesh = busy_mesh()
    mesh.owners["owner"].leave()
    mesh.run(3.0)
    assert mesh.left_over() == []
    assert sum(len(node.ran) for node in mesh.nodes.values()) == 4


def test_a_picture_that_kills_slots_is_stopped_and_its_neighbours_are_done() -> None:
    mesh = VirtualMesh(1)
    mesh.node("atlas", slots=2)
    jobs = [make_job(number) for number in range(30)]
    mesh.work[jobs[7].id] = Work(kills=True)
    owner = mesh.owner()
    owner.submit(jobs)
    mesh.finish()
    assert_each_once(owner, 30)
    (failure,) = failures(owner)
    assert (failure.job, failure.code, failure.attempts) == (jobs[7].id, "quarantined", 3)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in {Kind.ASK, Kind.TELL}])
def test_the_same_message_lost_five_times_running_is_made_good(kind: Kind) -> None:
    mesh = VirtualMesh(1)
    left = 5

    def loses(message: Message) -> bool:
        nonlocal left
        lost = left > 0 and isinstance(message, TYPES[kind])
        left -= lost
        return lost

    mesh.net.loses = loses
    mesh.usual = Work(size=300_000)
    mesh.node("atlas")
    owner = mesh.owner()
    owner.submit([make_job(number, size=300_000) for number in range(8)])
    mesh.finish()
    assert_each_once(owner, 8)
    assert len(results(owner)) == 8


def test_cancelling_spares_what_has_started() -> None:
    mesh = busy_mesh(20)
    owner = mesh.owners["owner"]
    owner.cancel([make_job(number, seconds=1.0) for number in range(20)], only_unstarted=True)
    mesh.finish()
    assert_each_once(owner, 20)
    cancelled = [told for (told,) in owner.outcomes.values() if isinstance(told, Cancelled)]
    assert (len(results(owner)), len(cancelled)) == (4, 16)


def test_a_drained_node_leaves_with_nothing_lost() -> None:
    mesh = busy_mesh(20)
    node = mesh.nodes["atlas"]
    node.drain()
    mesh.run_until(lambda: not node.alive, most=3.0)
    mesh.finish()
    assert len(results(mesh.owners["owner"])) == 20
    assert len(node.ran) == 2


def test_two_owners_share_the_mesh() -> None:
    mesh = VirtualMesh(1, check_every=20)
    mesh.node("atlas", slots=4)
    first, second = mesh.owner("studio"), mesh.owner("laptop")
    first.submit([make_job(number) for number in range(400)])
    mesh.run(0.3)
    second.submit([make_job(1000 + number) for number in range(100)])
    before = len(results(first))
    mesh.run_until(lambda: len(results(second)) == 100)
    assert 60 <= len(results(first)) - before <= 140
