"""Operations that look at a pixel's neighbourhood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .operation import Cut, Operation, Parameter, Value

if TYPE_CHECKING:
    from .picture import Pixels


def blur(pixels: Pixels, *, ksize: int, sigma: float) -> Pixels:
    """Return the picture under a Gaussian of `ksize` x `ksize` pixels.

    Any channels, each filtered alone (alpha too; colours are not premultiplied); uint8,
    uint16 or float32, kept. `sigma` in pixels; 0 means 0.3 * ((ksize - 1) * 0.5 - 1) + 0.8.
    Borders are mirrored without repeating the edge. Source: `cv2.GaussianBlur`.
    """
    import cv2

    return cv2.GaussianBlur(pixels, (ksize, ksize), sigma)


def _halo(arguments: Mapping[str, Value]) -> int:
    return int(arguments["ksize"]) // 2


BLUR = Operation(
    name="blur",
    help="soften with a Gaussian",
    run=blur,
    parameters=(
        Parameter(
            name="ksize",
            kind="int",
            default=5,
            minimum=1,
            maximum=255,
            odd=True,
            help="width and height of the kernel, in pixels",
        ),
        Parameter(
            name="sigma",
            kind="float",
            default=0.0,
            minimum=0,
            maximum=100,
            help="standard deviation in pixels; 0 derives it from ksize",
        ),
    ),
    cut=Cut("neighbourhood", _halo),
    cost=0.007,
    memory=0,
    source="Gaussian filter; cv2.GaussianBlur",
    example="blur ksize=15 sigma=3",
)
