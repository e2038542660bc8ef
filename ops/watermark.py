"""A text or a logo over a picture: whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from .geometry import GRAVITY
from .operation import Cut, Operation, Parameter, Value
from .paint import colour
from .parameters import choice, number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from .picture import Pixels

SMALLEST: Final = 6.0
"""Pixels that letters are high at least: smaller ones are not read."""

UNIT: Final = 100.0
"""Pixels of height at which a text's width is looked up."""

BAND: Final = 64
"""Rows that are mixed at a time: in floats they take several times their memory."""

TRANSPARENT: Final = 1e-6


def watermark(
    pixels: Pixels,
    *,
    text: str,
    picture: Pixels | None,
    size: float,
    colour: str,
    opacity: float,
    gravity: str,
    margin: float,
) -> Pixels:
    """Return the picture with a text over it, in one line, or a logo; what does not fit is cut off.

    Any channels and depth, kept; alpha as it was. `size` and `margin` are per cent of the picture's
    shorter side: so high are letters, so long is the shorter side of a logo, which is laid over as
    its alpha says. Letters are smaller where the text would be wider than the picture; they are
    those of Pillow's own font. Source: `PIL.ImageDraw`, `cv2.resize`.
    """
    from .paint import value_of

    height, width = pixels.shape[:2]
    shorter = min(height, width)
    if picture is None:
        ink, mask = None, _letters(text, shorter * size / 100, width)
    else:
        ink, mask = _logo(picture, max(1.0, shorter * size / 100), pixels)
    left, top = _corner((width, height), mask.shape, gravity, round(shorter * margin / 100))
    shown = pixels.copy()
    part, within = _common(left, mask.shape[1], width), _common(top, mask.shape[0], height)
    for down in range(within[0].start, within[0].stop, BAND):
        rows = slice(down, min(down + BAND, within[0].stop))
        seen = rows.start - top, rows.stop - top
        share = mask[slice(*seen), part[1]] * opacity
        over = value_of(colour, pixels) if ink is None else ink[slice(*seen), part[1]]
        _mix(shown[rows, part[0]], over, share)
    return shown


def _common(start: int, length: int, most: int) -> tuple[slice, slice]:
    """Return where a layer's side is within a picture's, and which part of the layer that is."""
    inside = slice(max(0, start), max(0, min(start + length, most)))
    return inside, slice(inside.start - start, inside.stop - start)


def _mix(below: Pixels, ink: ArrayLike, share: NDArray[np.floating[Any]]) -> None:
    """Lay ink over rows of a picture, as far as `share` says; their alpha stays."""
    import numpy as np

    from .picture import has_alpha

    values = below.astype(np.float64).reshape(*share.shape, -1)
    colours = values.shape[2] - has_alpha(below)
    over = np.asarray(ink, np.float64)[..., :colours]
    values[..., :colours] += (over - values[..., :colours]) * share[..., None]
    mixed = values if below.dtype == np.float32 else np.rint(values)
    below[:] = mixed.reshape(below.shape)


def _logo(logo: Pixels, side: float, pixels: Pixels) -> tuple[Pixels, Pixels]:
    """Return a logo as HxWxC float32 of the picture's channels and range, and its alpha, 0 to 1.

    Its shorter side is `side` pixels.
    """
    import cv2
    import numpy as np

    from .colour import peak
    from .picture import has_alpha

    scale = side / min(logo.shape[:2])
    size = max(1, round(logo.shape[1] * scale)), max(1, round(logo.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    if has_alpha(logo):
        small, mask = _without_its_ground(logo, size, how)
    else:
        small = cv2.resize(logo, size, interpolation=how).reshape(*reversed(size), -1)
        mask = np.ones(small.shape[:2], np.float32)
    ranged = small.astype(np.float32) * np.float32(peak(pixels) / peak(logo))
    return _like(ranged, pixels), mask


def _without_its_ground(logo: Pixels, size: tuple[int, int], how: int) -> tuple[Pixels, Pixels]:
    """Return a logo's colours at another size, and its alpha, 0 to 1.

    Colours are scaled times alpha, so that what is under transparent pixels does not shine through
    at the edges; a channel at a time, since the logo may be large.
    """
    import cv2
    import numpy as np

    from .colour import peak

    *channels, last = range(logo.shape[2])
    alpha = cv2.extractChannel(logo, last)
    mask = cv2.resize(alpha, size, interpolation=how).astype(np.float32) / peak(logo)
    planes = [
        cv2.resize(
            cv2.multiply(cv2.extractChannel(logo, channel), alpha, scale=1 / peak(logo)),
            size,
            interpolation=how,
        )
        for channel in channels
    ]
    mask = np.clip(mask, 0, 1)
    return np.dstack(planes) / np.maximum(mask, TRANSPARENT)[..., None], mask


def _like(colours: Pixels, pixels: Pixels) -> Pixels:
    """Return HxWx1 or HxWx3 pixels as gray or as colours, whichever the other picture has."""
    import cv2

    gray = pixels.ndim == 2 or pixels.shape[2] <= 2
    if gray and colours.shape[2] == 3:
        return cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)[..., None]
    if not gray and colours.shape[2] == 1:
        return cv2.cvtColor(colours, cv2.COLOR_GRAY2BGR)
    return colours


def _letters(text: str, size: float, width: int) -> NDArray[np.float64]:
    """Return a text as HxW shares, 0 to 1, of how much of each pixel is ink.

    Letters are `size` pixels high, or as many as let the text be no wider than `width`.
    """
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    known = ImageFont.load_default(UNIT).getlength(text)
    font = ImageFont.load_default(max(SMALLEST, min(size, UNIT * width / max(1, known))))
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
    if arguments["picture"]:
        return "watermark takes a text or a picture, not both" if text else ""
    if text.strip() and text.isprintable():
        return ""
    return "watermark needs a text of one line, or a picture"


WATERMARK = Operation(
    name="watermark",
    help="write a text or lay a logo over it",
    run=watermark,
    parameters=(
        Parameter(name="text", kind="text", default="", help="one line"),
        Parameter(name="picture", kind="picture", default="", help="a logo instead of a text"),
        number("size", 5, 0.5, 100, "of the letters or the logo, per cent of the shorter side"),
        colour("white"),
        number("opacity", 0.6, 0, 1, "0 shows nothing, 1 hides what is below"),
        choice("gravity", "bottom-right", tuple(GRAVITY), "where it is"),
        number("margin", 3, 0, 50, "from the edge, per cent of the shorter side"),
    ),
    cut=Cut("whole"),
    cost=0.002,
    memory=24,
    source="PIL.ImageDraw, ImageFont.load_default; cv2.resize",
    example="watermark text='(c) Ada' opacity=0.5",
    complaint=_complaint,
)
