"""A text over a picture: whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from .geometry import GRAVITY
from .operation import Cut, Operation, Parameter, Value
from .paint import colour
from .parameters import choice, number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .picture import Pixels

SMALLEST: Final = 6.0
"""Pixels that letters are high at least: smaller ones are not read."""


def watermark(
    pixels: Pixels,
    *,
    text: str,
    size: float,
    colour: str,
    opacity: float,
    gravity: str,
    margin: float,
) -> Pixels:
    """Return the picture with a text over it, in one line; what does not fit is cut off.

    Any channels and depth, kept; alpha as it was. `size` and `margin` are per cent of the picture's
    shorter side. The letters are those of Pillow's own font. Source: `PIL.ImageDraw`.
    """
    import numpy as np

    from .paint import value_of
    from .picture import has_alpha

    height, width = pixels.shape[:2]
    shorter = min(height, width)
    mask = _letters(text, max(SMALLEST, shorter * size / 100)) * opacity
    left, top = _corner((width, height), mask.shape, gravity, round(shorter * margin / 100))
    across, down = slice(max(0, left), width), slice(max(0, top), height)
    seen = mask[max(0, -top) :, max(0, -left) :][: height - down.start, : width - across.start]
    part = (
        slice(down.start, down.start + seen.shape[0]),
        slice(across.start, across.start + seen.shape[1]),
    )
    shown = pixels.copy()
    below = shown[part].astype(np.float64).reshape(*seen.shape, -1)
    ink = np.array(value_of(colour, pixels))
    colours = below.shape[2] - has_alpha(pixels)
    share = seen[..., None]
    below[..., :colours] += (ink[:colours] - below[..., :colours]) * share
    mixed = below if pixels.dtype == np.float32 else np.rint(below)
    shown[part] = mixed.reshape(shown[part].shape)
    return shown


def _letters(text: str, size: float) -> NDArray[np.float64]:
    """Return a text as HxW shares, 0 to 1, of how much of each pixel is ink."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    room = max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)
    drawn = Image.new("L", room)
    ImageDraw.Draw(drawn).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(drawn, np.float64) / 255


def _corner(
    size: tuple[int, int], mask: tuple[int, ...], gravity: str, margin: int
) -> tuple[int, int]:
    """Return where the upper left of the text is; outside, where it is larger than the picture."""
    across, down = GRAVITY[gravity]
    room = size[0] - mask[1] - 2 * margin, size[1] - mask[0] - 2 * margin
    return margin + round(room[0] * across), margin + round(room[1] * down)


def _complaint(arguments: Mapping[str, Value]) -> str:
    text = str(arguments["text"])
    return "" if text.strip() and text.isprintable() else "watermark needs a text of one line"


WATERMARK = Operation(
    name="watermark",
    help="write a text over it",
    run=watermark,
    parameters=(
        Parameter(name="text", kind="text", default="", help="one line"),
        number("size", 5, 0.5, 100, "of the letters, per cent of the shorter side"),
        colour("white"),
        number("opacity", 0.6, 0, 1, "0 shows nothing, 1 hides what is below"),
        choice("gravity", "bottom-right", tuple(GRAVITY), "where it is"),
        number("margin", 3, 0, 50, "from the edge, per cent of the shorter side"),
    ),
    cut=Cut("whole"),
    cost=0.002,
    memory=8,
    source="PIL.ImageDraw, ImageFont.load_default",
    example="watermark text='(c) Ada' opacity=0.5",
    complaint=_complaint,
)
