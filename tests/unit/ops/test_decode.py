"""Decoded pixels, against OpenCV's and Pillow's own."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pixmesh.ops.decode import decode
from pixmesh.ops.errors import PictureError
from pixmesh.ops.picture import over_white, stretched, to_depth
from pixmesh.tests.support.photos import drawn, skimage_files

from .files import (
    Pixels,
    by_numpy,
    by_opencv,
    by_pillow,
    by_pillow_with_hole,
    by_tifffile,
    exif,
    opened,
    turned,
)

COLOUR = drawn(1, 48, 32)
GRAY = drawn(1, 48, 32, channels=1)
ALPHA = drawn(1, 48, 32, channels=4)
BOTH = drawn(1, 48, 32, channels=2)


def plain(data: bytes, flags: int = cv2.IMREAD_COLOR) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert pixels is not None
    return pixels


def test_photographs_decode_as_plain_opencv_decodes_them() -> None:
    files = skimage_files()
    assert len(files) > 10
    for path in files:
        pixels = decode(path.read_bytes()).pixels
        assert (pixels == cv2.imread(str(path), cv2.IMREAD_ANYCOLOR)).all(), path.name


HOLDS = {".png": [8, 16], ".tif": [8, 16, 32], ".npy": [8, 16, 32]}


@pytest.mark.parametrize(("suffix", "depth"), [(s, d) for s in HOLDS for d in HOLDS[s]])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_lossless_formats_give_every_depth_and_alpha_back(
    suffix: str, depth: int, channels: int
) -> None:
    pixels = drawn(2, 48, 32, depth=depth, channels=channels)
    data = by_numpy(pixels) if suffix == ".npy" else by_opencv(suffix, pixels)
    found = decode(data).pixels
    assert found.dtype == pixels.dtype
    assert found.shape == pixels.shape
    assert (found == pixels).all()


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_straight_alpha_in_tiff_is_not_multiplied_into_the_colours(compression: str | None) -> None:
    for pixels in (ALPHA, drawn(3, 48, 32, depth=16, channels=4)):
        rgba = np.ascontiguousarray(pixels[..., [2, 1, 0, 3]])
        extra = {"extrasamples": ["unassalpha"], "compression": compression}
        data = by_tifffile(rgba, photometric="rgb", **extra)
        assert (decode(data).pixels == pixels).all()


def test_gray_with_alpha_stays_two_channels() -> None:
    extra = {"extrasamples": ["unassalpha"], "planarconfig": "contig"}
    for data in (by_pillow("PNG", BOTH), by_tifffile(BOTH, photometric="minisblack", **extra)):
        assert (decode(data).pixels == BOTH).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_white_is_zero_is_turned_around(depth: int) -> None:
    gray = drawn(4, 48, 32, depth=depth, channels=1)
    found = decode(by_tifffile(np.bitwise_not(gray), photometric="miniswhite")).pixels
    assert (found == gray).all()


def test_one_bit_becomes_black_and_white() -> None:
    expected = np.asarray(Image.fromarray(GRAY).convert("1")).astype(np.uint8) * 255
    options = {"TIFF": {"compression": "group4"}}
    for kind in ("PNG", "TIFF", "BMP"):
        found = decode(by_pillow(kind, GRAY, "1", **options.get(kind, {}))).pixels
        assert (found == expected).all(), kind


def test_palettes_become_their_colours() -> None:
    for kind in ("PNG", "TIFF", "BMP", "GIF"):
        data = by_pillow(kind, COLOUR, "P")
        expected = np.asarray(opened(data).convert("RGB"))[..., ::-1]
        assert (decode(data).pixels == expected).all(), kind


def test_a_transparent_palette_entry_becomes_alpha() -> None:
    for kind in ("PNG", "GIF"):
        data = by_pillow_with_hole(kind, COLOUR)
        expected = np.asarray(opened(data).convert("RGBA"))
        found = decode(data).pixels
        assert (found[..., 3] == expected[..., 3]).all(), kind
        shown = expected[..., 3] > 0
        assert (found[..., 2::-1][shown] == expected[..., :3][shown]).all(), kind


def test_cmyk_becomes_colour_as_pillow_converts_it() -> None:
    for data in (by_pillow("JPEG", COLOUR, "CMYK"), by_pillow("TIFF", COLOUR, "CMYK")):
        expected = np.asarray(opened(data).convert("RGB"))[..., ::-1].astype(int)
        found = decode(data).pixels
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1


def test_doubles_become_floats() -> None:
    values = drawn(5, 48, 32, depth=32, channels=1).astype(np.float64) * 3 - 1
    found = decode(by_tifffile(values)).pixels
    assert found.dtype == np.float32
    assert (found == values.astype(np.float32)).all()


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_avif_spans_sixteen_bits(bits: int) -> None:
    deep = drawn(6, 48, 32, depth=16)
    options = (cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 100)
    found = decode(by_opencv(".avif", deep >> (16 - bits), *options)).pixels
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - deep).max() <= 1 << (16 - bits)


def test_stretching_reaches_both_ends() -> None:
    ends = np.array([[0, 1023]], np.uint16)
    assert stretched(ends, 10).tolist() == [[0, 65535]]


def frames(kind: str, **options: Any) -> tuple[bytes, Pixels]:
    images = [Image.fromarray(drawn(n, 48, 32)[..., ::-1]) for n in range(3)]
    out = io.BytesIO()
    images[0].save(out, kind, save_all=True, append_images=images[1:], **options)
    first = opened(out.getvalue()).convert("RGB")
    return out.getvalue(), np.asarray(first)[..., ::-1]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("GIF", {}),
        ("PNG", {}),
        ("TIFF", {}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {"quality": 100}),
    ],
)
def test_of_animations_and_pages_the_first_is_taken(kind: str, options: dict[str, Any]) -> None:
    data, first = frames(kind, **options)
    assert (decode(data).pixels[..., :3] == first).all()


UPRIGHT = drawn(7, 48, 32)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "JPEG"])
def test_every_orientation_comes_out_upright(kind: str, orientation: int) -> None:
    stored = turned(UPRIGHT, orientation)
    block = b"Exif\0\0" + exif(orientation)
    options: dict[str, dict[str, Any]] = {
        "PNG": {"exif": block},
        "WEBP": {"exif": block, "lossless": True},
        "TIFF": {"tiffinfo": {274: orientation}},
        "AVIF": {"exif": block, "quality": 100, "subsampling": "4:4:4"},
        "JPEG": {"exif": block, "quality": 98, "subsampling": 0},
    }
    found = decode(by_pillow(kind, stored, **options[kind])).pixels
    assert found.shape == UPRIGHT.shape
    tolerance = 0 if kind in {"PNG", "WEBP", "TIFF"} else 3
    assert np.abs(found.astype(int) - UPRIGHT).mean() <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_upright_is_what_plain_opencv_does(kind: str, orientation: int) -> None:
    data = by_pillow(kind, UPRIGHT, exif=b"Exif\0\0" + exif(orientation))
    assert (decode(data).pixels == plain(data)).all()


def test_the_cap_is_judged_before_anything_is_decoded() -> None:
    data = by_opencv(".png", COLOUR)
    head = bytearray(data)
    head[16:24] = (30_000).to_bytes(4, "big") * 2
    with pytest.raises(PictureError, match="900 megapixels") as caught:
        decode(head)
    assert caught.value.code == "too-large"
    with pytest.raises(PictureError):
        decode(data, max_pixels=48 * 32 - 1)
    assert decode(data, max_pixels=48 * 32).pixels.shape == COLOUR.shape


def test_the_input_may_be_any_buffer_and_is_not_changed() -> None:
    data = by_opencv(".png", ALPHA)
    for buffer in (data, bytearray(data), memoryview(bytearray(data))):
        assert (decode(buffer).pixels == ALPHA).all()
        assert bytes(buffer) == data


def test_depths_convert_there_and_back() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (to_depth(to_depth(every, "uint16"), "uint8") == every).all()
    assert (to_depth(to_depth(every, "float32"), "uint8") == every).all()
    odd = np.array([[-1.0, 0.5, 2.0, np.nan]], np.float32)
    assert to_depth(odd, "uint8").tolist() == [[0, 128, 255, 0]]


def test_transparent_parts_become_white() -> None:
    for channels in (2, 4):
        clear = np.zeros((2, 2, channels), np.uint8)
        clear[0, 0, -1] = 255
        flat = over_white(clear)
        assert flat.ndim == (2 if channels == 2 else 3)
        assert (flat[0, 0] == 0).all()
        assert (flat[1:] == 255).all()
    assert over_white(COLOUR) is COLOUR
