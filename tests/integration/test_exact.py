"""A picture comes back the same, whatever mesh it went through: pixel for pixel OpenCV's."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pixmesh
from pixmesh.tests.integration import exact
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.photos import require_data, skimage_files

Photos = Callable[[], list[Path]]


def shared_photos() -> list[Path]:
    return sorted(require_data("photos").iterdir())


@pytest.mark.parametrize(
    ("photos", "slots"),
    [
        (skimage_files, 1),
        (skimage_files, 2),
        pytest.param(shared_photos, 2, marks=pytest.mark.soak),
    ],
)
def test_a_local_mesh_gives_what_opencv_gives(photos: Photos, slots: int) -> None:
    sources = photos()
    with pixmesh.Mesh.local(slots) as mesh:
        answers = list(mesh.map(exact.RECIPE, sources, format="png"))
    assert [answer.input for answer in answers] == sources
    differing = [
        answer.name
        for answer in answers
        if not answer.ok or not np.array_equal(exact.expected(answer.input), answer.array)
    ]
    assert differing == []


@pytest.mark.parametrize(
    ("photos", "network"),
    [
        pytest.param(skimage_files, False, marks=pytest.mark.soak),
        (skimage_files, True),
        (shared_photos, True),
    ],
)
def test_a_broker_with_two_nodes_gives_what_opencv_gives(
    mesh: RealMesh, tmp_path: Path, photos: Photos, network: bool
) -> None:
    """By the local door, and over TCP with CURVE."""
    sources = photos()
    folder = tmp_path / "in"
    folder.mkdir()
    for source in sources:
        shutil.copy(source, folder)
    mesh.broker()
    way = ["--broker", mesh.status().broker] if network else []
    mesh.nodes("left", "right", slots=1, more=way)
    run = mesh.start("run", exact.RECIPE, "in", "-o", "out", "--format", "png", *way)
    assert run.code() == 0, run.said()
    pairs = exact.outputs_of(sources, tmp_path / "out")
    assert exact.wrong(pairs) == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        out.name for _, out in pairs
    )
    both = mesh.status().nodes
    assert {node.name for node in both if node.done} == {"left", "right"}
