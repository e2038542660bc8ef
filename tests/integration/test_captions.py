"""Captions out of a real mesh: said by one process of a node, for all of its slots."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import psutil
import pytest

from pixmesh.node.cell import TOGETHER
from pixmesh.node.weights import VARIABLE
from pixmesh.tests.support import blip
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.support.photos import drawn, skimage_files

PATIENCE = 180.0
MANY = 300
"""Pictures, so that the process is at work for long enough to be stopped over several."""

HERE = """
import json, pathlib, sys
from pixmesh.ops import caption
from pixmesh.ops.decode import decode
folder, *photos = sys.argv[1:]
seen = [decode(pathlib.Path(one).read_bytes()).pixels for one in photos]
said = caption.captions(
    seen, weights=pathlib.Path(folder), prompt="a photo of", length=9, beams=3
)
print(json.dumps(dict(zip(photos, said))))
"""


def said_here(folder: Path, photos: list[str]) -> dict[str, str]:
    """Return the captions without a mesh; in a process of its own, which torch may litter."""
    words = [sys.executable, "-P", "-c", HERE, str(folder), *photos]
    told: dict[str, str] = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return told


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small BLIP, in a folder of models."""
    folder = tmp_path_factory.mktemp("models") / "blip"
    folder.mkdir()
    return blip.write(folder)


@pytest.fixture
def atlas(mesh: RealMesh, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Member:
    """A node of two slots that has it."""
    blip.install(tmp_path / "path", small, monkeypatch)
    monkeypatch.setenv(VARIABLE, str(small.parent))
    mesh.broker()
    (node,) = mesh.nodes("atlas", slots=2)
    return node


def stopped_over_several(node: Member) -> psutil.Process | None:
    """Stop the model's process; return it if it looks at several pictures just then."""
    process = node.model_process()
    if process is not None:
        process.suspend()
        if TOGETHER in node.running():
            return process
        process.resume()
    return None


def test_what_ends_a_model_that_looks_at_several_costs_no_slot(
    mesh: RealMesh, small: Path, atlas: Member
) -> None:
    photos = [str(mesh.folder / f"{number}.png") for number in range(MANY)]
    for number, photo in enumerate(photos):
        cv2.imwrite(photo, drawn(number, 64, 48))
    run = mesh.start("run", "caption prompt='a photo of' length=9", *photos)
    process = eventually(lambda: stopped_over_several(atlas), PATIENCE, longest_pause=0.005)
    assert process is not None
    process.kill()
    assert run.code(PATIENCE) == 0, run.said()
    told = {
        json.loads(line)["source"]: json.loads(line)["data"] for line in run.data().splitlines()
    }
    assert {one: data["caption"] for one, data in told.items()} == said_here(small, photos)
    assert "blip: its model's process was killed by SIGKILL" in atlas.said()
    assert ": its model's process was killed by SIGKILL, in " not in atlas.said()


def test_captions_of_a_mesh_are_those_that_are_said_here(
    mesh: RealMesh, small: Path, atlas: Member
) -> None:
    photos = {str(path): path for path in skimage_files() if path.suffix == ".png"}
    run = mesh.start("run", "caption prompt='a photo of' length=9", *photos)
    assert run.code(PATIENCE) == 0, run.said()
    lines = [json.loads(line) for line in run.data().splitlines()]
    told = {one["source"]: one["data"]["caption"] for one in lines}
    assert told == said_here(small, list(photos))
