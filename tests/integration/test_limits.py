"""What limits the whole is named: slots, a link, an owner's disk, an operation that nobody has."""

from pathlib import Path

import pytest

from pixmesh.tests.support import plugin
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.lan.lan import Lan
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.support.photos import distinct, skimage_files

PATIENCE = 30.0
PICTURES = 40


def limit(mesh: RealMesh) -> str:
    return mesh.status().limited_by


def small_pictures(folder: Path, count: int) -> Path:
    """Write distinct small pictures."""
    small = [path for path in skimage_files() if path.stem == "page"] or skimage_files()[:1]
    distinct(small, count, folder / "in")
    return folder / "in"


def ended(member: Member) -> None:
    member.kill()


def test_with_every_slot_at_work_it_is_slots(mesh: RealMesh, nap: Path) -> None:
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    small_pictures(mesh.folder, PICTURES)
    run = mesh.start("run", "nap seconds=0.5", "in", "-o", "out")
    eventually(lambda: limit(mesh) == "slots", PATIENCE)
    ended(run)


def test_with_an_operation_that_no_node_has_it_is_that(
    mesh: RealMesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a model is that no node has: both are what a recipe needs of a node."""
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    code = (Path(plugin.__file__).parent / "nap.py").read_text(encoding="utf-8")
    plugin.install(
        tmp_path / "naps", "nap_package", {"nap_module": code}, {"n": "nap_module:NAP"}, monkeypatch
    )
    small_pictures(mesh.folder, 2)
    run = mesh.start("run", "nap seconds=0.1", "in", "-o", "out", "--wait", "60")
    eventually(lambda: limit(mesh) == "no node has nap", PATIENCE)
    ended(run)


SLOW_DISK = """
import threading
from pixmesh.node.owner.disk import RealDisk
def slow(self, path): threading.Event().wait(0.3)
RealDisk.sync_file = slow
"""


def test_with_a_slow_disk_at_the_owner_it_is_that_disk(mesh: RealMesh) -> None:
    mesh.broker()
    mesh.nodes("atlas", slots=2)
    small_pictures(mesh.folder, 3 * PICTURES)
    run = mesh.start("run", "grayscale", "in", "-o", "out", lines=SLOW_DISK)
    eventually(lambda: limit(mesh).startswith("disk of "), PATIENCE)
    ended(run)


def test_with_a_slow_link_it_is_that_link(lan: Lan, nap: Path) -> None:
    atlas, pi4 = lan.hosts["atlas"], lan.hosts["pi4"]
    member = atlas.start("up", "--slots", "1", "--no-dashboard")
    atlas.ready(member, "is ready")
    ticket = member.data().split()[-1]
    pi4.ready(pi4.start("node", "--slots", "2", ticket), "pixmesh node pi4: ")
    shape = "qdisc add dev eth0 root tbf rate 1mbit burst 32kb latency 300ms"
    atlas.space.run("tc", *shape.split())
    photos = [path for path in skimage_files() if path.stat().st_size > 2**18]
    distinct(photos, -(-PICTURES // len(photos)), atlas.folder / "in")
    run = atlas.start("run", "nap seconds=0.5", "in", "-o", "out")
    eventually(lambda: limit(atlas).startswith("network into pi4"), PATIENCE)
    ended(run)
