"""One end of a connection is gone and could not say so: the other end must not wait for it.

Its machine lost its power, or its network. No FIN and no RST ever comes, and the kernel
of who is left believes in the connection for as long as nothing is sent on it.
"""

import time
from collections.abc import Callable

import pytest

from pixmesh.tests.integration.runs import Run, seconds_until
from pixmesh.tests.support.eventually import eventually

from . import bounds
from .held import Held, makers
from .mesh import HostMesh, way_to

Note = Callable[[str, float], None]


def test_row15_N_a_node_vanishes_with_its_machine(held: Held, note: Note) -> None:
    """Another machine in its place, with the same key, is let in."""
    mesh, away = held.mesh, held.mesh.away
    since = time.monotonic()
    mesh.power_off(away, held.far)
    _check_moved(held, note, since)
    held.go_on()
    held.job.check(held.run)
    assert makers() == {"near", "next"}
    mesh.power_on(away)
    with mesh.at(mesh.away):
        mesh.node("far", 2, *way_to(mesh.home))
    took = seconds_until(held.is_here)
    note("back_seconds", took)
    assert took <= bounds.BACK


@pytest.mark.soak
def test_row15_N_a_node_loses_link_and_address(held: Held, note: Note) -> None:
    """It gives its connections up in a lease, and is back when the link is."""
    mesh, (_, old) = held.mesh, held.connections()
    since = time.monotonic()
    mesh.away.unplug()
    _check_moved(held, note, since)
    seconds_until(lambda: not old & held.connections()[1])
    took = time.monotonic() - since
    note("given_up_seconds", took)
    assert took <= bounds.GIVEN_UP
    since = time.monotonic()
    mesh.away.plug_in()
    seconds_until(held.is_here)
    took = time.monotonic() - since
    note("back_seconds", took)
    assert took <= bounds.BACK
    held.finish_by_late_results()
    seconds_until(lambda: [len(one) for one in held.connections()] == [2, 2])
    took = time.monotonic() - since
    note("let_go_seconds", took)
    assert took <= bounds.LET_GO


def test_row15_N_the_broker_vanishes_with_its_machine(mesh: HostMesh, note: Note) -> None:
    """Nodes and owner give it up in a lease; they go on with the next one at its address."""
    job, way = Run(mesh, 6, times=12), way_to(mesh.away)
    with mesh.at(mesh.away):
        broker = mesh.broker()
    nodes = mesh.nodes("one", "two", slots=1, more=way)
    run = job.begin(*way)
    eventually(lambda: job.done() >= 1, 30)
    members, away = [*nodes, run], mesh.away
    old = set[str]().union(*(mesh.home.connections(away, one.pid) for one in members))
    since = time.monotonic()
    mesh.power_off(away, broker)
    seconds_until(lambda: not any(old & mesh.home.connections(away, one.pid) for one in members))
    took = time.monotonic() - since
    note("given_up_seconds", took)
    assert took <= bounds.GIVEN_UP
    assert not run.ended
    mesh.power_on(away)
    with mesh.at(mesh.away):
        mesh.broker()
    took = seconds_until(lambda: {one.name for one in mesh.status().nodes} == {"one", "two"})
    note("back_seconds", took)
    assert took <= bounds.BACK
    job.check(run)


def test_row15_N_the_broker_lets_go_of_a_node_that_vanished(mesh: HostMesh) -> None:
    broker = mesh.broker()
    with mesh.at(mesh.away):
        far = mesh.node("far", 1, *way_to(mesh.home))
    home, away = mesh.home, mesh.away
    mesh.power_off(away, far)
    eventually(lambda: mesh.node_view("far") is None, 15)
    eventually(lambda: not home.connections(away, broker.pid), 10)


def test_row15_N_a_node_that_vanished_is_let_in_again_within_the_lease(mesh: HostMesh) -> None:
    mesh.broker()
    with mesh.at(mesh.away):
        far = mesh.node("far", 1, *way_to(mesh.home))
    away = mesh.away
    mesh.power_off(away, far)
    since = time.monotonic()
    mesh.power_on(away)
    with mesh.at(mesh.away):
        again = mesh.node_starting("far", 1, *way_to(mesh.home))

    def heard() -> bool:
        view = mesh.node_view("far")
        return view is not None and view.beat < time.monotonic() - since

    eventually(lambda: again.ended or heard(), 20)
    assert not again.ended, again.said()


def _check_moved(held: Held, note: Note, since: float) -> None:
    took = held.seconds_until_moved(since)
    note("reassigned_seconds", took)
    assert took <= bounds.MOVED
    assert held.mesh.node_view("far") is None
