"""What operations make of photographs is what somebody looked at, and found right."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pixmesh.ops.registry import OWN
from pixmesh.tests.unit.ops import golden

PLAINER = {"OPENCV_IPP": "disabled", "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,FP16,AVX"}
"""Another class of CPUs: what OpenCV computes without its faster ways."""


@pytest.fixture(scope="module", autouse=True)
def _written() -> None:
    if os.environ.get(golden.WRITE) == "write":
        golden.write()


def test_results_are_the_golden_pictures(tmp_path: Path) -> None:
    differing = list(golden.differing(golden.read()))
    if differing:
        golden.write(tmp_path / "golden.png")
    hint = f"{tmp_path / 'golden.png'}; if it is right: {golden.WRITE}=write"
    assert not differing, hint


def test_another_class_of_cpus_is_within_what_is_stated() -> None:
    command = [sys.executable, "-P", "-m", golden.__name__]
    done = subprocess.run(
        command, env=os.environ | PLAINER, stdout=subprocess.PIPE, check=True, text=True
    )
    assert not done.stdout


def test_each_operation_has_its_tiles_and_no_other_does() -> None:
    expected = {f"{name}/{one}" for name in golden.PHOTOS for one in golden.operations()}
    assert set(golden.read()) == expected | set(golden.PHOTOS)
    assert set(golden.TOLERANCES) | set(golden.RECIPES) <= set(OWN)


@pytest.mark.parametrize("name", sorted(golden.UNCHANGED))
def test_what_has_no_tile_changes_no_pixel(name: str) -> None:
    photo = golden.photo(golden.read(), "coffee")
    assert (golden.made(name, photo) == golden.tile(photo)).all()


def test_one_value_too_many_is_seen() -> None:
    tile = golden.tile(np.full((10, 10), 100, np.uint8))
    other = tile.copy()
    other[3, 4, 1] += 2
    assert not golden.Near().holds(other, tile)
    assert not golden.ROUNDED.holds(other, tile)
    assert golden.Near(most=2).holds(other, tile)
    assert golden.Near(stray=0.001).holds(other, tile)


def test_a_result_of_another_size_is_seen() -> None:
    tile = golden.tile(np.full((10, 10), 100, np.uint8))
    assert not golden.Near(most=9).holds(golden.tile(np.full((10, 11), 100, np.uint8)), tile)
