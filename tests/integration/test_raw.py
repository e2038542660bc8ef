"""Camera RAW goes to nodes that read it, and beside it all else goes on."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from pixmesh.node.errors import CannotRun
from pixmesh.ops.decode import decode
from pixmesh.tests.support.dng import dng
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.photos import drawn

pytest.importorskip("rawpy", reason="no rawpy: uv sync --extra raw brings it")

HIDDEN = "import sys\nsys.modules['rawpy'] = None"
"""A node on which the extra is not installed."""


def write(mesh: RealMesh, raws: Sequence[str], jpegs: Sequence[str]) -> None:
    folder = mesh.folder / "in"
    folder.mkdir()
    for number, name in enumerate(raws):
        scene = cv2.GaussianBlur(drawn(number, 120, 80), (0, 0), 3)
        (folder / name).write_bytes(dng(scene))
    for number, name in enumerate(jpegs):
        cv2.imwrite(str(folder / name), drawn(number, 120, 80))


def test_a_raw_reference_goes_to_who_reads_it(mesh: RealMesh) -> None:
    write(mesh, ["logo.dng"], ["c.jpg"])
    mesh.broker()
    bare = mesh.start("node", "--name", "bare", "--slots", "1", lines=HIDDEN)
    mesh.ready(bare, "pixmesh node bare: ")
    words = "watermark picture=in/logo.dng size=50", "in/c.jpg", "-o", "out"
    run = mesh.start("run", *words, "--wait", "2")
    assert run.code() == CannotRun.exit_code, run.said()
    assert "no node has format raw" in run.said()
    mesh.nodes("able", slots=1)
    run = mesh.start("run", *words)
    assert run.code() == 0, run.said()
    seen, made = (
        np.asarray(cv2.imread(str(mesh.folder / one)), np.float64)
        for one in ("in/c.jpg", "out/c.jpg")
    )
    assert np.abs(made - seen)[-40:, -60:].mean() > 10 * np.abs(made - seen)[:20, :40].mean()


def test_raw_waits_for_a_node_that_reads_it_and_says_what_is_missing(mesh: RealMesh) -> None:
    write(mesh, ["a.dng", "b.dng"], ["c.jpg", "d.jpg"])
    mesh.broker()
    bare = mesh.start("node", "--name", "bare", "--slots", "1", lines=HIDDEN)
    mesh.ready(bare, "pixmesh node bare: ")
    run = mesh.start("run", "grayscale", "in", "-o", "out", "--wait", "2")
    assert run.code() == CannotRun.exit_code, run.said()
    assert "no node has format raw" in run.said()
    assert "start a node where 'pixmesh[raw]' is installed" in run.said()
    out = mesh.folder / "out"
    assert sorted(path.name for path in out.iterdir()) == ["c.jpg", "d.jpg"]
    mesh.nodes("able", slots=1)
    again = mesh.start("run", "grayscale", "in", "-o", "out")
    assert again.code() == 0, again.said()
    assert ".dng cannot be written: those become jpeg" in again.said()
    assert sorted(path.name for path in out.iterdir()) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    expected = decode((mesh.folder / "in" / "a.dng").read_bytes()).pixels
    made = np.asarray(cv2.imread(str(out / "a.jpg"), cv2.IMREAD_GRAYSCALE), np.float64)
    shown = cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY).astype(np.float64) / 257
    assert np.abs(made - shown).mean() < 2
