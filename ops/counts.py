"""How often each value of an 8-bit picture is there, and what follows from it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .picture import Pixels

    Counts = NDArray[np.int64]

BINS: Final = 256
EXACT: Final = 1 << 24
"""OpenCV counts in float32, which is exact up to here."""


def counts(pixels: Pixels, channel: int, *, at_once: int = EXACT) -> Counts:
    """Return how many pixels of one channel of a uint8 picture have each of the 256 values.

    Source: `cv2.calcHist`, of at most `at_once` pixels (a row at least) at a time.
    """
    import cv2
    import numpy as np

    rows = max(1, at_once // pixels.shape[1])
    found = np.zeros(BINS, np.int64)
    for top in range(0, pixels.shape[0], rows):
        part = pixels[top : top + rows]
        found += cv2.calcHist([part], [channel], None, [BINS], [0, BINS]).ravel().astype(np.int64)
    return found


def percentile(found: Counts, percent: float) -> float:
    """Return the value below which this percentage lies, between two values linearly.

    It is what `np.percentile` gives for the values that were counted, without sorting them.
    """
    import numpy as np

    sums = found.cumsum()
    place = (int(sums[-1]) - 1) * (percent / 100)
    below = int(place)
    ranks = (below, min(below + 1, int(sums[-1]) - 1))
    low, high = (int(value) for value in np.searchsorted(sums, ranks, side="right"))
    share = place - below
    return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share
