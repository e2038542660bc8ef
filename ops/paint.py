"""Colours by name or number, as a picture's own values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .operation import Parameter

if TYPE_CHECKING:
    from .picture import Pixels

NAMES: Final = {
    "black": "000000",
    "white": "ffffff",
    "gray": "808080",
    "red": "ff0000",
    "green": "00ff00",
    "blue": "0000ff",
    "yellow": "ffff00",
    "magenta": "ff00ff",
    "cyan": "00ffff",
    "orange": "ffa500",
}
_HEX: Final = re.compile(r"#?([0-9a-f]{6})")


def colour(default: str, name: str = "colour") -> Parameter:
    """Declare a colour: a name, or RRGGBB in hex."""
    names = ", ".join(NAMES)
    return Parameter(name=name, kind="colour", default=default, help=f"{names} or RRGGBB")


def named(text: str) -> str | None:
    """Return a colour as recipes write it: its name, or rrggbb; None for what is no colour."""
    lowered = text.lower()
    found = _HEX.fullmatch(lowered)
    return lowered if lowered in NAMES else found[1] if found else None


def bgr(colour: str) -> tuple[int, int, int]:
    """Return a colour's blue, green and red, 0 to 255."""
    red, green, blue = bytes.fromhex(NAMES.get(colour, colour))
    return blue, green, red


def value_of(text: str, pixels: Pixels) -> tuple[float, ...]:
    """Return a colour as a pixel of this picture: luma where it is gray, opaque with alpha."""
    from .colour import of_eight_bits, peak

    blue, green, red = bgr(text)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    luma = round(0.299 * red + 0.587 * green + 0.114 * blue)
    shown = (blue, green, red) if channels >= 3 else (luma,)
    alpha = (float(peak(pixels)),) if channels in {2, 4} else ()
    return (*(of_eight_bits(value, pixels) for value in shown), *alpha)
