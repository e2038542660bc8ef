"""Operations of another package: installed, listed, run on nodes; broken ones left out."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.tests.support import plugin
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.unit.tui.command import pixmesh

NEGATIVE = """
from pixmesh.ops.operation import Cut, Operation
def negative(pixels):
    return 255 - pixels
NEGATIVE = Operation(name="negative", help="light becomes dark", run=negative,
                     cut=Cut("pointwise"), cost=0.001, memory=0, source="")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = {"negative": "my_ops:NEGATIVE", "broken": "my_broken_ops:X", "odd": "my_ops:negative"}
    modules = {"my_ops": NEGATIVE, "my_broken_ops": "raise RuntimeError('not today')"}
    plugin.install(tmp_path / "site", "my_ops", modules, points, monkeypatch)


def picture(folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    folder.mkdir()
    pixels = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16)
    cv2.imwrite(str(folder / "a.png"), pixels)
    return pixels


def test_an_operation_of_another_package_runs_like_ours(package: None, tmp_path: Path) -> None:
    pixels = picture(tmp_path / "in")
    done = pixmesh("run", "negative | identity", "in", "-o", "out", folder=tmp_path)
    assert done.code == 0, done.err
    made = cv2.imread(str(tmp_path / "out" / "a.png"), cv2.IMREAD_UNCHANGED)
    assert made is not None
    assert np.array_equal(made, 255 - pixels)


def test_it_is_listed_and_those_that_cannot_be_used_are_named(
    package: None, tmp_path: Path
) -> None:
    done = pixmesh("ops", "--json", folder=tmp_path)
    assert "negative" in {one["name"] for one in json.loads(done.out)["operations"]}
    assert "my_broken_ops:X of my_ops cannot be loaded: RuntimeError: not today" in done.err
    assert "my_ops:negative of my_ops is no pixmesh.ops.operation.Operation" in done.err


def test_a_node_without_it_is_not_given_its_work(
    package: None, tmp_path: Path, mesh: RealMesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(mesh.folder / "in")
    mesh.broker()
    with monkeypatch.context() as patch:
        patch.delenv("PYTHONPATH")
        mesh.node("plain", 1)
    run = mesh.start("run", "negative", "in", "-o", "out", "--wait", "30")
    eventually(lambda: "waiting: no node has negative" in run.said(), 15)
    mesh.node("able", 1)
    assert run.code() == 0, run.said()
