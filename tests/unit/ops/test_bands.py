"""Rows at a time give what all rows give, and take little memory."""

import tracemalloc

import cv2
import numpy as np
import pytest

from pixmesh.ops import bands
from pixmesh.ops.bands import in_bands
from pixmesh.ops.decode import MAX_PIXELS
from pixmesh.ops.operation import DEPTHS, Depth
from pixmesh.ops.picture import to_depth
from pixmesh.ops.process import done
from pixmesh.ops.recipe import Step, parse
from pixmesh.ops.reference import taken_from
from pixmesh.ops.supplies import NONE, Supplies
from pixmesh.tests.support.photos import Pixels, drawn

from .files import by_opencv

WORD = taken_from(by_opencv(".png", drawn(2, 100, 80)), max_pixels=MAX_PIXELS).canonical()
WIDE = (
    *("invert", "brightness amount=0.2", "contrast factor=1.5", "gamma gamma=2.2"),
    *("posterize levels=6", "sepia", "autocrop", "threshold", "canny", "normalize"),
)


@pytest.mark.parametrize("height", [1, 2, 3, 7])
@pytest.mark.parametrize("channels", [1, 3])
def test_all_rows_are_changed_once_and_in_their_places(
    monkeypatch: pytest.MonkeyPatch, height: int, channels: int
) -> None:
    pixels = drawn(1, 10, 7, channels=channels)[:height]
    monkeypatch.setattr(bands, "BAND", 2 * pixels[:1].nbytes)
    heights: list[int] = []

    def gray(rows: Pixels) -> Pixels:
        heights.append(rows.shape[0])
        brightest: Pixels = rows.reshape(*rows.shape[:2], -1).max(axis=2).astype(np.uint16)
        return brightest

    made = in_bands(pixels, gray)
    assert made.dtype == np.uint16
    assert (made == pixels.reshape(height, 10, -1).max(axis=2)).all()
    assert (sum(heights), max(heights)) == (height, min(2, height))


@pytest.mark.parametrize("recipe", WIDE)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bands_make_no_difference(
    monkeypatch: pytest.MonkeyPatch, recipe: str, depth: Depth, channels: int
) -> None:
    colour = to_depth(drawn(3, 60, 40, channels=4), depth)
    chosen = {1: colour[..., 0], 2: colour[..., [0, 3]], 3: colour[..., :3], 4: colour}
    pixels = np.ascontiguousarray(chosen[channels])
    (step,) = parse(recipe).steps
    whole = done(step, pixels, NONE)
    monkeypatch.setattr(bands, "BAND", 3 * pixels[:1].nbytes)
    by_bands = done(step, pixels, NONE)
    assert (by_bands.dtype, by_bands.shape) == (whole.dtype, whole.shape)
    assert np.array_equal(by_bands, whole)


@pytest.mark.parametrize("recipe", ["gamma gamma=2.2", "sepia", "autocrop", "canny", "match"])
def test_what_is_wide_on_the_way_is_wide_for_few_rows(recipe: str) -> None:
    """Of 16 bits, 6 megapixels: each took 24 bytes a pixel and more beside input and output."""
    pixels = to_depth(drawn(1, 3000, 2000), "uint16")
    small = cv2.resize(pixels, (100, 80))
    step, given = _step(recipe), _supplies(small)
    done(step, small, given)
    tracemalloc.start()
    try:
        made = done(step, pixels, given)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most - made.nbytes < 10 * 6_000_000


def _step(recipe: str) -> Step:
    steps = parse(f"{recipe} reference={WORD}" if recipe == "match" else recipe).steps
    return steps[0]


def _supplies(small: Pixels) -> Supplies:
    return Supplies(reference=lambda _: small)
