"""Models in a real mesh: the commands, a node with the weights, and one without."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.node.errors import CannotRun
from pixmesh.node.weights import VARIABLE, WeightsCache
from pixmesh.ops.weights import U2NETP
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.photos import skimage_files
from pixmesh.tests.unit.tui.command import pixmesh


@pytest.fixture
def astronaut() -> Path:
    return next(path for path in skimage_files() if path.name == "astronaut.png")


def test_faces_and_cutouts_come_out_of_a_mesh(
    mesh: RealMesh, weights: WeightsCache, astronaut: Path
) -> None:
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    run = mesh.start("run", "--to", "faces=faces draw=crop", "--to", "cut=cutout model=u2netp")
    assert run.code() == 2  # pictures are missing
    run = mesh.start(
        "run",
        "--to",
        "faces=faces draw=crop",
        "--to",
        "cut=cutout model=u2netp",
        str(astronaut),
        "-o",
        "out",
    )
    assert run.code() == 0, run.said()
    cropped = cv2.imread(str(mesh.folder / "out" / "faces" / "astronaut.png"))
    assert cropped is not None
    assert cropped.shape == (147, 124, 3)
    cut = cv2.imread(str(mesh.folder / "out" / "cut" / "astronaut.png"), cv2.IMREAD_UNCHANGED)
    assert cut is not None
    assert cut.shape == (512, 512, 4)
    assert 0.3 < float(np.mean(np.asarray(cut)[..., 3] > 127)) < 0.7
    found = mesh.start("run", "faces give=data", str(astronaut))
    assert found.code() == 0, found.said()
    assert len(json.loads(found.data())["data"]["faces"]) == 1


def test_weights_that_nobody_has_and_nobody_can_fetch_are_said(
    mesh: RealMesh, astronaut: Path
) -> None:
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    run = mesh.start("run", "faces", str(astronaut), "-o", "out", "--wait", "4")
    assert run.code() == CannotRun.exit_code, run.said()
    assert "no node has model yunet; atlas could not fetch yunet" in run.said()
    assert "refused" in run.said()


def test_a_node_without_the_weights_gets_them_from_one_that_has_them(
    mesh: RealMesh,
    weights: WeightsCache,
    astronaut: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And nothing comes from the web: there is none."""
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    bare = tmp_path / "bare"
    bare.mkdir()
    monkeypatch.setenv(VARIABLE, str(bare))
    mesh.nodes("pi4", slots=1)
    mesh.order("drain", "atlas")
    run = mesh.start("run", "cutout model=u2netp", str(astronaut), "-o", "out")
    assert run.code() == 0, run.said()
    told = [(one.who, one.text) for one in mesh.status().happened if one.what == "weights"]
    assert told == [("atlas", "has model u2netp, model yunet"), ("pi4", "has model u2netp")]
    (file,) = U2NETP.files
    assert (bare / "u2netp" / file.name).read_bytes() == (
        weights.folder / "u2netp" / file.name
    ).read_bytes()
    assert not (bare / "yunet").exists()


def test_models_are_listed_checked_and_told_of(
    tmp_path: Path, weights: WeightsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where others would keep theirs
    listed = pixmesh("models", "list", folder=tmp_path)
    assert listed.code == 0
    assert "not here" in next(line for line in listed.out.splitlines() if line.startswith("u2net "))
    data = json.loads(pixmesh("models", "list", "--json", folder=tmp_path).out)
    where = {one["name"]: one["where"] for one in data["models"]}
    assert where["yunet"] == str(weights.folder / "yunet")
    assert where["u2net"] is None
    assert pixmesh("models", "pull", "yunet", "u2netp", folder=tmp_path).code == 0
    checked = pixmesh("models", "check", folder=tmp_path)
    assert checked.code == 0
    assert checked.out.splitlines()[:2] == ["yunet is as it should be", "u2net is not here"]
    copy = shutil.copytree(weights.folder, tmp_path / "copy")
    (copy / "u2netp" / "u2netp.onnx").write_bytes(b"damaged")
    monkeypatch.setenv(VARIABLE, str(copy))
    checked = pixmesh("models", "check", folder=tmp_path)
    assert checked.code == 1
    assert "has 7 bytes, and should have 4574861" in checked.out
    assert "not as they should be: u2netp" in checked.err
    unknown = pixmesh("models", "pull", "u2nett", folder=tmp_path)
    assert unknown.code == 2
    assert "there are yunet, u2net, u2netp" in unknown.err
