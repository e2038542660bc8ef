"""Operations that look at one pixel at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .operation import Cut, Layout, Operation, Value

if TYPE_CHECKING:
    from .picture import Pixels


def identity(pixels: Pixels) -> Pixels:
    """Return the pixels as they are: any shape, any depth."""
    return pixels


def grayscale(pixels: Pixels) -> Pixels:
    """Return luma 0.299 R + 0.587 G + 0.114 B.

    HxWx3 BGR gives HxW; HxWx4 BGRA gives HxWx2 (luma, alpha unchanged); gray comes back as
    it is. The depth stays: uint8, uint16, or float32 in [0, 1].
    Source: ITU-R BT.601, as `cv2.cvtColor(..., COLOR_BGR2GRAY)`.
    """
    import cv2

    if pixels.ndim == 2 or pixels.shape[2] == 2:
        return pixels
    if pixels.shape[2] == 3:
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return cv2.merge([cv2.cvtColor(pixels, cv2.COLOR_BGRA2GRAY), cv2.extractChannel(pixels, 3)])


def _gray_layout(layout: Layout, _arguments: Mapping[str, Value]) -> Layout:
    return replace(layout, channels=1 if layout.channels in {1, 3} else 2)


IDENTITY = Operation(
    name="identity",
    help="leave the pixels as they are (to convert, turn upright or strip)",
    run=identity,
    cut=Cut("pointwise"),
    cost=0.0,
    memory=0,
    source="",
    example="identity",
)

GRAYSCALE = Operation(
    name="grayscale",
    help="keep brightness, drop colour",
    run=grayscale,
    cut=Cut("pointwise"),
    cost=0.0006,
    memory=0,
    source="ITU-R BT.601 luma; cv2.cvtColor",
    example="grayscale",
    layout=_gray_layout,
)
