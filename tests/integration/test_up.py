"""`pixmesh up`: a broker and a node that one process keeps, and ends."""

import signal

import psutil
import pytest

from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.unit.tui.command import pixmesh


@pytest.fixture
def up(mesh: RealMesh) -> Member:
    return mesh.ready(
        mesh.start("up", "--port", "0", "--slots", "1", "--name", "atlas"), "is ready"
    )


def child(up: Member, role: str) -> psutil.Process:
    """Return the process of a role."""
    found = psutil.Process(up.pid).children()
    return next(one for one in found if f"pixmesh.{role}.service" in one.cmdline())


def works(mesh: RealMesh) -> bool:
    view = mesh.node_view("atlas")
    return view is not None and view.state == "idle"


def test_it_prints_how_to_install_and_the_line_to_paste(up: Member) -> None:
    install, join = up.data().splitlines()
    assert install.startswith("uv tool install ")
    assert join.startswith("pixmesh node xm1-")


@pytest.mark.parametrize("role", ["broker", "node"])
def test_what_is_killed_is_started_again(mesh: RealMesh, up: Member, role: str) -> None:
    eventually(lambda: works(mesh), 10)
    before = child(up, role)
    before.kill()
    eventually(lambda: f"the {role} has ended (-9)" in up.said(), 10)
    eventually(
        lambda: any(
            f"pixmesh.{role}.service" in one.cmdline() for one in psutil.Process(up.pid).children()
        ),
        10,
    )
    assert child(up, role).pid != before.pid
    mesh.members[0].killed = True  # a killed node leaves its spool to the next start
    eventually(lambda: works(mesh), 20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_drains_and_ends(mesh: RealMesh, up: Member, number: int) -> None:
    children = psutil.Process(up.pid).children(recursive=True)
    up.tell(number)
    assert up.code() == 0
    assert "the node finishes what it has" in up.said()
    assert psutil.wait_procs(children, 5)[1] == []
    assert mesh.folder.exists()


def test_a_second_one_says_that_the_first_runs(mesh: RealMesh, up: Member) -> None:
    second = pixmesh("up", "--port", "0", folder=mesh.folder)
    assert second.code == 2
    assert "your broker runs already" in second.err
    assert "Traceback" not in second.err
    assert not up.ended


def test_its_end_however_it_comes_ends_both(mesh: RealMesh, up: Member) -> None:
    children = psutil.Process(up.pid).children(recursive=True)
    up.kill()
    assert psutil.wait_procs(children, 15)[1] == []
    assert mesh.folder.exists()
