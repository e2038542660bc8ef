"""Operations that find edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .operation import Cut, Layout, Operation, Parameter, Value

if TYPE_CHECKING:
    from .picture import Pixels


def canny(pixels: Pixels, *, low: float, high: float) -> Pixels:
    """Return edges as HxW uint8: 255 on an edge, 0 elsewhere.

    Gray or BGR; of a colour picture each pixel takes the channel with the strongest gradient,
    as `cv2.Canny` does. Alpha is left out. Pixels deeper than 8 bits are brought to 8 first
    (uint16 divided by 257, float32 from [0, 1] times 255, both rounded). The thresholds are on
    the L1 gradient of a 3x3 Sobel of 8-bit values. Source: J. Canny, "A Computational Approach
    to Edge Detection", 1986; `cv2.Canny`.
    """
    import cv2

    from .picture import to_depth, without_alpha

    return cv2.Canny(to_depth(without_alpha(pixels), "uint8"), low, high)


def _edge_layout(layout: Layout, _arguments: Mapping[str, Value]) -> Layout:
    return replace(layout, channels=1, sample_bytes=1)


def _threshold(name: str, default: int, text: str) -> Parameter:
    return Parameter(
        name=name, kind="float", default=float(default), minimum=0, maximum=10000, help=text
    )


CANNY = Operation(
    name="canny",
    help="find edges: white lines on black",
    run=canny,
    parameters=(
        _threshold("low", 100, "gradient below which a pixel is no edge"),
        _threshold("high", 200, "gradient above which a pixel surely is an edge"),
    ),
    cut=Cut("whole"),
    cost=0.006,
    memory=12,
    source="J. Canny 1986; cv2.Canny",
    example="grayscale | blur ksize=5 | canny low=100 high=200",
    layout=_edge_layout,
)
