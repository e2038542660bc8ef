"""Operations that grow, shrink and compare bright parts: mathematical morphology.

Each takes a `ksize` x `ksize` rectangle, ellipse or cross as its structuring element, any channels
(alpha as it was) and any depth, kept. Source: J. Serra, "Image Analysis and Mathematical
Morphology", 1982; `cv2.erode`, `cv2.dilate`, `cv2.morphologyEx`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from .operation import Cut, Operation, Parameter, Value
from .parameters import choice, count, kernel

if TYPE_CHECKING:
    from .picture import Pixels

SHAPES: Final = ("rectangle", "ellipse", "cross")
SOURCE: Final = "J. Serra 1982; cv2.morphologyEx"
PARAMETERS: Final[tuple[Parameter, ...]] = (
    kernel(5, largest=99),
    choice("shape", "rectangle", SHAPES, "of the structuring element"),
    count("times", 1, 1, 20, "how often"),
)


def erode(pixels: Pixels, *, ksize: int, shape: str, times: int) -> Pixels:
    """Return the darkest value around each pixel: bright parts shrink."""
    return _changed(pixels, "erode", ksize, shape, times)


def dilate(pixels: Pixels, *, ksize: int, shape: str, times: int) -> Pixels:
    """Return the brightest value around each pixel: bright parts grow."""
    return _changed(pixels, "dilate", ksize, shape, times)


def opened(pixels: Pixels, *, ksize: int, shape: str, times: int) -> Pixels:
    """Return what is left after eroding and dilating: bright specks go."""
    return _changed(pixels, "open", ksize, shape, times)


def closed(pixels: Pixels, *, ksize: int, shape: str, times: int) -> Pixels:
    """Return what is left after dilating and eroding: dark specks go."""
    return _changed(pixels, "close", ksize, shape, times)


def gradient(pixels: Pixels, *, ksize: int, shape: str, times: int) -> Pixels:
    """Return the dilated less the eroded picture: outlines."""
    return _changed(pixels, "gradient", ksize, shape, times)


def tophat(pixels: Pixels, *, ksize: int, shape: str, times: int) -> Pixels:
    """Return the picture less its opening: bright details."""
    return _changed(pixels, "tophat", ksize, shape, times)


def blackhat(pixels: Pixels, *, ksize: int, shape: str, times: int) -> Pixels:
    """Return the closing less the picture: dark details."""
    return _changed(pixels, "blackhat", ksize, shape, times)


def morphology(pixels: Pixels, *, ksize: int, shape: str, times: int) -> Pixels:
    """Return the picture dilated, then opened, then closed, each `times`."""
    grown = dilate(pixels, ksize=ksize, shape=shape, times=times)
    return closed(
        opened(grown, ksize=ksize, shape=shape, times=times), ksize=ksize, shape=shape, times=times
    )


def _changed(pixels: Pixels, how: str, ksize: int, shape: str, times: int) -> Pixels:
    import cv2

    from .colour import without_touching_alpha

    shapes = {
        "rectangle": cv2.MORPH_RECT,
        "ellipse": cv2.MORPH_ELLIPSE,
        "cross": cv2.MORPH_CROSS,
    }
    codes = {
        "erode": cv2.MORPH_ERODE,
        "dilate": cv2.MORPH_DILATE,
        "open": cv2.MORPH_OPEN,
        "close": cv2.MORPH_CLOSE,
        "gradient": cv2.MORPH_GRADIENT,
        "tophat": cv2.MORPH_TOPHAT,
        "blackhat": cv2.MORPH_BLACKHAT,
    }
    element = cv2.getStructuringElement(shapes[shape], (ksize, ksize))
    return without_touching_alpha(
        pixels, lambda colour: cv2.morphologyEx(colour, codes[how], element, iterations=times)
    )


def _halo(passes: int) -> Callable[[Mapping[str, Value]], int]:
    """Return the halo of so many erosions and dilations, one after the other."""
    return lambda arguments: passes * int(arguments["times"]) * (int(arguments["ksize"]) // 2)


def _operation(
    name: str, text: str, run: Callable[..., Pixels], *, passes: int, cost: float
) -> Operation:
    return Operation(
        name=name,
        help=text,
        run=run,
        parameters=PARAMETERS,
        cut=Cut("neighbourhood", _halo(passes)),
        cost=cost,
        memory=16,
        source=SOURCE,
        example=f"{name} ksize=3 shape=ellipse",
    )


ERODE = _operation("erode", "shrink bright parts", erode, passes=1, cost=0.002)
DILATE = _operation("dilate", "grow bright parts", dilate, passes=1, cost=0.002)
OPEN = _operation("open", "take out bright specks", opened, passes=2, cost=0.004)
CLOSE = _operation("close", "take out dark specks", closed, passes=2, cost=0.004)
GRADIENT = _operation("gradient", "keep outlines", gradient, passes=1, cost=0.005)
TOPHAT = _operation("tophat", "keep bright details", tophat, passes=2, cost=0.005)
BLACKHAT = _operation("blackhat", "keep dark details", blackhat, passes=2, cost=0.005)
MORPHOLOGY = _operation("morphology", "dilate, open, close", morphology, passes=5, cost=0.01)
