"""What is counted is what NumPy counts, and what follows is what NumPy says of the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.ops import geometry, levels
from pixmesh.ops.counts import BINS, counts, percentile
from pixmesh.tests.support.photos import drawn


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("at_once", [1, 70, 100_000])
def test_every_pixel_is_counted_once_however_many_at_once(channels: int, at_once: int) -> None:
    pixels = drawn(1, 31, 23, channels=channels)
    for number, plane in enumerate(np.moveaxis(pixels.reshape(23, 31, channels), 2, 0)):
        expected = np.bincount(plane.ravel(), minlength=BINS)
        assert (counts(pixels, number, at_once=at_once) == expected).all()


@given(
    values=st.lists(st.integers(0, 255), min_size=1, max_size=40),
    percent=st.floats(0, 100, width=32),
)
def test_a_percentile_is_numpys_to_the_last_bit(values: list[int], percent: float) -> None:
    array = np.array(values, np.uint8)
    found = percentile(np.bincount(array, minlength=BINS), percent)
    assert found == np.percentile(array, percent)


@pytest.mark.parametrize("clip", [0.0, 0.3, 7.0, 40.0])
def test_a_stretch_of_8_bits_is_that_of_its_percentiles(clip: float) -> None:
    pixels = drawn(2, 60, 40) // 2 + 31
    low, high = np.percentile(pixels, (clip, 100 - clip))
    expected = np.clip((pixels - low) / (high - low), 0, 1) * 255
    assert np.abs(levels.normalize(pixels, clip=clip) - expected).max() <= 0.51


@pytest.mark.parametrize("tolerance", [0.0, 2.5, 8.0, 255.0])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_border_of_8_bits_ends_where_that_of_floats_does(tolerance: float, channels: int) -> None:
    for seed in range(6):
        inside = drawn(seed, 20, 15, channels=channels)
        around = ((4, 3), (2, 5), (0, 0))[: inside.ndim]
        pixels = np.pad(inside, around, constant_values=seed * 50)
        found = geometry.autocrop(pixels, tolerance=tolerance)
        exact = geometry.autocrop(pixels.astype(np.float32) / 255, tolerance=tolerance + 0.001)
        assert found.shape == exact.shape
