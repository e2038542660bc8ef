"""Written pictures: what each format holds, and what it brings the rest to."""

import io
from typing import Any

import numpy as np
import pytest

from pixmesh.ops.decode import decode
from pixmesh.ops.encode import WRITERS, encode, format_named
from pixmesh.ops.errors import PictureError
from pixmesh.ops.header import probe
from pixmesh.ops.picture import Picture, over_white, to_depth
from pixmesh.tests.support.photos import drawn

from .files import Pixels, by_opencv, opened

LOSSLESS = ["png", "tiff", "bmp", "npy"]
DEEPEST = {"jpeg": 8, "webp": 8, "bmp": 8, "png": 16, "avif": 16, "jp2": 16, "tiff": 32, "npy": 32}


def again(pixels: Pixels, form: str, **options: Any) -> Pixels:
    return decode(encode(Picture(pixels), form, **options)).pixels


def told(pixels: Pixels, form: str) -> Pixels:
    """Return what the documentation says comes back from a lossless format."""
    depth = min(pixels.dtype.itemsize * 8, DEEPEST[form])
    shallow = to_depth(pixels, {8: "uint8", 16: "uint16", 32: "float32"}[depth])  # type: ignore[arg-type]
    if pixels.ndim == 3 and pixels.shape[2] == 2 and form != "npy":
        return np.dstack([shallow[..., :1]] * 3 + [shallow[..., 1:]])
    return shallow


@pytest.mark.parametrize("form", LOSSLESS)
@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_lossless_formats_give_back_what_they_can_hold(
    form: str, depth: int, channels: int
) -> None:
    pixels = drawn(1, 48, 40, depth=depth, channels=channels)
    found = again(pixels, form)
    expected = told(pixels, form)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert (found == expected).all()


@pytest.mark.parametrize(("form", "tolerance"), [("webp", 0), ("avif", 1), ("jp2", 0)])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_quality_100_is_lossless(form: str, tolerance: int, depth: int, channels: int) -> None:
    pixels = drawn(2, 48, 40, depth=depth, channels=channels)
    found = again(pixels, form, quality=100)
    if form == "webp" and channels == 1:
        found = found[..., 0]
    peak = DEEPEST[form] if depth == 16 else 8
    expected = to_depth(pixels, "uint16" if peak == 16 else "uint8").astype(int)
    slack = 16 if (form, peak) == ("avif", 16) else tolerance
    shown = expected[..., 3:] > 0 if channels == 4 else np.ones_like(expected, bool)
    off = np.abs(found.astype(int) - expected) * shown
    assert off.max() <= slack


@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_jpeg_is_opencvs_of_the_picture_over_white_at_eight_bits(
    depth: int, channels: int
) -> None:
    pixels = drawn(3, 48, 40, depth=depth, channels=channels)
    expected = by_opencv(".jpg", to_depth(over_white(pixels), "uint8"))
    assert encode(Picture(pixels), "jpeg") == expected


@pytest.mark.parametrize("form", ["jpeg", "webp", "avif", "jp2"])
def test_lower_quality_gives_smaller_files(form: str) -> None:
    picture = Picture(drawn(4, 320, 200))
    sizes = [len(encode(picture, form, quality=quality)) for quality in (10, 50, 90)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_plain_pictures_are_written_as_plain_opencv_writes_them() -> None:
    pixels = drawn(5, 48, 40)
    for form, suffix in (("jpeg", ".jpg"), ("png", ".png"), ("bmp", ".bmp"), ("tiff", ".tif")):
        assert encode(Picture(pixels), form) == by_opencv(suffix, pixels), form


def test_arrays_are_numpys_own() -> None:
    pixels = drawn(6, 48, 40, depth=16, channels=4)
    assert (np.load(io.BytesIO(encode(Picture(pixels), "npy")), allow_pickle=False) == pixels).all()


def test_a_tiffs_alpha_is_said_to_be_straight() -> None:
    pixels = drawn(7, 48, 40, channels=4)
    written = encode(Picture(pixels), "tiff")
    image = opened(written)
    assert image.mode == "RGBA"
    assert (np.asarray(image)[..., [2, 1, 0, 3]] == pixels).all()
    assert (decode(written).pixels == pixels).all()


def test_webp_stays_lossless_where_it_was() -> None:
    pixels = drawn(8, 48, 40)
    assert (again(pixels, "webp", lossless=True) == pixels).all()
    assert (again(pixels, "webp") != pixels).any()


@pytest.mark.parametrize("form", sorted(set(WRITERS) - {"jp2"}))
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (300, 1, 3), (5, 31)])
def test_slivers_are_written(form: str, shape: tuple[int, ...]) -> None:
    found = again(np.full(shape, 77, np.uint8), form)
    assert found.shape[:2] == shape[:2]
    assert np.abs(found.astype(int) - 77).max() <= 1


def test_slivers_are_refused_as_jpeg_2000_with_the_reason() -> None:
    assert again(np.full((32, 32), 77, np.uint8), "jp2").shape == (32, 32)
    for shape in ((31, 300), (300, 31)):
        with pytest.raises(PictureError, match="32 to 1048576 pixels a side"):
            encode(Picture(np.full(shape, 77, np.uint8)), "jp2")


@pytest.mark.parametrize(("form", "side"), [("webp", 16384), ("jpeg", 65536)])
def test_sides_over_the_formats_limit_are_refused(form: str, side: int) -> None:
    with pytest.raises(PictureError, match=f"1 to {side - 1} pixels a side") as caught:
        encode(Picture(np.zeros((1, side), np.uint8)), form)
    assert caught.value.code == "too-large"


def test_names_of_formats() -> None:
    assert [format_named(name) for name in ("JPG", ".tif", "jpeg", "WebP")] == [
        "jpeg",
        "tiff",
        "jpeg",
        "webp",
    ]
    with pytest.raises(ValueError, match="there are avif, bmp, jp2, jpeg"):
        format_named("heic")


def test_every_written_format_is_probed_as_itself() -> None:
    for form in WRITERS:
        assert probe(encode(Picture(drawn(9, 48, 40)), form)).format == form


def test_gray_stays_gray_where_the_format_has_it() -> None:
    gray = drawn(10, 48, 40, channels=1)
    for form in set(WRITERS) - {"webp"}:
        assert probe(encode(Picture(gray), form)).channels == 1, form
    assert again(gray, "webp", quality=100).tolist() == np.dstack([gray] * 3).tolist()
