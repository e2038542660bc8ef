"""Geometry by hand: where each pixel goes."""

import numpy as np
import pytest

from pixmesh.ops import geometry, watermark
from pixmesh.ops.errors import RecipeError
from pixmesh.ops.paint import NAMES, bgr, named, value_of
from pixmesh.ops.recipe import parse
from pixmesh.tests.support.photos import Pixels, drawn


def numbered(height: int, width: int) -> Pixels:
    return np.arange(height * width, dtype=np.uint16).reshape(height, width)


@pytest.mark.parametrize(
    ("size", "expected"), [(100, (100, 67)), (10, (10, 7)), (1000, (300, 200)), (1, (1, 1))]
)
def test_a_thumbnail_fits_and_is_never_larger(size: int, expected: tuple[int, int]) -> None:
    found = geometry.thumbnail(drawn(31, 300, 200), size=size)
    assert (found.shape[1], found.shape[0]) == expected


@pytest.mark.parametrize(
    ("gravity", "x", "y", "corner"),
    [
        ("centre", 0, 0, (3, 4)),
        ("top-left", 0, 0, (0, 0)),
        ("top-left", 2, 1, (1, 2)),
        ("bottom-right", 0, 0, (6, 8)),
        ("bottom-right", 2, 1, (5, 6)),
        ("right", 0, 0, (3, 8)),
    ],
)
def test_a_crop_is_where_it_is_asked_for(
    gravity: str, x: int, y: int, corner: tuple[int, int]
) -> None:
    pixels = numbered(10, 12)
    found = geometry.crop(pixels, width=4, height=4, x=x, y=y, gravity=gravity)
    top, left = corner
    assert (found == pixels[top : top + 4, left : left + 4]).all()


def test_a_crop_that_is_too_large_is_what_there_is() -> None:
    pixels = numbered(10, 12)
    whole = geometry.crop(pixels, width=0, height=100, x=0, y=0, gravity="centre")
    assert (whole == pixels).all()
    last = geometry.crop(pixels, width=5, height=5, x=99, y=99, gravity="top-left")
    assert last.tolist() == [[119]]


def test_a_ground_is_of_its_colour_and_the_picture_as_it_was() -> None:
    pixels = drawn(32, 6, 4)
    found = geometry.pad(pixels, width=10, height=8, colour="orange", gravity="bottom-right")
    assert found.shape == (8, 10, 3)
    assert (found[4:, 4:] == pixels).all()
    assert found[0, 0].tolist() == [0, 165, 255]
    smaller = geometry.pad(pixels, width=2, height=2, colour="red", gravity="centre")
    assert (smaller == pixels).all()


@pytest.mark.parametrize(
    ("angle", "turns"), [(0, 0), (90, 1), (180, 2), (270, 3), (-90, 3), (360, 0)]
)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_quarter_turns_are_numpys(angle: float, turns: int, channels: int) -> None:
    pixels = drawn(33, 31, 20, channels=channels)
    found = geometry.rotate(pixels, angle=float(angle), expand=True, colour="white")
    assert (found == np.rot90(pixels, turns)).all()


def test_turned_there_and_back_the_middle_is_as_it_was() -> None:
    pixels = np.zeros((60, 80), np.uint8)
    pixels[20:40, 30:50] = 200
    there = geometry.rotate(pixels, angle=30.0, expand=True, colour="black")
    back = geometry.rotate(there, angle=-30.0, expand=True, colour="black")
    top, left = (back.shape[0] - 60) // 2, (back.shape[1] - 80) // 2
    middle = back[top : top + 60, left : left + 80]
    assert np.abs(middle.astype(int) - pixels).mean() < 4


def test_a_turn_has_room_for_all_or_keeps_its_size() -> None:
    pixels = drawn(34, 100, 50)
    found = geometry.rotate(pixels, angle=45.0, expand=True, colour="white")
    assert found.shape[:2] == (107, 107)
    assert found[0, 0].tolist() == [255, 255, 255]
    kept = geometry.rotate(pixels, angle=45.0, expand=False, colour="white")
    assert kept.shape == pixels.shape


@pytest.mark.parametrize(("axis", "axes"), [("horizontal", 1), ("vertical", 0), ("both", (0, 1))])
def test_a_mirror_is_numpys(axis: str, axes: int | tuple[int, int]) -> None:
    pixels = drawn(35, 31, 20)
    assert (geometry.flip(pixels, axis=axis) == np.flip(pixels, axes)).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_even_border_goes_and_what_is_inside_stays(channels: int) -> None:
    inside = drawn(36, 20, 10, channels=channels)
    inside[0, 0] = inside[-1, -1] = 0
    around = geometry.pad(inside, width=40, height=30, colour="ffffff", gravity="centre")
    assert (geometry.autocrop(around, tolerance=8.0) == inside).all()
    even = np.full((5, 5, 3), 9, np.uint8)
    assert (geometry.autocrop(even, tolerance=0.0) == even).all()


