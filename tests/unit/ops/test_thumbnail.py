"""A thumbnail is small, upright, and of the picture that it is of."""

import os
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.ops.errors import PictureError
from pixmesh.ops.thumbnail import SIDE, small_pixels, thumbnail
from pixmesh.tests.support.photos import Pixels, drawn, require_data, skimage_files

from .files import by_pillow, exif, turned

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


def encoded(pixels: Pixels, suffix: str, *options: int) -> bytes:
    _, data = cv2.imencode(suffix, pixels, options)
    return data.tobytes()


def opened(jpeg: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.asarray(pixels)


def corners(jpeg: bytes) -> list[int]:
    """Return which of blue, green and red is most in each corner; 3 where all are."""
    pixels = opened(jpeg)
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
    pixels = opened(small.jpeg)
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
    shown = opened(small.jpeg)
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


@pytest.mark.parametrize("size", [(300, 200), (1602, 1201)], ids=["whole", "at an eighth"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_at_every_size(orientation: int, size: tuple[int, int]) -> None:
    width, height = size
    stored = turned(quarters(height, width), orientation)
    small = thumbnail(by_pillow("JPEG", stored, exif=b"Exif\0\0" + exif(orientation)))
    assert (small.width, small.height) == size
    assert corners(small.jpeg) == [0, 1, 2, 3]


def test_a_large_jpeg_is_turned_as_its_header_is_read_here_not_as_opencv_reads_it() -> None:
    """OpenCV turns by a value that is cut off; elsewhere it would lie on its side."""
    data = encoded(quarters(1200, 1602), ".jpg")
    block = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0"
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    small = thumbnail(data[:2] + segment + data[2:])
    assert (small.width, small.height) == (1602, 1200)
    assert opened(small.jpeg).shape[:2] == (72, SIDE)
    assert corners(small.jpeg) == [0, 1, 2, 3]


def flat_and_small(pixels: Pixels, width: int, height: int) -> Pixels:
    """Return the pixels, over white, made small and written by the plain calls."""
    peak = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[pixels.dtype.name]
    whole = pixels.astype(np.float64) * (255 / peak)
    if pixels.ndim == 3 and pixels.shape[2] in {2, 4}:
        alpha = whole[..., -1:] / 255
        whole = whole[..., :-1] * alpha + 255 * (1 - alpha)
    small = np.rint(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))
    return opened(encoded(small.astype(np.uint8), ".jpg", cv2.IMWRITE_JPEG_QUALITY, 80))


KINDS = [
    *((".jpg", 8, channels) for channels in (1, 3)),
    *((".png", depth, channels) for depth in (8, 16) for channels in (1, 3, 4)),
    (".tiff", 32, 3),
]


@pytest.mark.parametrize(("suffix", "depth", "channels"), KINDS)
@pytest.mark.parametrize(("width", "height"), [(500, 300), (1600, 960)])
def test_it_is_what_plain_calls_make_of_the_pixels(
    suffix: str, depth: int, channels: int, width: int, height: int
) -> None:
    pixels = drawn(1, width, height, depth=depth, channels=channels)
    shown = opened(thumbnail(encoded(pixels, suffix)).jpeg)
    expected = flat_and_small(pixels, shown.shape[1], shown.shape[0])
    assert max(shown.shape[:2]) == SIDE
    assert np.abs(shown.astype(np.float64) - expected).mean() < 2


def test_gray_with_alpha_and_print_colours_are_shown() -> None:
    half = np.dstack([np.full((40, 60), 100, np.uint8), np.full((40, 60), 127, np.uint8)])
    shown = opened(thumbnail(by_pillow("PNG", half)).jpeg)
    assert abs(int(shown.mean()) - 178) <= 2  # 100 at 127/255 over white
    for kind in ("JPEG", "TIFF"):
        assert corners(thumbnail(by_pillow(kind, quarters(300, 400), "CMYK")).jpeg) == [0, 1, 2, 3]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 4000), (4000, 1), (95, 97)])
def test_a_picture_of_any_shape_has_a_thumbnail(width: int, height: int) -> None:
    small = thumbnail(encoded(np.full((height, width, 3), 99, np.uint8), ".png"))
    shown = opened(small.jpeg)
    assert (small.width, small.height) == (width, height)
    assert max(shown.shape[:2]) == min(SIDE, max(width, height))


def test_not_even_noise_takes_more_than_a_few_kilobytes() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    assert len(thumbnail(encoded(noise, ".png")).jpeg) < MOST_BYTES


@pytest.mark.parametrize("depth", [8, 16])
def test_a_large_picture_with_alpha_takes_little_more_than_itself(depth: int) -> None:
    pixels = drawn(1, 1600, 1200, channels=4, depth=depth)
    data = encoded(pixels, ".png")
    tracemalloc.start()
    try:
        thumbnail(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < pixels.nbytes + 3 * pixels.shape[0] * pixels.shape[1] + 8e6


def difference(one: bytes, other: bytes) -> float:
    first, second = (opened(jpeg).astype(np.float32) for jpeg in (one, other))
    return float(np.abs(first - second).mean())


@pytest.mark.parametrize("size", [(300, 200), (1600, 1200)], ids=["whole", "at an eighth"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff"])
def test_what_is_cut_off_is_said(suffix: str, size: tuple[int, int]) -> None:
    data = encoded(drawn(1, *size), suffix)
    for kept in (len(data) // 2, len(data) - 2):
        with pytest.raises(PictureError):
            thumbnail(data[:kept])


@pytest.mark.parametrize("size", [(300, 200), (1600, 1200)], ids=["whole", "at an eighth"])
def test_a_jpeg_that_lost_pixels_in_its_middle_is_said(
    size: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(encoded(drawn(1, *size), ".jpg"))
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    with pytest.raises(PictureError):
        thumbnail(data)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("data", [b"no picture", b"", b'{"faces": []}'])
def test_what_is_no_picture_is_said(data: bytes) -> None:
    with pytest.raises(PictureError):
        thumbnail(data)


def test_a_thumbnail_is_read_as_what_it_is_and_nobodys_stderr_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = thumbnail(encoded(quarters(600, 900), ".png"))

    def never(*_: object) -> None:
        raise AssertionError("a screen may be drawn there")

    with monkeypatch.context() as patch:
        patch.setattr(os, "dup2", never)
        pixels = small_pixels(made.jpeg)
    assert np.abs(pixels.astype(int) - opened(made.jpeg)).max() <= 2
    gray = encoded(quarters(64, 96)[..., 0], ".jpg")
    assert small_pixels(gray).shape == (64, 96)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "empty"),
        (b"GIF or so", "not-a-picture"),
        (encoded(quarters(64, 96), ".webp"), "unsupported"),
        (encoded(quarters(16, 16383), ".webp"), "unsupported"),
        (encoded(quarters(64, SIDE + 1), ".jpg"), "too-large"),
        (encoded(quarters(64, 96), ".jpg")[:600], "truncated"),
    ],
    ids=["empty", "letters", "webp", "large webp", "large jpeg", "cut"],
)
def test_what_is_no_thumbnail_is_not_decoded(sent: bytes, code: str) -> None:
    with pytest.raises(PictureError) as refused:
        small_pixels(sent)
    assert refused.value.code == code
