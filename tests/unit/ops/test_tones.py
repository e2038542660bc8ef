"""Tone and level operations against NumPy, scikit-image, Pillow, or what can be said by hand."""

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import exposure, filters

from pixmesh.ops import levels, tone
from pixmesh.tests.support.photos import Pixels, drawn, skimage_photos

PEAK = {8: 255, 16: 65535, 32: 1}


def shares(pixels: Pixels, depth: int) -> Pixels:
    return pixels.astype(np.float64) / PEAK[depth]


def close(found: Pixels, expected: Pixels, depth: int) -> bool:
    """Whether they differ by a rounding at most; ``expected`` is in shares of the full range."""
    step = 0.51 if depth < 32 else 1e-5
    return bool(
        np.abs(found.astype(np.float64) - np.clip(expected, 0, 1) * PEAK[depth]).max() <= step
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_curves_are_what_they_say_and_leave_alpha_as_it_was(depth: int, channels: int) -> None:
    pixels = drawn(11, 60, 40, depth=depth, channels=channels)
    colour = pixels[..., :-1] if channels in {2, 4} else pixels
    values = shares(colour, depth)
    made = {
        "invert": (tone.invert(pixels), 1 - values),
        "brightness": (tone.brightness(pixels, amount=-0.2), values - 0.2),
        "contrast": (tone.contrast(pixels, factor=1.7), (values - 0.5) * 1.7 + 0.5),
        "gamma": (tone.gamma(pixels, gamma=2.2), np.clip(values, 0, 1) ** (1 / 2.2)),
    }
    for name, (found, expected) in made.items():
        shown = found[..., :-1] if channels in {2, 4} else found
        assert close(shown.reshape(expected.shape), expected, depth), name
        if channels in {2, 4}:
            assert (found[..., -1] == pixels[..., -1]).all(), name


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("amount", [-1, -0.3, -0.1, 0, 0.1, 0.5, 1])
def test_brightness_moves_every_value_by_the_same_whole_number(amount: float, depth: int) -> None:
    pixels = drawn(11, 60, 40, depth=depth)
    most = int(PEAK[depth])
    expected = np.clip(pixels.astype(np.int64) + round(amount * most), 0, most)
    assert (tone.brightness(pixels, amount=amount) == expected).all()


@pytest.mark.parametrize("factor", [0, 0.3, 0.5, 1.2, 1.3, 1.7, 2, 3, 4.4, 10])
def test_contrast_of_every_value_is_the_exact_one_rounded_halves_up(factor: float) -> None:
    """Be it scaled or looked up; 1.2 and 4.4 have halves."""
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tenths = (2 * every.astype(int) - 255) * round(factor * 10) + 2550  # of 2 values each
    expected = np.clip((tenths + 10) // 20, 0, 255)
    assert (tone.contrast(every, factor=factor) == expected).all()


@pytest.mark.parametrize(("low", "high"), [(1, 201), (5, 255), (9, 247), (15, 247), (0, 254)])
def test_normalizing_rounds_halves_up(low: int, high: int) -> None:
    values = np.arange(low, high + 1, dtype=np.uint8).reshape(1, -1)
    wide = high - low
    expected = ((values.astype(int) - low) * 510 + wide) // (2 * wide)
    assert (levels.normalize(values, clip=0.0) == expected).all()


@pytest.mark.parametrize("factor", [0.3, 1.2, 1.3, 4.4, 5.6, 6.8, 7.2])
def test_a_value_becomes_the_same_wherever_it_stands(factor: float) -> None:
    """OpenCV takes the last pixels one by one: a strip has other last pixels than its picture."""
    every = np.arange(256, dtype=np.uint8).reshape(1, -1)
    whole = tone.contrast(every, factor=factor)
    alone = [
        int(tone.contrast(np.full((1, 1), one, np.uint8), factor=factor)[0, 0])
        for one in range(256)
    ]
    assert whole[0].tolist() == alone


def test_gamma_is_scikit_images() -> None:
    for name, photo in skimage_photos().items():
        expected = exposure.adjust_gamma(photo, 1 / 1.8)  # type: ignore[no-untyped-call]
        found = tone.gamma(photo, gamma=1.8)
        assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1, name


def test_a_negative_is_pillows() -> None:
    photo = next(iter(skimage_photos().values()))
    expected = np.asarray(Image.fromarray(photo).point(lambda value: 255 - value))
    assert (tone.invert(photo) == expected).all()


def test_in_two_tones_what_is_darker_than_the_middle_is_black() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 256)
    found = tone.posterize(ramp, levels=2)
    assert (found == np.where(ramp < 128, 0, 255)).all()
    assert len(np.unique(tone.posterize(ramp, levels=6))) == 6
    assert set(np.unique(tone.posterize(ramp, levels=3))) == {0, 128, 255}


def test_sepia_is_its_matrix_on_red_green_and_blue() -> None:
    bgr = drawn(12, 60, 40)
    rgb = bgr[..., ::-1].astype(np.float64)
    matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    expected = np.clip(rgb @ matrix.T, 0, 255)[..., ::-1]
    assert np.abs(tone.sepia(bgr).astype(np.float64) - expected).max() < 1
    white = np.full((2, 2), 200, np.uint8)
    assert tone.sepia(white)[0, 0].tolist() == [188, 240, 255]


def plain(method: str = "fixed", **more: object) -> dict[str, object]:
    return {"method": method, "value": 127.0, "ksize": 11, "offset": 2.0} | more


def test_a_fixed_threshold_is_a_comparison_at_every_depth() -> None:
    for depth in (8, 16, 32):
        gray = drawn(13, 60, 40, depth=depth, channels=1)
        found = tone.threshold(gray, **plain(value=100))  # type: ignore[arg-type]
        eight = np.rint(shares(gray, depth) * 255)
        assert (found == np.where(eight > 100, 255, 0)).all()


def test_otsus_threshold_is_scikit_images() -> None:
    for name, photo in skimage_photos().items():
        gray = photo if photo.ndim == 2 else cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
        expected = gray > filters.threshold_otsu(gray)  # type: ignore[no-untyped-call]
        found = tone.threshold(photo, **plain("otsu")) > 0  # type: ignore[arg-type]
        assert (found != expected).mean() < 0.01, name


def test_an_adaptive_threshold_finds_writing_in_a_shadow() -> None:
    page = np.tile(np.linspace(90, 250, 200), (60, 1))
    page[28:32, ::10] -= 60
    found = tone.threshold(page.astype(np.uint8), **plain("adaptive", offset=10))  # type: ignore[arg-type]
    assert (found[29:31, 10:190:10] == 0).all()
    assert (found[5:20, 10:190] == 255).all()


def test_equalizing_spreads_gray_by_its_own_sums_and_colour_keeps_its_hues() -> None:
    gray = cv2.cvtColor(skimage_photos()["astronaut"], cv2.COLOR_BGR2GRAY)
    sums = np.bincount(gray.ravel(), minlength=256).cumsum()
    least = sums[gray.min()]
    expected = (sums - least)[gray] / (gray.size - least) * 255
    assert np.abs(levels.equalize(gray) - expected).max() <= 1
    colour = skimage_photos()["coffee"]
    both = (colour, levels.equalize(colour))
    before, after = (cv2.cvtColor(one, cv2.COLOR_BGR2YCrCb) for one in both)
    assert np.abs(before[..., 1:].astype(int) - after[..., 1:].astype(int)).mean() < 3
    assert after[..., 0].std() > before[..., 0].std()


def test_clahe_is_opencvs() -> None:
    gray = drawn(14, 64, 48, channels=1)
    expected = cv2.createCLAHE(3.0, (4, 4)).apply(gray)
    assert (levels.clahe(gray, clip=3.0, tiles=4) == expected).all()


@pytest.mark.parametrize("depth", [8, 16, 32])
def test_normalizing_reaches_from_black_to_white(depth: int) -> None:
    dull = (drawn(15, 60, 40, depth=32) * 0.4 + 0.3) * PEAK[depth]
    pixels = dull.astype({8: np.uint8, 16: np.uint16, 32: np.float32}[depth])
    found = levels.normalize(pixels, clip=0.0)
    assert found.min() == 0
    assert abs(float(found.max()) - PEAK[depth]) < 1e-4 * PEAK[depth]
    even = np.full_like(pixels, pixels[0, 0, 0])
    assert (levels.normalize(even, clip=0.0) == even).all()
    clipped = levels.normalize(pixels, clip=5.0)
    assert 0.04 < (clipped == clipped.max()).mean() < 0.3
    assert 0.04 < (clipped == 0).mean() < 0.3
