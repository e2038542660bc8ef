"""Brokers and nodes that come and go while a run is under way."""

import contextlib
import shutil
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pixmesh.node.net.reach import address_of, ask_status
from pixmesh.node.state import StateFolder
from pixmesh.tests.integration.runs import SHORT, SOAK_MARKS, Run, running
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh

PICTURES = pytest.mark.parametrize(
    "pictures", [pytest.param(SHORT, id="short"), pytest.param(1500, id="soak", marks=SOAK_MARKS)]
)


@PICTURES
@pytest.mark.parametrize("door", ["local", "network"])
def test_a_run_survives_a_broker_that_is_killed_and_started_again(
    mesh: RealMesh, pictures: int, door: str
) -> None:
    """The nodes and the owner find it again and go on; nothing done is lost."""
    job = Run(mesh, pictures)
    port = free_ports()
    first = mesh.broker(port)
    way = ["--broker", f"127.0.0.1:{port}"] if door == "network" else []
    nodes = mesh.nodes("one", "two", slots=1, more=way)
    run = job.begin(*way)
    eventually(lambda: job.done() >= pictures // 4, 120, "nothing was ever done")
    first.kill()
    again = mesh.broker(port)
    assert not run.ended, "the run was over before the broker was killed"
    job.check(run)
    assert not any(member.ended for member in (again, *nodes))
    assert {node.name for node in mesh.status().nodes} == {"one", "two"}


def free_ports() -> int:
    """Return a port that is free, as is the next one."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            two.bind(("127.0.0.1", port + 1))
            return port


def test_a_second_broker_for_the_same_state_folder_is_refused(mesh: RealMesh) -> None:
    """The first goes on undisturbed, its announcement too."""
    first = mesh.broker()
    told = StateFolder.open().broker_file.read_text()
    second = mesh.start("broker", "--port", "0")
    assert second.code() == 2
    assert "your broker runs already" in second.said()
    assert "Traceback" not in second.said()
    assert not first.ended
    assert StateFolder.open().broker_file.read_text() == told
    assert mesh.status().nodes == ()


def test_a_taken_port_is_named(mesh: RealMesh) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        broker = mesh.start("broker", "--port", str(port))
        assert broker.code() == 2
        assert f"127.0.0.1:{port}" in broker.said()
        assert "--port" in broker.said()


def test_a_second_unnamed_node_gets_a_name_of_its_own(mesh: RealMesh) -> None:
    mesh.broker()
    mesh.node("atlas", 1)
    second = mesh.node_starting("atlas", 1)
    eventually(lambda: "pixmesh node atlas-2: " in second.said(), 30)
    assert {node.name for node in mesh.status().nodes} == {"atlas", "atlas-2"}


def test_a_node_with_a_copied_key_is_refused_and_the_first_is_unaffected(
    mesh: RealMesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = mesh.broker()
    first = mesh.node("atlas", 1)
    state = StateFolder.open()
    told = mesh.status().broker
    copy = tmp_path / "copy"
    copy.mkdir(mode=0o700)
    shutil.copytree(state.keys, copy / "keys")
    with monkeypatch.context() as patch:
        patch.setenv("PIXMESH_STATE", str(copy))
        second = mesh.node_starting("atlas", 1, "--broker", told)
        assert second.code() not in (0, -signal.SIGTERM)
        assert "atlas is connected already" in second.said()
        assert "--name" in second.said()
        assert "Traceback" not in second.said()
    assert not first.ended
    assert not broker.ended
    job = Run(mesh, 4)
    job.check(job.begin())
    assert [(node.name, node.done) for node in mesh.status().nodes] == [("atlas", 4)]


@pytest.fixture
def held_node(mesh: RealMesh) -> Iterator[tuple[RealMesh, Run, list[psutil.Process]]]:
    """Have a node's slots stand still in the middle of a run's first two tasks."""
    job = Run(mesh, 6, times=12)
    mesh.broker()
    leaver = mesh.node("leaver")
    job.begin()
    running(leaver, 2)
    slots = leaver.children()
    for slot in slots:
        slot.suspend()
    assert len(leaver.running()) == 2, "a task ended before it could be held"
    yield mesh, job, slots
    for slot in slots:
        with contextlib.suppress(psutil.NoSuchProcess):
            slot.resume()


def test_sigterm_drains_a_node(held_node: tuple[RealMesh, Run, list[psutil.Process]]) -> None:
    """It finishes what runs, gives back what has not begun, and exits 0."""
    mesh, job, slots = held_node
    _, leaver, run = mesh.members
    attempts = set(leaver.running())
    leaver.tell(signal.SIGTERM)
    mesh.node("stayer")

    def drained() -> bool:
        view = mesh.node_view("leaver")
        return view is not None and view.state == "draining" and view.held == len(attempts)

    eventually(drained, 15, "what had not begun stayed with the node that leaves")
    assert not leaver.ended
    assert set(leaver.running()) == attempts
    for slot in slots:
        slot.resume()
    assert leaver.code() == 0, leaver.said()
    job.check(run)
    assert mesh.node_view("leaver") is None
    by = made_by()
    assert sum(node == "leaver" for node, _ in by) == len(attempts)
    assert all(tries == 1 for node, tries in by if node == "leaver")


def test_a_node_that_is_told_twice_ends_now(
    held_node: tuple[RealMesh, Run, list[psutil.Process]],
) -> None:
    mesh, job, slots = held_node
    _, leaver, run = mesh.members
    leaver.tell(signal.SIGTERM)
    eventually(lambda: (view := mesh.node_view("leaver")) and view.state == "draining", 15)
    leaver.tell(signal.SIGTERM)
    assert leaver.code(10) == 0, leaver.said()
    assert not any(slot.is_running() for slot in slots)
    mesh.node("stayer")
    job.check(run)
    assert {node for node, _ in made_by()} == {"stayer"}


def made_by() -> list[tuple[str, int]]:
    """Return, for every output of the ledger, its node and how many attempts it took."""
    with contextlib.closing(sqlite3.connect(StateFolder.open().ledger)) as ledger:
        return list(ledger.execute("SELECT node, attempts FROM outputs WHERE state = 'done'"))


def test_a_broker_that_leaves_says_so_and_the_next_one_takes_over(mesh: RealMesh) -> None:
    """SIGTERM to the broker in the middle of a run ends the broker alone."""
    job = Run(mesh, SHORT)
    first = mesh.broker()
    mesh.nodes("one", slots=2)
    run = job.begin()
    eventually(lambda: job.done() >= 4, 60)
    first.tell(signal.SIGTERM)
    assert first.code() == 0
    assert not StateFolder.open().broker_file.exists()
    mesh.broker()
    job.check(run)


def test_the_broker_answers_over_tcp_what_it_answers_locally(mesh: RealMesh) -> None:
    mesh.broker()
    mesh.node("alone", 1)
    state, told = StateFolder.open(), mesh.status()
    status = ask_status(address_of(told.broker, state), state.keys)
    assert (status.broker, status.nodes[0].name) == (told.broker, "alone")
