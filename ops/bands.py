"""Some rows of a picture at a time, where what is computed is wider than what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .picture import Pixels

BAND: Final = 1 << 18
"""Bytes of pixels at a time; a row at least."""


def in_bands(pixels: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """Return what becomes of the pixels, where each row depends on itself alone.

    What `change` returns for some rows has as many rows, and other shapes and types as it likes.
    """
    import numpy as np

    height = pixels.shape[0]
    rows = max(1, BAND // max(1, pixels[:1].nbytes))
    if rows >= height:
        return change(pixels)
    first = change(pixels[:rows])
    made: Pixels = np.empty((height, *first.shape[1:]), first.dtype)
    made[:rows] = first
    for top in range(rows, height, rows):
        made[top : top + rows] = change(pixels[top : top + rows])
    return made
