"""The whole policy on a virtual clock: nothing is lost, everything is told once."""

from pixmesh.node.owner.job import Cancelled
from pixmesh.tests.support.fakes.mesh import VirtualMesh, results
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


def busy_mesh(jobs: int = 20, *, seconds: float = 1.0) -> VirtualMesh:
    """Two nodes at work on the jobs of one owner."""
    mesh = VirtualMesh(1)
    mesh.usual = Work(seconds=seconds)
    mesh.node("atlas", slots=2)
    mesh.node("pi", slots=2)
    mesh.owner().submit([make_job(number, seconds=seconds) for number in range(jobs)])
    mesh.run(0.5)
    return mesh


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


def test_cancelling_spares_what_has_started() -> None:
    mesh = busy_mesh(20)
    owner = mesh.owners["owner"]
    owner.cancel([make_job(number, seconds=1.0) for number in range(20)], only_unstarted=True)
    mesh.finish()
    assert_each_once(owner, 20)
    cancelled = [told for (told,) in owner.outcomes.values() if isinstance(told, Cancelled)]
    assert (len(results(owner)), len(cancelled)) == (4, 16)


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
