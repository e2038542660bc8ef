"""Operations that change where pixels are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .operation import Cut, Layout, Operation, Parameter, Value
from .paint import colour
from .parameters import choice, count, number

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


def thumbnail(pixels: Pixels, *, size: int) -> Pixels:
    """Return the picture shrunk to fit `size` x `size` pixels, its aspect kept; never enlarged.

    Any channels and depth, kept. Source: `cv2.resize`, INTER_AREA.
    """
    import cv2

    width, height = fitting_size(pixels.shape[1], pixels.shape[0], size)
    if (width, height) == (pixels.shape[1], pixels.shape[0]):
        return pixels
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def fitting_size(width: int, height: int, size: int) -> tuple[int, int]:
    """Return the largest size of this aspect that fits a square, and is no larger than it was."""
    largest = max(width, height)
    if largest <= size:
        return width, height
    return max(1, round(width * size / largest)), max(1, round(height * size / largest))


def crop(pixels: Pixels, *, width: int, height: int, x: int, y: int, gravity: str) -> Pixels:
    """Return a part of the picture: `width` x `height` pixels, less where there are less.

    0 for one of them is all there is. `gravity` says where the part is; `x` and `y` move it from
    there, towards the middle. Any channels and depth, kept.
    """
    left, top, wide, high = cropped(
        (pixels.shape[1], pixels.shape[0]), (width, height), (x, y), gravity
    )
    return pixels[top : top + high, left : left + wide].copy()


def cropped(
    size: tuple[int, int], wanted: tuple[int, int], offset: tuple[int, int], gravity: str
) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the part that is meant: at least one pixel of it."""
    across, down = GRAVITY[gravity]
    left, wide = _span(size[0], wanted[0], offset[0], across)
    top, high = _span(size[1], wanted[1], offset[1], down)
    return left, top, wide, high


def _span(whole: int, wanted: int, offset: int, where: float) -> tuple[int, int]:
    length = min(wanted or whole, whole)
    start = round((whole - length) * where) + (-offset if where == 1 else offset)
    start = min(max(0, start), whole - 1)
    return start, max(1, min(length, whole - start))


def pad(pixels: Pixels, *, width: int, height: int, colour: str, gravity: str) -> Pixels:
    """Return the picture on a ground of at least `width` x `height` pixels; it is never cropped.

    Any channels and depth, kept; gray takes the colour's luma, alpha is opaque around.
    """
    import cv2

    from .paint import value_of

    left, top, wide, high = padded((pixels.shape[1], pixels.shape[0]), (width, height), gravity)
    right, bottom = wide - left - pixels.shape[1], high - top - pixels.shape[0]
    return cv2.copyMakeBorder(
        pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value_of(colour, pixels)
    )


def padded(
    size: tuple[int, int], wanted: tuple[int, int], gravity: str
) -> tuple[int, int, int, int]:
    """Return where the picture is on its ground, and the ground's size."""
    across, down = GRAVITY[gravity]
    wide, high = max(size[0], wanted[0]), max(size[1], wanted[1])
    return round((wide - size[0]) * across), round((high - size[1]) * down), wide, high


def rotate(pixels: Pixels, *, angle: float, expand: bool, colour: str) -> Pixels:
    """Return the picture turned counter-clockwise by `angle` degrees about its middle.

    Any channels and depth, kept; by quarter turns no pixel changes its value. Else values are
    interpolated linearly, and what comes into view has the `colour`. `expand` makes room for all of
    the picture. Source: `cv2.rotate`, `cv2.warpAffine`.
    """
    import cv2

    from .paint import value_of

    quarters = _quarters(angle)
    if quarters is not None and (expand or quarters % 2 == 0):
        codes = (cv2.ROTATE_90_COUNTERCLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)
        return cv2.rotate(pixels, codes[quarters - 1]) if quarters else pixels
    height, width = pixels.shape[:2]
    wide, high = rotated_size(width, height, angle) if expand else (width, height)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    turn[0, 2] += (wide - width) / 2
    turn[1, 2] += (high - height) / 2
    return cv2.warpAffine(
        pixels, turn, (wide, high), flags=cv2.INTER_LINEAR, borderValue=value_of(colour, pixels)
    )


