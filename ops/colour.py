"""What many operations do before and after: alpha aside, one curve for every depth. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .picture import has_alpha

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .picture import Pixels

    Shares = NDArray[np.floating]
    Curve = Callable[[Shares], Shares]
"""Values from 0 to 1 in, new ones out; what leaves that range is clipped."""

PEAKS: Final = {"uint8": 255, "uint16": 65535, "float32": 1}
EIGHT_BITS: Final = 255
ROUNDING: Final = 0.5 + 1e-3


def peak(pixels: Pixels) -> int:
    """Return the value that is white: 255, 65535, or 1 for float32."""
    return PEAKS[pixels.dtype.name]


def of_eight_bits(value: float, pixels: Pixels) -> float:
    """Return what a value on the scale of 8-bit pixels is on that of these."""
    return value * peak(pixels) / EIGHT_BITS


def without_touching_alpha(pixels: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """Return the picture with its gray or BGR changed, its alpha as it was."""
    import cv2

    if not has_alpha(pixels):
        return change(pixels)
    channels = cv2.split(pixels)
    colour = channels[0] if len(channels) == 2 else cv2.merge(channels[:-1])
    changed = change(colour)
    split = [changed] if changed.ndim == 2 else list(cv2.split(changed))
    return cv2.merge([*split, channels[-1]])


def along(pixels: Pixels, curve: Curve) -> Pixels:
    """Return the picture with every gray or BGR value moved along a curve, rounded.

    Integers become what a table of all their values has, so one curve is one curve at any depth;
    where it moves none of them, the picture comes back as it is. Of two values that are as near,
    either is taken.
    """
    import cv2
    import numpy as np

    if pixels.dtype == np.float32:
        return without_touching_alpha(
            pixels, lambda colour: np.clip(curve(colour), 0, 1).astype(np.float32)
        )
    most = peak(pixels)
    every = np.arange(most + 1)
    exact = np.clip(curve(every / most), 0, 1) * most
    table = np.rint(exact).astype(pixels.dtype)
    if (table == every).all():
        return pixels
    if pixels.dtype == np.uint16:
        return without_touching_alpha(pixels, lambda colour: np.take(table, colour))
    scaled = _scaled(curve)
    if np.abs(scaled(every.astype(np.uint8)).ravel() - exact).max() <= ROUNDING:
        return without_touching_alpha(pixels, scaled)
    return without_touching_alpha(pixels, lambda colour: cv2.LUT(colour, table))


def _scaled(curve: Curve) -> Callable[[Pixels], Pixels]:
    """Return what is that curve if it is a straight line: twice as fast as a table."""
    import cv2
    import numpy as np

    low, high = (float(end) for end in curve(np.array([0.0, 1.0])))
    return lambda colour: cv2.addWeighted(colour, high - low, colour, 0, low * EIGHT_BITS)
