"""One picture through one recipe."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from pixmesh.ops.decode import decode
from pixmesh.ops.encode import WRITERS
from pixmesh.ops.errors import PictureError
from pixmesh.ops.header import probe
from pixmesh.ops.process import Output, extension, output_format, process
from pixmesh.ops.recipe import parse
from pixmesh.ops.registry import OPERATIONS
from pixmesh.tests.support.photos import drawn, skimage_files

from .files import SRGB, XMP, Pixels, by_numpy, by_opencv, by_pillow, exif

EDGES = parse("grayscale | blur ksize=5 | canny low=100 high=200")
PNG = Output(format="png")


def edges(file: Pixels) -> Pixels:
    """Return what plain OpenCV calls give of a file for EDGES."""
    pixels = cv2.imdecode(file, cv2.IMREAD_COLOR)
    assert pixels is not None
    gray = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return cv2.Canny(cv2.GaussianBlur(gray, (5, 5), 0), 100, 200)


def test_photographs_come_out_as_the_same_opencv_calls_give() -> None:
    for path in skimage_files():
        product = process(path.read_bytes(), EDGES, PNG)
        expected = edges(np.fromfile(path, np.uint8))
        assert (decode(product.data).pixels == expected).all(), path.name
        assert (product.width, product.height) == (expected.shape[1], expected.shape[0])


def test_jpegs_come_out_byte_for_byte_as_opencv_writes_them() -> None:
    data = by_opencv(".jpg", drawn(1, 200, 150))
    expected = edges(np.frombuffer(data, np.uint8))
    assert process(data, EDGES, Output(format="jpg")).data == by_opencv(".jpg", expected)


@pytest.mark.parametrize("form", WRITERS)
def test_same_keeps_the_format(form: str) -> None:
    data = by_numpy(drawn(2, 64, 48))
    source = process(data, parse("identity"), Output(format=form)).data
    product = process(source, parse("blur"), Output())
    assert product.format == form == probe(product.data).format
    assert (product.width, product.height) == (64, 48)


def test_what_cannot_be_written_becomes_png_or_jpeg() -> None:
    gif = probe(by_pillow("GIF", drawn(3, 64, 48)))
    assert output_format(gif, Output()) == "png"
    assert output_format(gif, Output(format="webp")) == "webp"


def test_extensions() -> None:
    forms = ["jpeg", "png", "webp", "tiff", "bmp", "avif", "jp2", "npy", "heic", "gif"]
    assert [extension(form) for form in forms] == [
        ".jpg",
        ".png",
        ".webp",
        ".tif",
        ".bmp",
        ".avif",
        ".jp2",
        ".npy",
        ".heic",
        ".gif",
    ]


def test_strip_leaves_no_metadata_and_keeps_the_picture_upright() -> None:
    pixels = drawn(4, 64, 48)
    block = b"Exif\0\0" + exif(6)
    data = by_pillow("JPEG", pixels, exif=block, icc_profile=SRGB, xmp=XMP)
    product = process(data, parse("identity"), Output(strip=True))
    header = probe(product.data)
    assert (header.width, header.height, header.orientation) == (48, 64, 1)
    assert header.metadata == type(header.metadata)()
    kept = probe(process(data, parse("identity"), Output()).data)
    assert kept.metadata.icc == SRGB
    assert (kept.width, kept.height, kept.orientation) == (48, 64, 1)


def test_a_gray_result_has_no_colour_profile() -> None:
    data = by_pillow("JPEG", drawn(5, 64, 48), icc_profile=SRGB)
    assert probe(process(data, parse("grayscale"), Output()).data).metadata.icc is None


def test_a_result_over_the_cap_is_refused_before_decoding() -> None:
    data = by_opencv(".png", drawn(6, 64, 48))
    broken = data[: len(data) // 2]
    with pytest.raises(PictureError, match="what resize would make") as caught:
        process(broken, parse("resize width=60000"), Output())
    assert caught.value.code == "too-large"


@pytest.mark.parametrize("error", [cv2.error("bad kernel"), MemoryError(), ValueError("odd")])
def test_a_failing_step_is_named(error: Exception) -> None:
    def fail(pixels: Pixels) -> Pixels:
        raise error

    step = replace(OPERATIONS["identity"], name="flop", run=fail)
    recipe = parse("blur | flop", {"blur": OPERATIONS["blur"], "flop": step})
    with pytest.raises(PictureError, match="flop failed on 64x48 uint8") as caught:
        process(by_opencv(".png", drawn(6, 64, 48)), recipe, Output())
    assert caught.value.code == "operation-failed"


@pytest.mark.parametrize(
    ("declared", "what"),
    [
        ({"depths": ("uint16", "float32")}, "flop takes uint16 or float32 with 1 or 2 or 3 or 4"),
        ({"channels": (1,)}, "with 1 channels, and was given uint8 with 3"),
    ],
)
def test_pixels_that_a_step_does_not_declare_are_refused(
    declared: dict[str, Any], what: str
) -> None:
    step = replace(OPERATIONS["identity"], name="flop", **declared)
    with pytest.raises(PictureError, match=what) as caught:
        process(by_opencv(".png", drawn(6, 64, 48)), parse("flop", {"flop": step}), Output())
    assert caught.value.code == "operation-failed"


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_outputs_out_of_range_are_refused(quality: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 100"):
        Output(quality=quality)
    with pytest.raises(ValueError, match="no format"):
        Output(format="docx")
    with pytest.raises(ValueError, match="max_pixels"):
        Output(max_pixels=0)


def test_deep_and_transparent_pictures_keep_both() -> None:
    deep = drawn(7, 64, 48, depth=16, channels=4)
    product = process(by_opencv(".png", deep), parse("blur ksize=3"), Output())
    expected = cv2.GaussianBlur(deep, (3, 3), 0)
    assert (decode(product.data).pixels == expected).all()
    gray = process(by_opencv(".png", deep), parse("grayscale"), Output())
    header = probe(gray.data)
    assert (header.depth, header.alpha) == (16, True)