def _quarters(angle: float) -> int | None:
    return int(angle // 90) % 4 if angle % 90 == 0 else None


def rotated_size(width: int, height: int, angle: float) -> tuple[int, int]:
    """Return the size of what holds a turned picture; quarter turns are exact."""
    quarters = _quarters(angle)
    if quarters is not None:
        return (height, width) if quarters % 2 else (width, height)
    across, along = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    wide, high = width * across + height * along, width * along + height * across
    return math.ceil(wide - 1e-6), math.ceil(high - 1e-6)


def flip(pixels: Pixels, *, axis: str) -> Pixels:
    """Return the picture mirrored: left to right, top to bottom, or both. Any pixels."""
    import cv2

    codes = {"horizontal": 1, "vertical": 0, "both": -1}
    return cv2.flip(pixels, codes[axis])


def autocrop(pixels: Pixels, *, tolerance: float) -> Pixels:
    """Return the picture without an even border of its upper left pixel's colour.

    Any channels and depth, kept; values that differ by `tolerance` of 255 at most are the same. A
    picture that is all border stays as it is.
    """
    import cv2

    left, top, width, height = cv2.boundingRect(_inside(pixels, tolerance))
    return pixels[top : top + height, left : left + width].copy() if width else pixels


def _inside(pixels: Pixels, tolerance: float) -> Pixels:
    """Return HxW uint8: not 0 where a pixel differs from the upper left one."""
    import cv2
    import numpy as np

    from .bands import in_bands
    from .colour import of_eight_bits

    first, most = pixels[0, 0].astype(np.float64), of_eight_bits(tolerance, pixels)

    def inside(rows: Pixels) -> Pixels:
        differs: Pixels = np.abs(rows.astype(np.float64) - first) > most
        anywhere: Pixels = np.any(differs.reshape(*rows.shape[:2], -1), axis=2)
        return anywhere.astype(np.uint8)

    if pixels.dtype != np.uint8:
        return in_bands(pixels, inside)
    bounds = (np.ceil(first - most), np.floor(first + most))
    low, high = (np.atleast_1d(bound.clip(0, 255)) for bound in bounds)
    return cv2.bitwise_not(cv2.inRange(pixels, low, high))


def _thumbnail_layout(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    width, height = fitting_size(layout.width, layout.height, int(arguments["size"]))
    return replace(layout, width=width, height=height)


def _pair(arguments: Mapping[str, Value], one: str, other: str) -> tuple[int, int]:
    return int(arguments[one]), int(arguments[other])


def _cropped_layout(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    wanted, offset = _pair(arguments, "width", "height"), _pair(arguments, "x", "y")
    gravity = str(arguments["gravity"])
    _, _, width, height = cropped((layout.width, layout.height), wanted, offset, gravity)
    return replace(layout, width=width, height=height)


def _padded_layout(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    wanted = _pair(arguments, "width", "height")
    _, _, width, height = padded((layout.width, layout.height), wanted, str(arguments["gravity"]))
    return replace(layout, width=width, height=height)


def _rotated_layout(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    if not arguments["expand"]:
        return layout
    width, height = rotated_size(layout.width, layout.height, float(arguments["angle"]))
    return replace(layout, width=width, height=height)


GRAVITY: Final = {
    "centre": (0.5, 0.5),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "top-left": (0.0, 0.0),
    "top-right": (1.0, 0.0),
    "bottom-left": (0.0, 1.0),
    "bottom-right": (1.0, 1.0),
}


def _side(name: str, what: str = "keeps the aspect") -> Parameter:
    return count(name, 0, 0, LARGEST_SIDE, f"{name} in pixels; 0 {what}")


def _gravity(default: str) -> Parameter:
    return choice("gravity", default, tuple(GRAVITY), "where it is")


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

THUMBNAIL = Operation(
    name="thumbnail",
    help="shrink to fit a square",
    run=thumbnail,
    parameters=(count("size", 256, 1, LARGEST_SIDE, "the longer side, in pixels"),),
    cut=Cut("geometry"),
    cost=0.003,
    memory=4,
    source="cv2.resize, INTER_AREA",
    example="thumbnail size=320",
    layout=_thumbnail_layout,
)

CROP = Operation(
    name="crop",
    help="keep a part",
    run=crop,
    parameters=(
        _side("width", "is all there is"),
        _side("height", "is all there is"),
        count("x", 0, 0, LARGEST_SIDE, "pixels from there, across"),
        count("y", 0, 0, LARGEST_SIDE, "pixels from there, down"),
        _gravity("centre"),
    ),
    cut=Cut("geometry"),
    cost=0.001,
    memory=0,
    source="",
    example="crop width=800 height=600",
    layout=_cropped_layout,
)

PAD = Operation(
    name="pad",
    help="put it on a larger ground",
    run=pad,
    parameters=(
        _side("width", "is its own"),
        _side("height", "is its own"),
        colour("white"),
        _gravity("centre"),
    ),
    cut=Cut("geometry"),
    cost=0.001,
    memory=0,
    source="cv2.copyMakeBorder",
    example="pad width=1024 height=1024 colour=black",
    layout=_padded_layout,
)

ROTATE = Operation(
    name="rotate",
    help="turn counter-clockwise",
    run=rotate,
    parameters=(
        number("angle", 90, -360, 360, "degrees, counter-clockwise"),
        Parameter(name="expand", kind="bool", default=True, help="make room for all of it"),
        colour("white"),
    ),
    cut=Cut("whole"),
    cost=0.004,
    memory=0,
    source="cv2.rotate, cv2.warpAffine",
    example="rotate angle=15",
    layout=_rotated_layout,
)

FLIP = Operation(
    name="flip",
    help="mirror",
    run=flip,
    parameters=(choice("axis", "horizontal", ("horizontal", "vertical", "both"), "which way"),),
    cut=Cut("geometry"),
    cost=0.001,
    memory=0,
    source="cv2.flip",
    example="flip axis=vertical",
)

AUTOCROP = Operation(
    name="autocrop",
    help="cut off an even border",
    run=autocrop,
    parameters=(number("tolerance", 8, 0, 255, "how different the same may be, of 255"),),
    cut=Cut("whole"),
    cost=0.001,
    memory=34,
    source="",
    example="autocrop",
)
