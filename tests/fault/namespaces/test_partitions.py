"""Links lose what one side says, or both, and heal: the work moves on, the node comes back.

Lost tasks run elsewhere once the broker has heard nothing for a lease. The node that
returns takes its place again, and what it still has to say of its old tasks counts as long
as they have no outcome. Nobody keeps the connections of before.
"""

import time
from collections.abc import Callable

import pytest

from pixmesh.tests.integration.runs import Run, seconds_until
from pixmesh.tests.support.eventually import eventually

from . import bounds
from .held import Held, makers
from .hosts import Host
from .mesh import HostMesh, way_to

Note = Callable[[str, float], None]


def test_row12_N_what_a_node_says_is_lost_on_the_way(held: Held, note: Note) -> None:
    """The node still hears the broker, until that has nothing more to answer."""
    _check_cut_moves(held, note, bounds.MOVED, held.mesh.home)
    _check_heals(held, note)


def test_row13_N_what_the_broker_says_is_lost_on_the_way(held: Held, note: Note) -> None:
    """The node is heard once more, a beat later at most; then TCP waits for the answer."""
    _check_cut_moves(held, note, bounds.BEAT + bounds.MOVED, held.mesh.away)
    _check_heals(held, note)


def test_row14_N_a_full_partition_heals(held: Held, note: Note) -> None:
    _check_cut_moves(held, note, bounds.MOVED, held.mesh.home, held.mesh.away)
    _check_heals(held, note)


@pytest.mark.soak
def test_row14_N_a_partition_much_shorter_than_the_lease_moves_nothing(held: Held) -> None:
    mesh = held.mesh
    mesh.lan.cut(mesh.home, mesh.away)
    eventually(lambda: (view := mesh.node_view("far")) and view.beat > 1.5 * bounds.BEAT, 10)
    mesh.lan.heal()
    eventually(lambda: (view := mesh.node_view("far")) and view.beat < bounds.BEAT, 10)
    assert not held.moved()
    held.go_on()
    held.job.check(held.run)
    assert makers() == {"far"}


def test_row14_N_an_owner_that_was_cut_off_goes_on_with_its_run(mesh: HostMesh, note: Note) -> None:
    """The broker forgets it and all its tasks; it asks for the rest again."""
    job, way = Run(mesh, 6, times=12), way_to(mesh.home)
    mesh.broker()
    mesh.nodes("one", "two", slots=1, more=way)
    with mesh.at(mesh.away):
        run = job.begin(*way)
    eventually(lambda: job.done() >= 1, 30)
    assert mesh.status().owners == 1
    since = time.monotonic()
    mesh.lan.cut(mesh.home, mesh.away)
    seconds_until(lambda: mesh.status().owners == 0)
    took = time.monotonic() - since
    note("forgotten_seconds", took)
    assert took <= bounds.MOVED
    assert not run.ended
    mesh.lan.heal()
    took = seconds_until(lambda: run.ended or mesh.status().owners == 1)
    note("back_seconds", took)
    assert took <= bounds.BACK
    job.check(run)


@pytest.mark.soak
def test_row14_N_a_node_is_back_soon_after_a_long_partition(held: Held, note: Note) -> None:
    since = time.monotonic()
    held.mesh.lan.cut(held.mesh.home, held.mesh.away)
    eventually(lambda: time.monotonic() - since > 42, 60)
    held.mesh.lan.heal()
    took = seconds_until(held.is_here, 60)
    note("back_seconds", took)
    assert took <= bounds.BACK


def _check_cut_moves(held: Held, note: Note, bound: float, *to: Host) -> None:
    lan, (_, old) = held.mesh.lan, held.connections()
    since = time.monotonic()
    lan.cut(*to)
    before = [lan.carried(host)[1] for host in to]
    took = held.seconds_until_moved(since)
    note("reassigned_seconds", took)
    assert took <= bound
    assert held.mesh.node_view("far") is None
    seconds_until(lambda: not old & held.connections()[1])
    took = time.monotonic() - since
    note("given_up_seconds", took)
    assert took <= bounds.GIVEN_UP
    after = [lan.carried(host)[1] for host in to]
    assert max(b - a for a, b in zip(before, after, strict=True)) < bounds.NOISE_BYTES


def _check_heals(held: Held, note: Note) -> None:
    since = time.monotonic()
    held.mesh.lan.heal()
    seconds_until(held.is_here)
    took = time.monotonic() - since
    note("back_seconds", took)
    assert took <= bounds.BACK
    held.finish_by_late_results()
    seconds_until(lambda: [len(one) for one in held.connections()] == [2, 2])
    took = time.monotonic() - since
    note("let_go_seconds", took)
    assert took <= bounds.LET_GO
    assert not held.far.ended
