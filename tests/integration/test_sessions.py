"""Brokers and nodes that come and go while a run is under way."""

import shutil
import signal
import socket
from pathlib import Path

import pytest

from pixmesh.node.net.reach import ask_status, named_broker
from pixmesh.node.state import StateFolder
from pixmesh.tests.integration.runs import Run
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh


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


def test_a_broker_that_leaves_says_so_and_the_next_one_takes_over(mesh: RealMesh) -> None:
    """SIGTERM to the broker in the middle of a run ends the broker alone."""
    job = Run(mesh, 16)
    first = mesh.broker()
    mesh.node("one", 2)
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
    status = ask_status(named_broker(told.broker, state))
    assert (status.broker, status.nodes[0].name) == (told.broker, "alone")
