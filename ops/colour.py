"""What many operations do before and after: alpha aside, one curve for every depth. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .bands import in_bands
from .picture import has_alpha, without_alpha

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .picture import Pixels

    Shares = NDArray[np.floating]
    Curve = Callable[[Shares], Shares]
"""Values from 0 to 1 in, new ones out; what leaves that range is clipped."""

PEAKS: Final = {"uint8": 255, "uint16": 65535, "float32": 1}
EIGHT_BITS: Final = 255
UP: Final = 2**-10
"""What is added before rounding: halves go up, whatever rounds."""
FLOATS: Final = 2**-22
"""How far off float32 arithmetic of one line is at most, as a share of its terms."""


def peak(pixels: Pixels) -> int:
    """Return the value that is white: 255, 65535, or 1 for float32."""
    return PEAKS[pixels.dtype.name]


def of_eight_bits(value: float, pixels: Pixels) -> float:
    """Return what a value on the scale of 8-bit pixels is on that of these."""
    return value * peak(pixels) / EIGHT_BITS


def without_touching_alpha(pixels: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """Return the picture with its gray or BGR changed, its alpha as it was."""
    import cv2
    import numpy as np

    if not has_alpha(pixels):
        return change(pixels)
    changed = change(without_alpha(pixels))
    count = 1 if changed.ndim == 2 else changed.shape[2]
    made: Pixels = np.empty((*pixels.shape[:2], count + 1), pixels.dtype)
    alpha = count + pixels.shape[2] - 1  # as all channels of both are numbered
    places = [*(place for channel in range(count) for place in (channel, channel)), alpha, count]
    cv2.mixChannels([changed, pixels], [made], places)
    return made


def pointwise(pixels: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """Return the picture with each gray or BGR value changed by itself, its alpha as it was."""
    import numpy as np

    if pixels.dtype == np.uint8 and not has_alpha(pixels):
        return change(pixels)  # little is wider than that
    return in_bands(pixels, lambda rows: without_touching_alpha(rows, change))


def along(pixels: Pixels, curve: Curve) -> Pixels:
    """Return the picture with every gray or BGR value moved along a curve, rounded, halves up.

    Integers become what a table of all their values has, so one curve is one curve at any depth;
    where it moves none of them, the picture comes back as it is.
    """
    import cv2
    import numpy as np

    if pixels.dtype == np.float32:
        return pointwise(pixels, lambda colour: np.clip(curve(colour), 0, 1).astype(np.float32))
    most = peak(pixels)
    every = np.arange(most + 1)
    table = np.rint(np.clip(curve(every / most) * most + UP, 0, most)).astype(pixels.dtype)
    if (table == every).all():
        return pixels
    if pixels.dtype == np.uint16:
        return pointwise(pixels, lambda colour: np.take(table, colour))
    scaled = _scaled(curve, table)
    return pointwise(pixels, scaled or (lambda colour: cv2.LUT(colour, table)))


def _scaled(curve: Curve, table: Pixels) -> Callable[[Pixels], Pixels] | None:
    """Return what gives the 8-bit table's values in half its time; None where none surely does.

    That is for straight lines. OpenCV rounds the last pixels in other ways than those before, and
    strips end elsewhere than pictures: no value may be as near to a half as its floats err.
    """
    import cv2
    import numpy as np

    low, high = (float(end) * EIGHT_BITS for end in curve(np.array([0.0, 1.0])))
    slope, start = (high - low) / EIGHT_BITS, low + UP
    line = slope * np.arange(EIGHT_BITS + 1) + start
    error = FLOATS * (abs(slope) * EIGHT_BITS + abs(start))
    for off in (-error, error):
        if (np.rint(np.clip(line + off, 0, EIGHT_BITS)) != table).any():
            return None
    return lambda colour: cv2.addWeighted(colour, slope, colour, 0, start)
