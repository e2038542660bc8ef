"""Operations that take a picture apart into the things in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from .layouts import drawn_on, one_channel
from .operation import Cut, Layout, Operation, Seen, Value
from .parameters import choice, give, number, wants_data

if TYPE_CHECKING:
    from .picture import Pixels

LINE: Final = (0, 0, 255)
LIGHT_SIDE: Final = 256
"""Pixels of the shorter side at which the light is looked at."""


def watershed(
    pixels: Pixels,
    *,
    foreground: float,
    draw: str,
    give: str,  # noqa: ARG001  # data is `measured`
) -> Pixels:
    """Return the picture with lines between the things in it, or each in a shade of its own.

    Any channels and depth, alpha left out, brought to 8 bits. Things are darker than what is around
    them, or brighter, whichever is less of the picture by Otsu's threshold, its light evened.
    `foreground` is the share of the largest distance to the ground in its part of the picture from
    which a pixel surely is of a thing. `draw`: `lines` gives HxWx3 BGR with red lines, `labels` HxW
    uint8 (0 the ground).
    Source: F. Meyer, "Color Image Segmentation", 1992; `cv2.watershed`, `cv2.distanceTransform`.
    """
    import numpy as np

    markers = things(pixels, foreground)
    if draw == "labels":
        found = np.where(markers > 1, markers - 1, 0)
        most = max(1, int(found.max()))
        return (found * (255 / most)).astype(np.uint8)
    shown = eight_bit_bgr(pixels).copy()
    shown[markers == -1] = LINE
    return shown


def measured(seen: Seen, *, foreground: float, **_drawing: object) -> dict[str, object]:
    """Return of every thing its area in pixels, its box (x, y, width, height) and its middle."""
    import cv2
    import numpy as np

    inside = np.maximum(things(seen.pixels, foreground) - 1, 0).astype(np.int32)
    found = []
    for thing in range(1, int(inside.max()) + 1):
        mask = (inside == thing).astype(np.uint8)
        moments = cv2.moments(mask, binaryImage=True)
        middle = [moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]]
        box = list(cv2.boundingRect(mask))
        found.append({"area": int(moments["m00"]), "box": box, "middle": middle})
    return {"things": found}


def things(pixels: Pixels, foreground: float) -> Pixels:
    """Return HxW int32: -1 on a line between, 1 on the ground, 2 and on in each thing."""
    import cv2
    import numpy as np

    mask = _apart_from_ground(pixels)
    square = np.ones((3, 3), np.uint8)
    ground = cv2.dilate(mask, square, iterations=3)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    parts, part = cv2.connectedComponents(mask)
    largest = np.zeros(parts, np.float32)
    np.maximum.at(largest, part.ravel().astype(np.intp), distance.ravel())
    sure = ((distance > foreground * largest[part]) & (mask > 0)).astype(np.uint8)
    _, markers = cv2.connectedComponents(sure)
    markers += 1
    markers[(ground > 0) & (sure == 0)] = 0
    return cv2.watershed(eight_bit_bgr(pixels), markers)


def _apart_from_ground(pixels: Pixels) -> Pixels:
    """Return HxW uint8, 255 where there are things: specks out, light evened, holes filled."""
    import cv2
    import numpy as np

    from .tone import eight_bit_gray

    gray = cv2.medianBlur(eight_bit_gray(pixels), 5)
    even = cv2.addWeighted(gray, 1, _light(gray), -1, 128)
    mask = cv2.threshold(even, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1]
    if 2 * cv2.countNonZero(mask) > mask.size:
        mask = cv2.bitwise_not(mask)
    clean = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8), iterations=2)
    outlines, _ = cv2.findContours(clean, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(clean, outlines, -1, 255, cv2.FILLED)


def _light(gray: Pixels) -> Pixels:
    """Return how bright it is around each pixel; looked at small, since it has no details."""
    import cv2

    height, width = gray.shape
    scale = min(1.0, LIGHT_SIDE / min(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), max(1.0, min(size) / 8))
    return cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)


def eight_bit_bgr(pixels: Pixels) -> Pixels:
    """Return HxWx3 uint8 BGR, alpha left out; it may be the input itself."""
    import cv2

    from .picture import eight_bit_colour

    colour = eight_bit_colour(pixels)
    return cv2.cvtColor(colour, cv2.COLOR_GRAY2BGR) if colour.ndim == 2 else colour


def _segmented(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    return (one_channel if arguments["draw"] == "labels" else drawn_on)(layout, arguments)


WATERSHED = Operation(
    name="watershed",
    help="draw lines between the things in a picture",
    run=watershed,
    parameters=(
        number("foreground", 0.7, 0.01, 0.99, "share of the largest distance that is inside"),
        choice("draw", "lines", ("lines", "labels"), "red lines, or a shade for each thing"),
        give(),
    ),
    measure=measured,
    gives_data=wants_data,
    cut=Cut("whole"),
    cost=0.1,
    memory=24,
    source="F. Meyer 1992; cv2.watershed",
    example="watershed",
    layout=_segmented,
)
