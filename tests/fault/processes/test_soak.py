"""Long runs of real photographs, by hand: members die, freeze and come back in the middle.

Pictures are blurred again and again, so that slots compute all the time; every output is
compared, pixel for pixel, with what the same OpenCV calls give in this process.
"""

import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pixmesh.tests.integration.runs import SOAK_MARKS, Run, histories, running, seconds_until
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh, free_ports

pytestmark = list(SOAK_MARKS)

PICTURES = 1500
DEATH_SECONDS, FREEZE_SECONDS = 1.5, 7.0
Note = Callable[[str, float], None]


def test_a_run_survives_the_death_of_one_of_two_nodes(mesh: RealMesh, note: Note) -> None:
    job = Run(mesh, PICTURES)
    mesh.broker()
    victim, _ = mesh.nodes("victim", "survivor")
    run = job.begin()
    running(victim, 2)
    victim.kill()
    took = seconds_until(lambda: mesh.node_view("victim") is None)
    note("recovery", took)
    assert took <= DEATH_SECONDS
    job.check(run)


def test_a_run_survives_a_node_that_freezes_and_comes_back(mesh: RealMesh, note: Note) -> None:
    job = Run(mesh, PICTURES)
    mesh.broker()
    victim, _ = mesh.nodes("victim", "survivor")
    run = job.begin()
    running(victim, 2)
    slots = victim.children()
    victim.tell(signal.SIGSTOP)
    for slot in slots:
        slot.suspend()
    took = seconds_until(lambda: mesh.node_view("victim") is None)
    note("recovery", took)
    assert took <= FREEZE_SECONDS
    for slot in slots:
        slot.resume()
    victim.tell(signal.SIGCONT)
    eventually(lambda: mesh.node_view("victim"), 15, "the node never came back")
    job.check(run)


def test_a_run_survives_slots_that_die(mesh: RealMesh) -> None:
    job = Run(mesh, PICTURES)
    mesh.broker()
    (node,) = mesh.nodes("alone")
    run = job.begin()
    for _ in range(8):
        done = job.done() + 60
        eventually(lambda: job.done() >= done, 120, "nothing is done any more")  # noqa: B023
        running(node, 2)
        node.children()[0].kill()
    job.check(run)
    assert not node.ended


@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "broker"])
def test_the_same_command_goes_on_and_does_nothing_twice(mesh: RealMesh, embedded: bool) -> None:
    job = Run(mesh, PICTURES)
    where = ["--local", "--slots", "2"] if embedded else []
    if not embedded:
        mesh.broker()
        mesh.nodes("one", "two", slots=1)
    first = job.begin(*where)
    eventually(lambda: len(whole(job.out)) >= PICTURES // 4, 240, "nothing was ever done")
    family = first.children()
    first.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    submitted, before = histories("submitted"), whole(job.out)
    assert set(histories("done")) <= set(before)
    assert len(before) < PICTURES, "the run was over before it was killed"
    job.check(job.begin(*where))
    after, again = whole(job.out), histories("submitted")
    assert {name: after[name] for name in before} == before
    assert {name for name in before if again[name] > submitted[name]} == set()


def whole(out: Path) -> dict[str, tuple[int, int]]:
    """Return what tells each finished output from one written anew."""
    found = {path.name: path.stat() for path in out.glob("[!.]*")} if out.is_dir() else {}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}


@pytest.mark.parametrize("door", ["local", "network"])
def test_a_run_survives_a_broker_that_is_killed_and_started_again(
    mesh: RealMesh, door: str
) -> None:
    job = Run(mesh, PICTURES)
    port = free_ports()
    first = mesh.broker(port)
    way = ["--broker", f"127.0.0.1:{port}"] if door == "network" else []
    nodes = mesh.nodes("one", "two", slots=1, more=way)
    run = job.begin(*way)
    eventually(lambda: job.done() >= PICTURES // 4, 240, "nothing was ever done")
    first.kill()
    again = mesh.broker(port)
    assert not run.ended, "the run was over before the broker was killed"
    job.check(run)
    assert not any(member.ended for member in (again, *nodes))
    assert {node.name for node in mesh.status().nodes} == {"one", "two"}
