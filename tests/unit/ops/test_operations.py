"""Each operation against a direct expression."""

import cv2
import numpy as np
import pytest

from pixmesh.ops import edges, filters, geometry, tone
from pixmesh.ops.picture import to_depth
from pixmesh.tests.support.photos import drawn, skimage_photos


@pytest.mark.parametrize("depth", [8, 16, 32])
def test_grayscale_is_opencvs_luma_at_every_depth(depth: int) -> None:
    colour = drawn(1, 60, 40, depth=depth)
    assert (tone.grayscale(colour) == cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)).all()


def test_grayscale_weighs_red_green_and_blue_as_bt601() -> None:
    colour = drawn(2, 60, 40)
    luma = colour @ np.array([0.114, 0.587, 0.299])
    assert np.abs(tone.grayscale(colour) - luma).max() <= 1


def test_grayscale_keeps_alpha_and_gray() -> None:
    colour = drawn(3, 60, 40, channels=4)
    both = tone.grayscale(colour)
    assert (both[..., 0] == cv2.cvtColor(colour, cv2.COLOR_BGRA2GRAY)).all()
    assert (both[..., 1] == colour[..., 3]).all()
    gray = drawn(4, 60, 40, channels=1)
    assert tone.grayscale(gray) is gray


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_blur_is_opencvs_gaussian(channels: int, depth: int) -> None:
    pixels = drawn(5, 60, 40, depth=depth, channels=channels)
    for ksize, sigma in ((1, 0.0), (5, 0.0), (15, 2.5)):
        expected = cv2.GaussianBlur(pixels, (ksize, ksize), sigma)
        assert (filters.blur(pixels, ksize=ksize, sigma=sigma) == expected).all()


def test_blur_of_a_point_is_the_gaussian_itself() -> None:
    point = np.zeros((21, 21), np.float32)
    point[10, 10] = 1
    axis = np.exp(-((np.arange(21) - 10) ** 2) / (2 * 2.0**2))
    expected = np.outer(axis, axis) / axis.sum() ** 2
    found = filters.blur(point, ksize=21, sigma=2.0)
    assert np.abs(found - expected).max() < 1e-6


def test_canny_is_opencvs_on_gray_and_on_colour() -> None:
    for name, pixels in skimage_photos().items():
        found = edges.canny(pixels, low=100, high=200)
        assert (found == cv2.Canny(pixels, 100, 200)).all(), name


def test_canny_takes_deeper_pictures_at_eight_bits_and_leaves_alpha_out() -> None:
    for depth in (16, 32):
        deep = drawn(6, 60, 40, depth=depth, channels=4)
        expected = cv2.Canny(to_depth(np.ascontiguousarray(deep[..., :3]), "uint8"), 50, 150)
        assert (edges.canny(deep, low=50, high=150) == expected).all()
        assert expected.any()


@pytest.mark.parametrize(
    ("size", "arguments", "code"),
    [
        ((30, 20), {"width": 30}, cv2.INTER_AREA),
        ((45, 30), {"height": 30}, cv2.INTER_AREA),
        ((120, 80), {"width": 120}, cv2.INTER_CUBIC),
        ((120, 10), {"width": 120, "height": 10}, cv2.INTER_CUBIC),
        ((90, 60), {"width": 90, "interpolation": "nearest"}, cv2.INTER_NEAREST),
        ((30, 20), {"width": 30, "interpolation": "linear"}, cv2.INTER_LINEAR),
        ((30, 20), {"width": 30, "interpolation": "cubic"}, cv2.INTER_CUBIC),
        ((30, 20), {"width": 30, "interpolation": "lanczos"}, cv2.INTER_LANCZOS4),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_resize_is_opencvs(
    size: tuple[int, int], arguments: dict[str, int | str], code: int, channels: int
) -> None:
    pixels = drawn(7, 60, 40, channels=channels)
    full = {"width": 0, "height": 0, "interpolation": "auto"} | arguments
    found = geometry.resize(pixels, **full)  # type: ignore[arg-type]
    assert found.shape[:2] == (size[1], size[0])
    assert (found == cv2.resize(pixels, size, interpolation=code)).all()


def test_resize_never_loses_the_last_pixel() -> None:
    assert geometry.target_size(12000, 9, width=10, height=0) == (10, 1)
    assert geometry.target_size(9, 12000, width=0, height=10) == (1, 10)
