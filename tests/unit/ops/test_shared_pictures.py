"""The shared folder of real, odd and bad pictures, file by file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.ops.decode import decode
from pixmesh.ops.errors import PictureError
from pixmesh.ops.header import probe
from pixmesh.ops.process import Output, process
from pixmesh.ops.recipe import parse
from pixmesh.tests.support.photos import require_data

EDGES = parse("grayscale | blur ksize=5 | canny low=100 high=200")
IDENTITY = parse("identity")


def test_all_photos_come_out_pixel_for_pixel_as_plain_opencv_gives_them() -> None:
    photos = sorted(require_data("photos").iterdir())
    assert len(photos) == 32
    for path in photos:
        found = decode(process(path.read_bytes(), EDGES, Output(format="png")).data).pixels
        gray = cv2.cvtColor(np.asarray(cv2.imread(str(path))), cv2.COLOR_BGR2GRAY)
        expected = cv2.Canny(cv2.GaussianBlur(gray, (5, 5), 0), 100, 200)
        assert (found == expected).all(), path.name


@pytest.mark.parametrize("name", ["Landscape", "Portrait"])
def test_all_orientations_come_out_upright(name: str) -> None:
    folder = require_data("exif")
    upright = small(decode((folder / f"{name}_1.jpg").read_bytes()).pixels)
    sideways = np.abs(upright.astype(int) - upright[::-1, ::-1]).mean()
    for number in range(9):
        data = (folder / f"{name}_{number}.jpg").read_bytes()
        product = process(data, IDENTITY, Output())
        assert probe(product.data).orientation == 1
        found = small(decode(product.data).pixels)
        assert found.shape == upright.shape, number
        assert np.abs(found.astype(int) - upright).mean() < sideways / 4, number


def small(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> np.ndarray:
    height, width = pixels.shape[:2]
    size = (96, 64) if width > height else (64, 96)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


# file: (channels, depth, ICC kept) of the decoded input, then format, channels and depth written
FORMATS = {
    "anim.gif": (3, 8, False, "png", 3, 8),
    "astronaut_la.png": (2, 8, False, "png", 4, 8),
    "astronaut_rgba.avif": (4, 8, True, "avif", 4, 8),
    "astronaut_rgba.png": (4, 8, True, "png", 4, 8),
    "astronaut_rgba.webp": (4, 8, False, "webp", 4, 8),
    "garden.avif": (3, 8, False, "avif", 3, 8),
    "garden.heic": (3, 8, False, "jpeg", 3, 8),
    "garden_16bit_gray.png": (1, 16, False, "png", 1, 16),
    "garden_cmyk.jpg": (3, 8, False, "jpeg", 3, 8),
    "garden_gray.jpg": (1, 8, False, "jpeg", 1, 8),
    "garden_progressive_444.jpg": (3, 8, False, "jpeg", 3, 8),
    "kodim03.bmp": (3, 8, False, "bmp", 3, 8),
    "kodim03.jp2": (3, 8, False, "jp2", 3, 8),
    "kodim03_1bit.png": (1, 8, False, "png", 1, 8),
    "kodim03_1bit_g4.tif": (1, 8, False, "tiff", 1, 8),
    "kodim03_float32.tif": (3, 32, False, "tiff", 3, 32),
    "kodim03_lossless.webp": (3, 8, False, "webp", 3, 8),
    "kodim03_multipage.tif": (3, 8, False, "tiff", 3, 8),
    "kodim03_palette.png": (3, 8, False, "png", 3, 8),
    "kodim03_palette_trns.png": (4, 8, False, "png", 4, 8),
    "seasunset_22mp_orient6.jpg": (3, 8, False, "jpeg", 3, 8),
    "sliver_12000x9.jpg": (3, 8, False, "jpeg", 3, 8),
    "sliver_1x4000.png": (3, 8, False, "png", 3, 8),
    "tiny_1x1.png": (3, 8, False, "png", 3, 8),
}


def test_every_file_of_formats_has_its_expectation() -> None:
    assert {path.name for path in require_data("formats").iterdir()} == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_keep_depth_alpha_and_profile_as_stated(name: str) -> None:
    channels, depth, profile, form, channels_after, depth_after = FORMATS[name]
    data = require_data("formats", name).read_bytes()
    before = probe(data)
    assert (before.channels, before.depth) == (channels, depth)
    product = process(data, IDENTITY, Output())
    after = probe(product.data)
    assert (product.format, after.channels, after.depth) == (form, channels_after, depth_after)
    assert bool(after.metadata.icc) == profile
    assert (after.width, after.height) == (before.layout.width, before.layout.height)
    assert after.frames == 1
    source = decode(data).pixels
    written = decode(product.data).pixels
    if source.ndim == 3 and source.shape[2] == 2:
        written = np.ascontiguousarray(written[..., [0, 3]])
    error = np.abs(source.astype(float) - written) / (1 if depth == 32 else 2**depth - 1)
    if channels != 4:
        assert error.mean() < (0 if form in {"png", "tiff", "bmp"} else 0.02) + 1e-9


def test_a_lossless_webp_stays_lossless() -> None:
    data = require_data("formats", "kodim03_lossless.webp").read_bytes()
    product = process(data, IDENTITY, Output())
    assert (decode(product.data).pixels == decode(data).pixels).all()


BAD = {
    "bitflip_200_astronaut.png": "corrupt",
    "bomb_400mp_1bit.png": "too-large",
    "bomb_4295mp_1bit.png": "too-large",
    "bomb_900mp_gray.png": "too-large",
    "elf_named.png": "not-a-picture",
    "garbage_64k.jpg": "not-a-picture",
    "gzip_named.jpg": "not-a-picture",
    "header_only.jpg": "truncated",
    "header_only.png": "truncated",
    "html_named.png": "not-a-picture",
    "json_named.webp": "not-a-picture",
    "magic_only.jpg": "truncated",
    "one_byte.jpg": "truncated",
    "text_named.jpg": "not-a-picture",
    "trunc_10pct_garden.jpg": "truncated",
    "trunc_50pct_astronaut.png": "truncated",
    "trunc_50pct_garden.jpg": "truncated",
    "trunc_50pct_kodim03.webp": "truncated",
    "trunc_99.9pct_garden.jpg": "truncated",
    "zero_byte.jpg": "empty",
    "zero_byte.png": "empty",
}
EITHER = {"bitflip_20_garden.jpg"}
LARGE = {"bomb_177mp_just_under_2x_pillow_limit.png"}


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_are_named_with_their_reason(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = require_data("bad", name).read_bytes()
    with pytest.raises(PictureError) as caught:
        process(data, EDGES, Output())
    assert caught.value.code == BAD[name]
    assert capfd.readouterr().err == ""


def good() -> list[Path]:
    paths = sorted(require_data("bad").iterdir())
    return [path for path in paths if path.name not in BAD.keys() | EITHER | LARGE]


def test_everything_else_in_bad_is_good() -> None:
    assert len(good()) >= 12
    garden = decode(require_data("photos", "mate_Garden.jpg").read_bytes()).pixels
    for path in good():
        product = process(path.read_bytes(), EDGES, Output(format="png"))
        assert (product.width, product.height) != (0, 0), path.name
        if path.stat().st_size == 264831:
            assert (decode(path.read_bytes()).pixels == garden).all(), path.name


def test_what_follows_a_jpeg_changes_nothing() -> None:
    garden = decode(require_data("photos", "mate_Garden.jpg").read_bytes()).pixels
    for name in ("jpeg_trailing_garbage.jpg", "two_jpegs_concatenated.jpg"):
        assert (decode(require_data("bad", name).read_bytes()).pixels == garden).all(), name


def test_a_picture_just_under_the_cap_comes_out() -> None:
    data = require_data("bad", *LARGE).read_bytes()
    product = process(data, parse("resize width=100 interpolation=nearest"), Output())
    assert (product.width, product.height) == (100, 100)
