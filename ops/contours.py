"""Outlines of the bright parts of a picture, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layouts import drawn_on
from .operation import Cut, Operation, Seen
from .paint import bgr
from .parameters import choice, drawing, number, wants_data

if TYPE_CHECKING:
    from .picture import Pixels


def found(pixels: Pixels, *, threshold: float, mode: str, smallest: float) -> list[Pixels]:
    """Return the outlines of a picture's bright parts, each as Nx1x2 points (x, y)."""
    import cv2

    from .tone import eight_bit_gray

    modes = {"tree": cv2.RETR_TREE, "external": cv2.RETR_EXTERNAL}
    mask = cv2.threshold(eight_bit_gray(pixels), threshold, 255, cv2.THRESH_BINARY)[1]
    outlines, _ = cv2.findContours(mask, modes[mode], cv2.CHAIN_APPROX_SIMPLE)
    if not smallest:
        return list(outlines)
    return [one for one in outlines if cv2.contourArea(one) >= smallest]


def contours(
    pixels: Pixels,
    *,
    threshold: float,
    mode: str,
    smallest: float,
    colour: str,
    thickness: int,
    give: str,  # noqa: ARG001  # data is `measured`
) -> Pixels:
    """Return the picture in 8-bit BGR with the outlines of its bright parts drawn.

    Alpha is left out. Parts are brighter than `threshold` of 255; `tree` has holes and what is in
    them too, `external` the outermost outlines alone. Those around less than `smallest` pixels are
    left out. Source: S. Suzuki, K. Abe, "Topological Structural Analysis of Digitized Binary
    Images by Border Following", 1985; `cv2.findContours`.
    """
    import cv2

    from .segment import eight_bit_bgr

    outlines = found(pixels, threshold=threshold, mode=mode, smallest=smallest)
    return cv2.drawContours(eight_bit_bgr(pixels).copy(), outlines, -1, bgr(colour), thickness)


def measured(
    seen: Seen, *, threshold: float, mode: str, smallest: float, **_drawing: object
) -> dict[str, object]:
    """Return of every outline its points, its box (x, y, width, height) and what it is around."""
    import cv2

    outlines = found(seen.pixels, threshold=threshold, mode=mode, smallest=smallest)
    return {
        "contours": [
            {
                "area": cv2.contourArea(one),
                "length": cv2.arcLength(one, closed=True),
                "box": list(cv2.boundingRect(one)),
                "points": one.reshape(-1, 2).tolist(),
            }
            for one in outlines
        ]
    }


CONTOURS = Operation(
    name="contours",
    help="draw outlines of bright parts",
    run=contours,
    parameters=(
        number("threshold", 127, 0, 255, "what is brighter has an outline"),
        choice("mode", "tree", ("tree", "external"), "holes too, or the outermost alone"),
        number("smallest", 0, 0, 1e9, "pixels that an outline is around, at least"),
        *drawing(),
    ),
    measure=measured,
    gives_data=wants_data,
    cut=Cut("whole"),
    cost=0.02,
    memory=16,
    source="S. Suzuki, K. Abe 1985; cv2.findContours",
    example="contours mode=external",
    layout=drawn_on,
)