def marked(pixels: Pixels, **more: object) -> Pixels:
    arguments = {one.name: one.default for one in watermark.WATERMARK.parameters}
    return watermark.watermark(pixels, **arguments | {"text": "Ada", "picture": None} | more)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_a_watermark_is_where_it_is_asked_for_and_nowhere_else(channels: int, depth: int) -> None:
    pixels = drawn(37, 120, 80, depth=depth, channels=channels)
    pixels //= 2 if depth < 32 else 1
    corner = marked(pixels, gravity="top-left", size=20.0, opacity=1.0)
    changed = (corner != pixels).reshape(80, 120, -1).any(axis=2)
    assert changed[:30, :60].any()
    assert not changed[40:].any()
    assert not changed[:, 70:].any()
    if channels == 4:
        assert (corner[..., 3] == pixels[..., 3]).all()


def test_a_watermark_hides_as_much_as_its_opacity_says() -> None:
    black = np.zeros((200, 200), np.uint8)
    full, half = (marked(black, opacity=one, size=30.0, gravity="centre") for one in (1.0, 0.5))
    assert full.max() == 255
    assert half.max() == 128
    assert (marked(black, opacity=0.0) == 0).all()
    assert marked(black, colour="ff0000", opacity=1.0, size=30.0).max() == 76  # red's luma


def test_a_watermark_that_is_larger_than_the_picture_is_cut() -> None:
    tiny = np.zeros((5, 7, 3), np.uint8)
    found = marked(tiny, text="a very long text", size=100.0)
    assert found.shape == tiny.shape


def test_a_text_is_as_wide_as_the_picture_at_most() -> None:
    black = np.zeros((300, 400), np.uint8)
    found = marked(black, text="a very long text", size=100.0, margin=0.0, opacity=1.0)
    columns = np.flatnonzero(found.any(axis=0))
    assert 380 < columns[-1] - columns[0] <= 400
    large = np.zeros((4000, 6000), np.uint8)
    assert marked(large, text="w" * 60, size=100.0).any()


def test_a_watermark_of_no_text_is_a_mistake() -> None:
    with pytest.raises(RecipeError, match="needs a text"):
        parse("watermark text=' '")


def logo(depth: int = 8) -> Pixels:
    """Draw a red square on green that is not seen, twice as wide as high."""
    peak = {8: 255, 16: 65535, 32: 1}[depth]
    pixels = np.zeros((40, 80, 4), {8: np.uint8, 16: np.uint16, 32: np.float32}[depth])
    pixels[..., 1] = peak
    pixels[10:30, 20:60] = (0, 0, peak, peak)
    return pixels


@pytest.mark.parametrize("depth", [8, 16, 32])
@pytest.mark.parametrize("logo_depth", [8, 16, 32])
def test_a_logo_is_as_large_as_is_asked_and_its_ground_is_not_seen(
    depth: int, logo_depth: int
) -> None:
    pixels = drawn(38, 300, 200, depth=depth)
    found = marked(
        pixels,
        text="",
        picture=logo(logo_depth),
        size=10.0,
        margin=0.0,
        gravity="top-left",
        opacity=1.0,
    )
    changed = (found != pixels).any(axis=2)
    assert changed[5:15, 10:30].all()
    changed[5:15, 10:30] = False
    assert not changed.any()
    peak = {8: 255, 16: 65535, 32: 1}[depth]
    assert np.allclose(found[5:15, 10:30], (0, 0, peak), atol=0.01 * peak)


def test_a_logo_hides_as_much_as_its_alpha_and_its_opacity_say() -> None:
    half = np.full((30, 30, 2), (200, 128), np.uint8)
    pixels = np.full((100, 100, 3), 50, np.uint8)
    found = marked(pixels, text="", picture=half, size=30.0, opacity=0.5, gravity="centre")
    expected = 50 + (200 - 50) * 0.5 * 128 / 255
    assert (np.abs(found[35:65, 35:65].astype(float) - expected) <= 1).all()
    assert (found[:34] == 50).all()
    assert (marked(pixels, text="", picture=half, opacity=0.0) == pixels).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_logo_takes_the_pictures_colours_and_leaves_its_alpha(channels: int) -> None:
    pixels = np.full((100, 100, channels) if channels > 1 else (100, 100), 10, np.uint8)
    red = np.full((20, 40, 3), (0, 0, 255), np.uint8)
    found = marked(pixels, text="", picture=red, size=20.0, opacity=1.0, gravity="centre")
    seen = np.atleast_1d(found[50, 50]).tolist()
    assert seen == {1: [76], 2: [76, 10], 3: [0, 0, 255], 4: [0, 0, 255, 10]}[channels]


def test_a_logo_that_is_larger_than_the_picture_is_cut() -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    wide = np.full((10, 100, 3), 255, np.uint8)
    for gravity in geometry.GRAVITY:
        found = marked(pixels, text="", picture=wide, size=100.0, opacity=1.0, gravity=gravity)
        assert found.shape == pixels.shape
        assert found.any()


def test_colours_are_read_by_name_and_number() -> None:
    assert named("RED") == "red"
    assert named("#0A1B2c") == "0a1b2c"
    assert named("reddish") is None
    assert named("12345") is None
    assert bgr("0a1b2c") == (0x2C, 0x1B, 0x0A)
    assert all(len(bgr(name)) == 3 for name in NAMES)
    assert value_of("red", np.zeros((1, 1, 4), np.uint16)) == (0, 0, 65535, 65535)
    assert value_of("white", np.zeros((1, 1), np.float32)) == (1.0,)
