"""What is found in pictures is there: lines, outlines, things; and a sketch is one."""

import math

import cv2
import numpy as np
import pytest

from pixmesh.ops import contours, lines, segment, sketch
from pixmesh.tests.support.photos import Pixels, skimage_photos

GREEN = [0, 255, 0]


def chart() -> tuple[Pixels, list[tuple[float, float]]]:
    """Draw three edges at known distances and angles; return them as (degrees, distance)."""
    pixels = np.zeros((400, 400), np.uint8)
    known = []
    for degrees, distance in ((0, 120), (90, 300), (30, 200)):
        across, down = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        x, y = np.meshgrid(np.arange(400), np.arange(400))
        pixels[np.abs(x * across + y * down - distance) < 1.5] = 255
        known.append((float(degrees), float(distance)))
    return pixels, known


def polar(line: lines.Line) -> tuple[float, float]:
    """Return a line's normal in degrees, 0 to 180, and its distance from the origin."""
    degrees = math.degrees(math.atan2(line.x1 - line.x2, line.y2 - line.y1)) % 180
    angle = math.radians(degrees)
    return degrees, line.x1 * math.cos(angle) + line.y1 * math.sin(angle)


@pytest.mark.parametrize("method", lines.METHODS)
def test_the_lines_of_a_chart_are_found_within_a_pixel_and_a_degree(method: str) -> None:
    pixels, known = chart()
    found = lines.found(
        pixels,
        method=method,
        low=50.0,
        high=150.0,
        rho=1.0,
        theta=1.0,
        threshold=150,
        length=150.0,
        gap=10.0,
    )
    seen = [polar(one) for one in found]
    half = 1.5  # a line of 3 px has an edge on each side
    for degrees, distance in known:
        assert any(
            min(abs(angle - degrees), 180 - abs(angle - degrees)) <= 1
            and abs(abs(reached) - distance) <= 1 + half
            for angle, reached in seen
        ), (degrees, distance, seen)


def test_lines_are_drawn_on_the_picture() -> None:
    pixels, _ = chart()
    defaults = {one.name: one.default for one in lines.LINES.parameters}
    shown = lines.lines(pixels, **defaults | {"threshold": 150})  # type: ignore[arg-type]
    assert (shown == GREEN).all(axis=2).sum() > 400
    nothing = lines.lines(np.zeros_like(pixels), **defaults)  # type: ignore[arg-type]
    assert (nothing == 0).all()


def discs() -> Pixels:
    pixels = np.full((120, 200, 3), 20, np.uint8)
    for x in (40, 100, 160):
        cv2.circle(pixels, (x, 60), 20, (230, 230, 230), -1)
    cv2.circle(pixels, (100, 60), 8, (20, 20, 20), -1)
    return pixels


def outlined(**more: object) -> Pixels:
    arguments = {one.name: one.default for one in contours.CONTOURS.parameters} | more
    return contours.contours(discs(), **arguments)  # type: ignore[arg-type]


def test_outlines_are_around_bright_parts_and_their_holes() -> None:
    tree, outer = outlined(thickness=1), outlined(thickness=1, mode="external")
    assert (tree[60, 108] == GREEN).all() or (tree[60, 109] == GREEN).all()
    assert not (outer[60, 105:112] == GREEN).all(axis=1).any()
    assert (outer[60, 20] == GREEN).all()
    assert not (outlined(smallest=5000.0) == GREEN).all(axis=2).any()


def test_watershed_tells_the_coins_apart() -> None:
    coins = skimage_photos()["coins"]
    markers = segment.things(coins, 0.7)
    assert 22 <= markers.max() - 1 <= 26
    shown = segment.watershed(coins, foreground=0.7, draw="lines", give="picture")
    assert (shown == [0, 0, 255]).all(axis=2).any()
    labels = segment.watershed(coins, foreground=0.7, draw="labels", give="picture")
    assert len(np.unique(labels)) - 1 == markers.max() - 1


def test_watershed_parts_discs_that_touch() -> None:
    pixels = np.full((100, 160), 230, np.uint8)
    cv2.circle(pixels, (55, 50), 28, 30, -1)
    cv2.circle(pixels, (103, 50), 28, 30, -1)
    markers = segment.things(pixels, 0.7)
    assert markers.max() - 1 == 2
    assert markers[50, 55] != markers[50, 103]
    assert (markers[35:65, 75:83] == -1).any()


def test_a_sketch_is_white_where_it_is_even_and_dark_at_edges() -> None:
    photo = skimage_photos()["astronaut"]
    drawn = sketch.sketch(photo, ksize=21, denoise=0.0)
    assert drawn.shape == photo.shape[:2]
    assert drawn.dtype == np.uint8
    assert np.median(drawn) > 220
    edges = cv2.Canny(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), 200, 400) > 0
    assert drawn[edges].mean() < drawn[~edges].mean() - 25
    night = np.zeros((40, 40), np.uint8)
    assert (sketch.sketch(night, ksize=21, denoise=0.0) >= 254).all()
    even = np.full((40, 40, 3), 120, np.uint8)
    assert (sketch.sketch(even, ksize=21, denoise=0.0) >= 254).all()


def test_a_sketch_that_is_denoised_has_fewer_tones_next_to_each_other() -> None:
    photo = skimage_photos()["astronaut"][100:160, 100:160]
    rough, smooth = (sketch.sketch(photo, ksize=21, denoise=one) for one in (0.0, 75.0))
    assert np.abs(np.diff(smooth.astype(int))).mean() < np.abs(np.diff(rough.astype(int))).mean()
