"""A thumbnail is small, upright, and of the picture that it is of."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.ops.errors import PictureError
from pixmesh.ops.thumbnail import SIDE, thumbnail
from pixmesh.tests.support.photos import Pixels, require_data, skimage_files

MOST_BYTES = 12_000


def quarters(height: int, width: int) -> Pixels:
    """Draw four colours: blue, green, red and white, from the upper left."""
    pixels = np.zeros((height, width, 3), np.uint8)
    half_y, half_x = height // 2, width // 2
    pixels[:half_y, :half_x] = (255, 0, 0)
    pixels[:half_y, half_x:] = (0, 255, 0)
    pixels[half_y:, :half_x] = (0, 0, 255)
    pixels[half_y:, half_x:] = (255, 255, 255)
    return pixels


def encoded(pixels: Pixels, suffix: str) -> bytes:
    _, data = cv2.imencode(suffix, pixels)
    return data.tobytes()


def corners(jpeg: bytes) -> list[int]:
    """Return which of blue, green and red is most in each corner; 3 where all are."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    found = []
    for y, x in ((2, 2), (2, -3), (-3, 2), (-3, -3)):
        pixel = pixels[y, x]
        found.append(3 if pixel.min() > 200 else int(pixel.argmax()))
    return found


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
@pytest.mark.parametrize(("height", "width"), [(40, 60), (300, 200), (2000, 3000)])
def test_it_is_the_same_picture_whatever_the_format_and_the_size(
    suffix: str, height: int, width: int
) -> None:
    data = encoded(quarters(height, width), suffix)
    small = thumbnail(data)
    assert (small.width, small.height, small.size) == (width, height, len(data))
    pixels = cv2.imdecode(np.frombuffer(small.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert max(pixels.shape[:2]) == min(SIDE, max(height, width))
    assert abs(pixels.shape[1] / pixels.shape[0] - width / height) < 0.03
    assert corners(small.jpeg) == [0, 1, 2, 3]


@pytest.mark.parametrize("path", skimage_files(), ids=lambda path: path.stem)
def test_real_photographs_take_a_few_kilobytes(path: Path) -> None:
    assert len(thumbnail(path.read_bytes()).jpeg) < MOST_BYTES


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((20, 30), 40000, np.uint16),
        np.full((20, 30, 3), 40000, np.uint16),
        np.full((20, 30, 4), 155, np.uint8),
    ],
    ids=["16 bit gray", "16 bit", "alpha"],
)
def test_every_depth_and_alpha_can_be_shown(pixels: Pixels) -> None:
    small = thumbnail(encoded(pixels, ".png"))
    shown = cv2.imdecode(np.frombuffer(small.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    expected = 194 if pixels.ndim == 3 and pixels.shape[2] == 4 else 156
    assert abs(int(shown.mean()) - expected) <= 2  # 155 at 155/255 over white; 40000/257


@pytest.mark.parametrize("kind", ["Landscape", "Portrait"])
def test_a_picture_that_lies_on_its_side_is_shown_upright(kind: str) -> None:
    folder = require_data("exif")
    upright, *turned = (
        thumbnail((folder / f"{kind}_{orientation}.jpg").read_bytes())
        for orientation in range(1, 9)
    )
    for one in turned:
        assert (one.width, one.height) == (upright.width, upright.height)
        assert difference(one.jpeg, upright.jpeg) < 10


def difference(one: bytes, other: bytes) -> float:
    first, second = (
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(np.float32)
        for jpeg in (one, other)
    )
    return float(np.abs(first - second).mean())


def test_what_is_cut_off_or_no_picture_is_said() -> None:
    data = encoded(quarters(200, 300), ".png")
    for broken in (data[: len(data) // 2], b"no picture", b""):
        with pytest.raises(PictureError):
            thumbnail(broken)
