"""Operations that look at one pixel at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from .layouts import one_channel
from .operation import Cut, Layout, Operation, Value
from .parameters import choice, count, kernel, number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .colour import Shares
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


def _colour_layout(layout: Layout, _arguments: Mapping[str, Value]) -> Layout:
    return replace(layout, channels=3 if layout.channels in {1, 3} else 4)


def _threshold_complaint(arguments: Mapping[str, Value]) -> str:
    if arguments["method"] == "adaptive" and int(arguments["ksize"]) < 3:
        return "an adaptive threshold needs ksize=3 or more"
    return ""


def _gray_layout(layout: Layout, _arguments: Mapping[str, Value]) -> Layout:
    return replace(layout, channels=1 if layout.channels in {1, 3} else 2)


def invert(pixels: Pixels) -> Pixels:
    """Return white for black and black for white, of every colour; alpha stays.

    Any channels and depth, kept; float32 is 1 minus the value.
    """
    import cv2
    import numpy as np

    from .colour import along, pointwise

    if pixels.dtype == np.float32:
        return along(pixels, lambda values: 1 - values)
    return pointwise(pixels, cv2.bitwise_not)


def brightness(pixels: Pixels, *, amount: float) -> Pixels:
    """Return the picture with `amount` of the full range added to every value, clipped.

    Any channels and depth, kept; alpha stays. Integers move by a whole number.
    """
    import numpy as np

    from .colour import along, peak

    most = peak(pixels)
    share = amount if pixels.dtype == np.float32 else round(amount * most) / most
    return along(pixels, lambda values: values + share)


def contrast(pixels: Pixels, *, factor: float) -> Pixels:
    """Return the picture with every value's distance from the middle gray times `factor`, clipped.

    Any channels and depth, kept; alpha stays.
    """
    from .colour import along

    return along(pixels, lambda values: (values - 0.5) * factor + 0.5)


def gamma(pixels: Pixels, *, gamma: float) -> Pixels:
    """Return every value to the power of 1 / `gamma`: above 1 is brighter.

    Any channels and depth, kept; alpha stays. Source: power-law transformation.
    """
    import numpy as np

    from .colour import along

    return along(pixels, lambda values: np.clip(values, 0, 1) ** (1 / gamma))


def posterize(pixels: Pixels, *, levels: int) -> Pixels:
    """Return the picture in `levels` values a channel, evenly from black to white.

    Any channels and depth, kept; alpha stays.
    """
    import numpy as np

    from .colour import along

    steps = levels - 1

    def nearest(values: Shares) -> Shares:
        return np.minimum(np.floor(np.clip(values, 0, 1) * levels), steps) / steps

    return along(pixels, nearest)


def sepia(pixels: Pixels) -> Pixels:
    """Return the picture in the browns of old prints: BGR, also of gray; alpha stays.

    Any depth, kept, clipped to its range; of 8 bits within 1 of the exact value. Source: the sepia
    matrix of the W3C's Filter Effects (`sepia(1)`), on R, G and B; `cv2.transform`.
    """
    import cv2

    from .colour import pointwise

    def toned(colour: Pixels) -> Pixels:
        return _toned(cv2.cvtColor(colour, cv2.COLOR_GRAY2BGR) if colour.ndim == 2 else colour)

    return pointwise(pixels, toned)


def _toned(bgr: Pixels) -> Pixels:
    import cv2
    import numpy as np

    from .colour import peak

    if bgr.dtype == np.uint8:
        return cv2.transform(bgr, _sepia_matrix())
    made = np.clip(cv2.transform(bgr.astype(np.float64), _sepia_matrix()), 0, peak(bgr))
    return (made if bgr.dtype == np.float32 else np.rint(made)).astype(bgr.dtype)


def _sepia_matrix() -> NDArray[np.float64]:
    """Return the rows for B, G and R, of what is in B, G and R."""
    import numpy as np

    red, green, blue = (0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131)
    return np.array([row[::-1] for row in (blue, green, red)])


def threshold(pixels: Pixels, *, method: str, value: float, ksize: int, offset: float) -> Pixels:
    """Return HxW uint8: 255 where the picture is brighter than a threshold, 0 elsewhere.

    Any channels and depth, alpha left out, brought to 8-bit gray first. `fixed`: `value`, of 0 to
    255. `otsu`: what separates the histogram's two classes best (N. Otsu, "A Threshold Selection
    Method from Gray-Level Histograms", 1979). `adaptive`: the Gaussian mean of the `ksize` x
    `ksize` pixels around, less `offset`. Source: `cv2.threshold`, `cv2.adaptiveThreshold`.
    """
    import cv2

    gray = eight_bit_gray(pixels)
    if method == "adaptive":
        return cv2.adaptiveThreshold(
            gray, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, ksize, offset
        )
    kind = cv2.THRESH_BINARY | (cv2.THRESH_OTSU if method == "otsu" else 0)
    return cv2.threshold(gray, value, 255, kind)[1]


def eight_bit_gray(pixels: Pixels) -> Pixels:
    """Return HxW uint8: luma, alpha left out."""
    from .picture import eight_bit_colour

    return grayscale(eight_bit_colour(pixels))


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

INVERT = Operation(
    name="invert",
    help="make a negative",
    run=invert,
    cut=Cut("pointwise"),
    cost=0.001,
    memory=0,
    source="1 - value; cv2.bitwise_not",
    example="invert",
)

BRIGHTNESS = Operation(
    name="brightness",
    help="make brighter or darker",
    run=brightness,
    parameters=(number("amount", 0.1, -1, 1, "share of the full range that is added"),),
    cut=Cut("pointwise"),
    cost=0.001,
    memory=0,
    source="value + amount; cv2.addWeighted",
    example="brightness amount=0.2",
)

CONTRAST = Operation(
    name="contrast",
    help="move tones away from the middle gray, or towards it",
    run=contrast,
    parameters=(number("factor", 1.3, 0, 10, "1 changes nothing"),),
    cut=Cut("pointwise"),
    cost=0.001,
    memory=0,
    source="(value - 0.5) * factor + 0.5; cv2.addWeighted",
    example="contrast factor=1.5",
)

GAMMA = Operation(
    name="gamma",
    help="brighten or darken the middle tones",
    run=gamma,
    parameters=(number("gamma", 1.5, 0.05, 20, "above 1 is brighter"),),
    cut=Cut("pointwise"),
    cost=0.001,
    memory=0,
    source="value ** (1 / gamma); cv2.LUT",
    example="gamma gamma=2.2",
)

POSTERIZE = Operation(
    name="posterize",
    help="keep a few tones of each colour",
    run=posterize,
    parameters=(count("levels", 4, 2, 256, "how many values a channel has"),),
    cut=Cut("pointwise"),
    cost=0.001,
    memory=0,
    source="floor(value * levels) / (levels - 1); cv2.LUT",
    example="posterize levels=6",
)

SEPIA = Operation(
    name="sepia",
    help="give it the browns of an old print",
    run=sepia,
    cut=Cut("pointwise"),
    cost=0.002,
    memory=4,
    source="W3C Filter Effects, sepia; cv2.transform",
    example="sepia",
    layout=_colour_layout,
)

THRESHOLD = Operation(
    name="threshold",
    help="black and white, nothing between",
    run=threshold,
    parameters=(
        choice("method", "fixed", ("fixed", "otsu", "adaptive"), "how the threshold is chosen"),
        number("value", 127, 0, 255, "fixed: what is brighter is white"),
        kernel(11),
        number("offset", 2, -255, 255, "adaptive: how much below the mean is still white"),
    ),
    cut=Cut("whole"),
    cost=0.003,
    memory=2,
    source="N. Otsu 1979; cv2.threshold, cv2.adaptiveThreshold",
    example="threshold method=otsu",
    layout=one_channel,
    complaint=_threshold_complaint,
)
