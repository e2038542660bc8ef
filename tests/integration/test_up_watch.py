"""`pixmesh up --watch`: a drop folder beside the broker and the node, kept and ended with them."""

import signal

import psutil
import pytest

from pixmesh.tests.integration.test_up import child
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.support.photos import distinct, skimage_files


@pytest.fixture
def up(mesh: RealMesh) -> Member:
    (mesh.folder / "in").mkdir()
    words = ("up", "--port", "0", "--slots", "1", "--name", "atlas")
    return mesh.ready(mesh.start(*words, "--watch", "grayscale", "in", "out"), "watching")


def drop(mesh: RealMesh, name: str) -> None:
    source = next(path for path in skimage_files() if path.suffix == ".png")
    (path,) = distinct([source], 1, mesh.folder / "photos")
    path.rename(mesh.folder / "in" / name)


def test_what_is_dropped_comes_out_and_status_shows_how_far_it_is(
    mesh: RealMesh, up: Member
) -> None:
    drop(mesh, "a.png")
    eventually((mesh.folder / "out" / "a.png").exists, 20, up.said())
    eventually(lambda: [one.written for one in mesh.status().folders] == [1], 10)
    (view,) = mesh.status().folders
    assert (view.source, view.out) == (str(mesh.folder / "in"), str(mesh.folder / "out"))
    up.tell(signal.SIGTERM)
    assert up.code() == 0, up.said()


def test_a_watcher_that_is_killed_is_started_again_and_goes_on(mesh: RealMesh, up: Member) -> None:
    before = child(up, "node.folder")
    before.kill()
    drop(mesh, "a.png")
    eventually((mesh.folder / "out" / "a.png").exists, 20, up.said())
    assert child(up, "node.folder").pid != before.pid
    assert "the watch has ended (-9)" in up.said()
    children = psutil.Process(up.pid).children(recursive=True)
    up.tell(signal.SIGINT)
    assert up.code() == 0
    assert psutil.wait_procs(children, 5)[1] == []


def test_a_folder_that_cannot_be_watched_ends_it_with_the_reason(mesh: RealMesh) -> None:
    words = ("--slots", "1", "--watch", "grayscale", "nowhere", "o")
    member = mesh.start("up", "--port", "0", *words)
    assert member.code() == 2
    assert "there is no folder nowhere" in member.said()


@pytest.mark.soak
def test_a_logo_is_found_again_by_a_watcher_that_is_started_again(mesh: RealMesh) -> None:
    (mesh.folder / "in").mkdir()
    logo = next(path for path in skimage_files() if path.suffix == ".png")
    words = ["up", "--port", "0", "--slots", "1", "--watch", "watermark picture=logo.png"]
    early = mesh.start(*words, "in", "out")
    assert early.code() == 2
    assert "the reference logo.png cannot be read" in early.said()
    (mesh.folder / "logo.png").write_bytes(logo.read_bytes())
    up = mesh.ready(mesh.start(*words, "in", "out"), "watching")
    child(up, "node.folder").kill()
    drop(mesh, "a.png")
    eventually((mesh.folder / "out" / "a.png").exists, 20, up.said())
    up.tell(signal.SIGTERM)
    assert up.code() == 0, up.said()


@pytest.mark.soak
def test_a_folder_that_is_gone_for_a_while_ends_nobody_else(mesh: RealMesh, up: Member) -> None:
    away = (mesh.folder / "in").rename(mesh.folder / "away")
    child(up, "node.folder").kill()
    eventually(lambda: "there is no folder in" in up.said(), 20, up.said())
    assert mesh.node_view("atlas") is not None
    away.rename(mesh.folder / "in")
    drop(mesh, "a.png")
    eventually((mesh.folder / "out" / "a.png").exists, 30, up.said())
    up.tell(signal.SIGTERM)
    assert up.code() == 0
