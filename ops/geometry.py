"""Operations that change where pixels are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .operation import Cut, Layout, Operation, Parameter, Value

if TYPE_CHECKING:
    from .picture import Pixels

LARGEST_SIDE = 65535


def resize(pixels: Pixels, *, width: int, height: int, interpolation: str) -> Pixels:
    """Return the picture at `width` x `height` pixels; 0 for one of them keeps the aspect.

    Any channels; uint8, uint16 or float32, kept. `auto` averages areas when the picture gets
    no larger in either direction, and interpolates cubically otherwise.
    Source: `cv2.resize` (INTER_AREA, INTER_CUBIC, ...).
    """
    import cv2

    codes = {
        "nearest": cv2.INTER_NEAREST,
        "linear": cv2.INTER_LINEAR,
        "cubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
        "lanczos": cv2.INTER_LANCZOS4,
    }
    before = pixels.shape[1], pixels.shape[0]
    size = target_size(*before, width=width, height=height)
    if interpolation == "auto":
        shrinks = size[0] <= before[0] and size[1] <= before[1]
        interpolation = "area" if shrinks else "cubic"
    return cv2.resize(pixels, size, interpolation=codes[interpolation])


def target_size(old_width: int, old_height: int, *, width: int, height: int) -> tuple[int, int]:
    """Return (width, height) with a 0 replaced by what keeps the aspect, at least 1."""
    if not height:
        return width, max(1, round(old_height * width / old_width))
    if not width:
        return max(1, round(old_width * height / old_height)), height
    return width, height


def _resized_layout(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    width, height = target_size(
        layout.width,
        layout.height,
        width=int(arguments["width"]),
        height=int(arguments["height"]),
    )
    return replace(layout, width=width, height=height)


def _complaint(arguments: Mapping[str, Value]) -> str:
    if arguments["width"] or arguments["height"]:
        return ""
    return "resize needs width, height or both"


def _side(name: str) -> Parameter:
    return Parameter(
        name=name,
        kind="int",
        default=0,
        minimum=0,
        maximum=LARGEST_SIDE,
        help=f"{name} in pixels; 0 keeps the aspect",
    )


RESIZE = Operation(
    name="resize",
    help="make larger or smaller",
    run=resize,
    parameters=(
        _side("width"),
        _side("height"),
        Parameter(
            name="interpolation",
            kind="choice",
            default="auto",
            choices=("auto", "nearest", "linear", "cubic", "area", "lanczos"),
            help="auto: area when shrinking, cubic when growing",
        ),
    ),
    cut=Cut("geometry"),
    cost=0.003,
    memory=4,
    source="cv2.resize",
    example="resize width=1024",
    layout=_resized_layout,
    complaint=_complaint,
)
