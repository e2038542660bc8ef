"""Straight lines in a picture: found, and drawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from .layouts import drawn_on
from .operation import Cut, Operation, Seen
from .paint import bgr
from .parameters import choice, count, drawing, number, wants_data

if TYPE_CHECKING:
    from .picture import Pixels


METHODS: Final = ("probabilistic", "standard")


@dataclass(frozen=True, slots=True)
class Line:
    """A line from one point to another, in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


def found(
    pixels: Pixels,
    *,
    method: str,
    low: float,
    high: float,
    rho: float,
    theta: float,
    threshold: int,
    length: float,
    gap: float,
) -> list[Line]:
    """Return the straight lines of a picture, the most certain first.

    Edges are Canny's between `low` and `high`; `rho` is in pixels, `theta` in degrees, `threshold`
    in votes. `probabilistic` gives segments of at least `length` pixels with gaps up to `gap`,
    `standard` lines across the whole picture.
    """
    import math

    import cv2

    from .tone import eight_bit_gray

    edges = cv2.Canny(eight_bit_gray(pixels), low, high)
    step = math.radians(theta)
    if method == "probabilistic":
        segments = cv2.HoughLinesP(
            edges, rho, step, threshold, minLineLength=length, maxLineGap=gap
        )
        return [Line(*map(float, one)) for one in _rows(segments, 4)]
    reach = math.hypot(*edges.shape)
    return [
        _across(float(distance), float(angle), reach)
        for distance, angle, *_ in _rows(cv2.HoughLines(edges, rho, step, threshold), 2)
    ]


def _rows(found: Pixels | None, width: int) -> list[list[float]]:
    return [] if found is None else found.reshape(-1, found.shape[-1])[:, :width].tolist()


def _across(distance: float, angle: float, reach: float) -> Line:
    """Return a line at a distance from the origin, its normal at an angle, as far as it shows."""
    import math

    across, down = math.cos(angle), math.sin(angle)
    x, y = across * distance, down * distance
    return Line(x - reach * down, y + reach * across, x + reach * down, y - reach * across)


def lines(
    pixels: Pixels,
    *,
    method: str,
    low: float,
    high: float,
    rho: float,
    theta: float,
    threshold: int,
    length: float,
    gap: float,
    colour: str,
    thickness: int,
    give: str,  # noqa: ARG001  # data is `measured`
) -> Pixels:
    """Return the picture in 8-bit BGR with its straight lines drawn; alpha is left out.

    Source: R. Duda, P. Hart, "Use of the Hough Transformation", 1972; J. Matas et al., 2000;
    `cv2.HoughLines`, `cv2.HoughLinesP`.
    """
    import cv2

    from .segment import eight_bit_bgr

    shown = eight_bit_bgr(pixels).copy()
    seen = found(
        pixels,
        method=method,
        low=low,
        high=high,
        rho=rho,
        theta=theta,
        threshold=threshold,
        length=length,
        gap=gap,
    )
    for one in seen:
        ends = (round(one.x1), round(one.y1)), (round(one.x2), round(one.y2))
        cv2.line(shown, *ends, bgr(colour), thickness, cv2.LINE_AA)
    return shown


def measured(seen: Seen, **arguments: Any) -> dict[str, object]:
    """Return the ends of every line, in pixels from the upper left."""
    hough = {name: value for name, value in arguments.items() if name not in _DRAWING}
    return {"lines": [asdict(line) for line in found(seen.pixels, **hough)]}


_DRAWING: Final = {"colour", "thickness", "give"}

LINES = Operation(
    name="lines",
    help="find straight lines, and draw them",
    run=lines,
    parameters=(
        choice("method", "probabilistic", METHODS, "segments, or lines across"),
        number("low", 50, 0, 10000, "of Canny: gradient below which a pixel is no edge"),
        number("high", 150, 0, 10000, "of Canny: gradient above which a pixel surely is one"),
        number("rho", 1, 0.1, 100, "step of the distance, in pixels"),
        number("theta", 1, 0.05, 90, "step of the angle, in degrees"),
        count("threshold", 200, 1, 100000, "votes that a line takes"),
        number("length", 100, 0, 65535, "probabilistic: of the shortest segment, in pixels"),
        number("gap", 10, 0, 65535, "probabilistic: the largest in a segment, in pixels"),
        *drawing(),
    ),
    measure=measured,
    gives_data=wants_data,
    cut=Cut("whole"),
    cost=0.05,
    memory=24,
    source="R. Duda, P. Hart 1972; cv2.HoughLinesP, cv2.HoughLines",
    example="lines threshold=120",
    layout=drawn_on,
)
