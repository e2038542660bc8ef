"""What two pictures have in common is found: by shifts, plain NumPy, and a stereo pair."""

import json

import cv2
import numpy as np
import pytest

from pixmesh.ops.decode import MAX_PIXELS
from pixmesh.ops.match import MATCH, found, match
from pixmesh.ops.process import Output, output_for, process
from pixmesh.ops.recipe import parse
from pixmesh.ops.reference import taken_from
from pixmesh.ops.supplies import Supplies
from pixmesh.tests.support.photos import Pixels, require_data, skimage_photos

from .files import by_opencv

DEFAULTS = {one.name: one.default for one in MATCH.parameters if one.name != "reference"}
SHIFT = (17, 9)


def matched(pixels: Pixels, reference: Pixels, **more: object) -> Pixels:
    return match(pixels, reference=reference, **DEFAULTS | more)  # type: ignore[arg-type]


def data_of(
    pixels: Pixels, reference: Pixels, more: str = ""
) -> dict[str, list[dict[str, object]]]:
    """Return what a slot gives of it."""
    known = taken_from(by_opencv(".png", reference), max_pixels=MAX_PIXELS)
    recipe = parse(f"match reference=it give=data {more}").with_pictures(
        lambda _: known.canonical()
    )
    supplies = Supplies(reference=lambda _: reference)
    output = output_for(recipe, Output())
    told: dict[str, list[dict[str, object]]] = json.loads(
        process(by_opencv(".png", pixels), recipe, output, supplies).data
    )
    return told


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return skimage_photos()["coffee"]


def test_the_pairs_are_each_others_nearest_as_numpy_has_them(photo: Pixels) -> None:
    other = cv2.rotate(cv2.resize(photo, None, fx=0.8, fy=0.8), cv2.ROTATE_90_CLOCKWISE)
    orb = cv2.ORB.create(nfeatures=500)
    gray = [cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in (photo, other)]
    (points, ours), (others, theirs) = (orb.detectAndCompute(one, None) for one in gray)
    bits = [np.unpackbits(one.astype(np.uint8), axis=1).astype(int) for one in (ours, theirs)]
    apart = bits[0] @ (1 - bits[1]).T + (1 - bits[0]) @ bits[1].T
    there, back = apart.argmin(axis=1), apart.argmin(axis=0)
    mutual = [i for i in range(len(points)) if back[there[i]] == i]
    assert 100 < len(mutual) < len(points)
    expected = sorted((int(apart[i, there[i]]), i, int(there[i])) for i in mutual)
    matches = found(photo, other, features=500, count=100_000)
    got = [(round(one.distance), one.queryIdx, one.trainIdx) for one in matches.best]
    assert got == expected
    assert len(matches.reference) == len(others)


def test_a_shifted_picture_is_matched_by_its_shift(photo: Pixels) -> None:
    other = np.roll(photo, SHIFT, axis=(1, 0))
    told = data_of(photo, other, "count=30")
    pairs = np.array([[one["picture"], one["reference"]] for one in told["matches"]], float)
    assert len(pairs) == 30
    assert np.abs(pairs[:, 1] - pairs[:, 0] - SHIFT).max() <= 1.5
    distances = [one["distance"] for one in told["matches"]]
    assert distances == sorted(distances)  # type: ignore[type-var]


def test_a_rectified_pair_is_matched_along_its_rows() -> None:
    """At full size a point of one is in the same row of the other, two pixels more or less."""
    sides = [
        cv2.imread(str(require_data("photos", f"motorcycle_{side}.png")))
        for side in ("left", "right")
    ]
    left, right = (side for side in sides if side is not None)
    told = data_of(left, right)
    pairs = [(one["picture"], one["reference"]) for one in told["matches"]]
    assert len(pairs) == 10
    rows = np.array(pairs, float)[..., 1]
    assert (np.abs(rows[:, 0] - rows[:, 1]) <= 2).sum() >= 8


def test_it_is_drawn_as_opencv_draws_it_the_picture_on_the_left(photo: Pixels) -> None:
    other = photo[:200, :300].copy()
    drawn = matched(photo, other, count=5, colour="red", thickness=1)
    height, width = photo.shape[:2]
    assert drawn.shape == (height, width + 300, 3)
    assert (drawn[200:, width + 10 :] == 0).all()
    changed = (drawn[:, :width] != photo).any(axis=2)
    assert 0 < changed.mean() < 0.05
    redder = drawn[:, :width][changed].astype(int) - photo[changed]
    assert (redder[:, 2] >= 0).all()
    assert (redder[:, :2] <= 0).all()
    none = matched(photo, other, count=1, colour="red", thickness=1)
    assert 0 < (none[:, :width] != photo).any(axis=2).sum() < changed.sum()


def test_it_gives_the_same_each_time(photo: Pixels) -> None:
    other = cv2.flip(photo, -1)
    first = matched(photo, other)
    before = cv2.getNumThreads()
    try:
        for threads in (1, 4):
            cv2.setNumThreads(threads)
            assert (matched(photo, other) == first).all()
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize("size", [(1, 1), (900, 3), (62, 90), (63, 90), (400, 300)])
def test_where_nothing_is_found_the_two_are_side_by_side(size: tuple[int, int]) -> None:
    plain = np.full((size[1], size[0], 3), 90, np.uint8)
    photo = skimage_photos()["coffee"]
    assert (matched(plain, plain) == np.hstack([plain, plain])).all()
    told = data_of(plain, photo)
    assert told["keypoints"]["picture"] == 0  # type: ignore[call-overload]
    assert told["matches"] == []


def test_depth_alpha_and_gray_find_the_same(photo: Pixels) -> None:
    gray = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
    expected = data_of(gray, photo)
    alpha = np.full_like(gray, 40)
    for one in (gray.astype(np.uint16) * 257, np.dstack([photo, alpha]), photo):
        assert data_of(one, photo)["matches"] == expected["matches"]
