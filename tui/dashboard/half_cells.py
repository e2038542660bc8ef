"""A small picture in letters: two pixels a cell, in colours or in shades."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.style import Style
from rich.text import Text

from ...ops.thumbnail import small_pixels

SHADES: Final = " .:-=+*#%@"
HALF: Final = "▀"

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Canvas:
    """How much room there is, in cells, and whether it has colours and all letters."""

    columns: int
    rows: int
    colours: bool = True


def drawn(jpeg: bytes, canvas: Canvas) -> Text:
    """Return a thumbnail as text. Raises PictureError for what is none."""
    pixels = small_pixels(jpeg)
    coloured = pixels if pixels.ndim == 3 else cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    small = _fitted(np.asarray(coloured, np.uint8), canvas)
    return _in_halves(small) if canvas.colours else _in_shades(small)


def _fitted(pixels: Pixels, canvas: Canvas) -> Pixels:
    """Return it as large as the canvas, two pixels to a cell's height, its shape kept."""
    height, width = pixels.shape[:2]
    scale = min(canvas.columns / width, canvas.rows * 2 / height)
    size = max(1, round(width * scale)), max(2, round(height * scale) // 2 * 2)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _in_halves(pixels: Pixels) -> Text:
    text = Text(no_wrap=True)
    for top, bottom in zip(pixels[::2], pixels[1::2], strict=True):
        if text:
            text.append("\n")
        for upper, lower in zip(top.tolist(), bottom.tolist(), strict=True):
            text.append(HALF, Style(color=_colour(upper), bgcolor=_colour(lower)))
    return text


def _colour(bgr: list[int]) -> Color:
    blue, green, red = bgr
    return Color.from_rgb(red, green, blue)


def _in_shades(pixels: Pixels) -> Text:
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[::2]
    levels = (grey.astype(np.uint16) * len(SHADES) // 256).tolist()
    return Text("\n".join("".join(SHADES[level] for level in row) for row in levels), no_wrap=True)
