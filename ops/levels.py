"""Operations that look at all of a picture's values, then change each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .layouts import eight_bits
from .operation import Cut, Operation
from .parameters import count, number

if TYPE_CHECKING:
    from .picture import Pixels


def equalize(pixels: Pixels) -> Pixels:
    """Return the picture with its brightness spread evenly; colours and alpha as they were.

    Brought to 8 bits; of BGR the luma (Y of YCrCb) is equalized. Source: histogram equalization;
    `cv2.equalizeHist`.
    """
    import cv2

    return _of_luma(pixels, cv2.equalizeHist)


def clahe(pixels: Pixels, *, clip: float, tiles: int) -> Pixels:
    """Return the picture with its contrast raised part by part; colours and alpha as they were.

    Brought to 8 bits; of BGR the luma (Y of YCrCb) is changed. Source: K. Zuiderveld, "Contrast
    Limited Adaptive Histogram Equalization", 1994; `cv2.createCLAHE`.
    """
    import cv2

    return _of_luma(pixels, cv2.createCLAHE(clip, (tiles, tiles)).apply)


def normalize(pixels: Pixels, *, clip: float) -> Pixels:
    """Return the picture stretched so that its darkest value is black and its brightest white.

    Any channels and depth, kept; one stretch for all colours, alpha as it was. `clip` per cent of
    the values at each end may go beyond. An even picture stays as it is.
    """
    from .colour import along, peak
    from .picture import without_alpha

    most = peak(pixels)
    low, high = (end / most for end in _ends(without_alpha(pixels), clip))
    if high <= low:
        return pixels
    return along(pixels, lambda values: (values - low) / (high - low))


def _ends(values: Pixels, clip: float) -> tuple[float, float]:
    """Return the values with `clip` per cent below, and with as much above."""
    import numpy as np

    from .counts import counts, percentile

    if values.dtype != np.uint8:
        low, high = np.percentile(values, (clip, 100 - clip))
        return low, high
    if not clip:
        return float(values.min()), float(values.max())
    found = counts(values.reshape(values.shape[0], -1), 0)
    return percentile(found, clip), percentile(found, 100 - clip)


def _of_luma(pixels: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    import cv2

    from .colour import without_touching_alpha
    from .picture import to_depth

    def changed(colour: Pixels) -> Pixels:
        if colour.ndim == 2:
            return change(colour)
        luma, red, blue = cv2.split(cv2.cvtColor(colour, cv2.COLOR_BGR2YCrCb))
        return cv2.cvtColor(cv2.merge([change(luma), red, blue]), cv2.COLOR_YCrCb2BGR)

    return without_touching_alpha(to_depth(pixels, "uint8"), changed)


EQUALIZE = Operation(
    name="equalize",
    help="spread brightness evenly",
    run=equalize,
    cut=Cut("statistic"),
    cost=0.006,
    memory=8,
    source="histogram equalization; cv2.equalizeHist",
    example="equalize",
    layout=eight_bits,
)

CLAHE = Operation(
    name="clahe",
    help="raise contrast part by part",
    run=clahe,
    parameters=(
        number("clip", 2, 0.1, 100, "limit of the contrast"),
        count("tiles", 8, 1, 64, "parts in each direction"),
    ),
    cut=Cut("whole"),
    cost=0.008,
    memory=8,
    source="K. Zuiderveld 1994; cv2.createCLAHE",
    example="clahe clip=3",
    layout=eight_bits,
)

NORMALIZE = Operation(
    name="normalize",
    help="stretch from black to white",
    run=normalize,
    parameters=(number("clip", 0, 0, 49, "per cent at each end that may go beyond"),),
    cut=Cut("statistic"),
    cost=0.004,
    memory=16,
    source="linear stretch between percentiles",
    example="normalize clip=1",
)
