"""Models in a real mesh: the commands, a node with the weights, and one without."""

import json
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from pixmesh.node.errors import CannotRun
from pixmesh.node.weights import VARIABLE, WeightsCache
from pixmesh.ops.weights import U2NETP
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
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
    assert told == [
        ("atlas", "has the weights of u2netp, yunet"),
        ("pi4", "has the weights of u2netp"),
    ]
    (file,) = U2NETP.files
    assert (bare / "u2netp" / file.name).read_bytes() == (
        weights.folder / "u2netp" / file.name
    ).read_bytes()
    assert not (bare / "yunet").exists()


def loading(node: Member) -> psutil.Process:
    found = eventually(node.model_process, 30, longest_pause=0.005)
    assert found is not None
    return found


def test_while_a_model_is_loaded_the_node_does_all_else(
    mesh: RealMesh, weights: WeightsCache, astronaut: Path
) -> None:
    """One slot is enough for that; and it is said what is waited for."""
    mesh.broker()
    (node,) = mesh.nodes("atlas", slots=1)
    cutout = mesh.start("run", "cutout model=u2netp", str(astronaut), "-o", "cut")
    process = loading(node)
    process.suspend()
    eventually(lambda: mesh.status().nodes[0].reason == "is warming u2netp", 30)
    others = [str(path) for path in skimage_files() if path.suffix == ".png"]
    blur = mesh.start("run", "blur", *others, "-o", "blurred")
    assert blur.code() == 0, blur.said()
    assert len(list((mesh.folder / "blurred").iterdir())) == len(others)
    assert not cutout.ended
    eventually(lambda: "weights come: atlas is warming u2netp" in cutout.said(), 30)
    process.resume()
    assert cutout.code() == 0, cutout.said()


@pytest.mark.parametrize("count", [1, 6])
def test_all_slots_share_one_model_and_a_picture_that_ends_it_is_tried_again(
    mesh: RealMesh, weights: WeightsCache, count: int
) -> None:
    photos = [path for path in skimage_files() if path.suffix == ".png"][:count]
    mesh.broker()
    (node,) = mesh.nodes("atlas", slots=2)
    run = mesh.start("run", "cutout model=u2netp", *map(str, photos), "-o", "out")
    process = loading(node)
    # The cells of a slot and of the model have the same attempt: that one is at work there.
    eventually(lambda: any(many > 1 for many in Counter(node.running()).values()), 30)
    process.kill()
    assert run.code() == 0, run.said()
    assert len(list((mesh.folder / "out").iterdir())) == len(photos)
    again = node.model_process()
    assert again is not None
    assert again.pid != process.pid
    assert node.said().count(": its model's process was killed by SIGKILL, in ") == 1


def test_a_node_that_has_no_memory_for_a_model_says_so(
    mesh: RealMesh, weights: WeightsCache, astronaut: Path
) -> None:
    mesh.broker()
    lines = "import psutil\nreal = psutil.virtual_memory\n"
    lines += "psutil.virtual_memory = lambda: real()._replace(available=100_000_000)"
    node = mesh.start("node", "--name", "atlas", "--slots", "1", lines=lines)
    mesh.ready(node, "pixmesh node atlas: ")
    run = mesh.start("run", "cutout model=u2netp", str(astronaut), "-o", "out", "--wait", "3")
    assert run.code() == CannotRun.exit_code, run.said()
    assert "no node has model u2netp; atlas could not load u2netp: it takes 0.8 GB" in run.said()


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
