"""Operations that look at a pixel's neighbourhood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .layouts import eight_bits
from .operation import Cut, Layout, Operation, Value
from .parameters import count, half_kernel, kernel, number

if TYPE_CHECKING:
    from .picture import Pixels

DEEP_MEDIAN = 5
"""The largest kernel that OpenCV's median has for more than 8 bits."""


def blur(pixels: Pixels, *, ksize: int, sigma: float) -> Pixels:
    """Return the picture under a Gaussian of `ksize` x `ksize` pixels.

    Any channels, each filtered alone (alpha too; colours are not premultiplied); uint8,
    uint16 or float32, kept. `sigma` in pixels; 0 means 0.3 * ((ksize - 1) * 0.5 - 1) + 0.8.
    Borders are mirrored without repeating the edge. Source: `cv2.GaussianBlur`.
    """
    import cv2

    return cv2.GaussianBlur(pixels, (ksize, ksize), sigma)


def median(pixels: Pixels, *, ksize: int) -> Pixels:
    """Return each channel's median of the `ksize` x `ksize` pixels around every pixel.

    Any channels, alpha too; uint8 kept; deeper pictures are kept up to ksize=5, and brought to 8
    bits beyond it. Borders repeat the edge. Source: `cv2.medianBlur`.
    """
    import cv2

    from .picture import to_depth

    return cv2.medianBlur(pixels if ksize <= DEEP_MEDIAN else to_depth(pixels, "uint8"), ksize)


def bilateral(pixels: Pixels, *, diameter: int, colour: float, space: float) -> Pixels:
    """Return the picture smoothed where it is even, its edges kept; alpha as it was.

    Gray or BGR; uint8 or float32, kept; uint16 is filtered as float32 and brought back. `colour` is
    the distance of values that still mix, on the scale of 8 bits; `space` that of pixels.
    Source: C. Tomasi, R. Manduchi, "Bilateral Filtering for Gray and Color Images", 1998;
    `cv2.bilateralFilter`.
    """
    import cv2
    import numpy as np

    from .colour import EIGHT_BITS, without_touching_alpha
    from .picture import to_depth

    def smoothed(values: Pixels) -> Pixels:
        if values.dtype == np.uint8:
            return cv2.bilateralFilter(values, diameter, colour, space)
        shares = to_depth(values, "float32")
        filtered = cv2.bilateralFilter(shares, diameter, colour / EIGHT_BITS, space)
        return to_depth(filtered, "uint16") if values.dtype == np.uint16 else filtered

    return without_touching_alpha(pixels, smoothed)


def sharpen(pixels: Pixels, *, amount: float) -> Pixels:
    """Return the picture with `amount` times its 3x3 Laplacian taken away; alpha as it was.

    Any depth, kept, clipped to its range. With amount=1 the kernel is 0 -1 0, -1 5 -1, 0 -1 0.
    Source: `cv2.filter2D`.
    """
    import cv2
    import numpy as np

    from .colour import without_touching_alpha

    centre = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)
    around = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32)
    return without_touching_alpha(
        pixels, lambda colour: _in_range(cv2.filter2D(colour, -1, centre - amount * around))
    )


def unsharp(pixels: Pixels, *, sigma: float, amount: float) -> Pixels:
    """Return the picture with `amount` times its difference from a Gaussian blur added.

    Alpha as it was. Any depth, kept, clipped to its range. Source: unsharp masking;
    `cv2.GaussianBlur`, `cv2.addWeighted`.
    """
    import cv2

    from .colour import without_touching_alpha

    def sharper(colour: Pixels) -> Pixels:
        soft = cv2.GaussianBlur(colour, (0, 0), sigma)
        return _in_range(cv2.addWeighted(colour, 1 + amount, soft, -amount, 0))

    return without_touching_alpha(pixels, sharper)


def denoise(pixels: Pixels, *, strength: float, template: int, search: int) -> Pixels:
    """Return the picture with the noise averaged out over parts that are alike; alpha as it was.

    Brought to 8 bits. `template` and `search` are the sides of what is compared, and of where it is
    looked for. Seconds a megapixel. Source: A. Buades et al., "Non-Local Means Denoising", 2011;
    `cv2.fastNlMeansDenoising`, `cv2.fastNlMeansDenoisingColored`.
    """
    import cv2

    from .colour import without_touching_alpha
    from .picture import to_depth

    def quiet(colour: Pixels) -> Pixels:
        if colour.ndim == 2:
            return cv2.fastNlMeansDenoising(colour, None, strength, template, search)
        return cv2.fastNlMeansDenoisingColored(colour, None, strength, strength, template, search)

    return without_touching_alpha(to_depth(pixels, "uint8"), quiet)


def _in_range(pixels: Pixels) -> Pixels:
    """Return float values clipped to 0 and 1; integers are by OpenCV."""
    import numpy as np

    return np.clip(pixels, 0, 1) if pixels.dtype == np.float32 else pixels


def _median_layout(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    return layout if int(arguments["ksize"]) <= DEEP_MEDIAN else eight_bits(layout, arguments)


BLUR = Operation(
    name="blur",
    help="soften with a Gaussian",
    run=blur,
    parameters=(
        kernel(5),
        number("sigma", 0, 0, 100, "standard deviation in pixels; 0 derives it from ksize"),
    ),
    cut=Cut("neighbourhood", half_kernel),
    cost=0.007,
    memory=0,
    source="Gaussian filter; cv2.GaussianBlur",
    example="blur ksize=15 sigma=3",
)

MEDIAN = Operation(
    name="median",
    help="take out specks, keep edges",
    run=median,
    parameters=(kernel(5),),
    cut=Cut("neighbourhood", half_kernel),
    cost=0.01,
    memory=4,
    source="median filter; cv2.medianBlur",
    example="median ksize=3",
    layout=_median_layout,
)

BILATERAL = Operation(
    name="bilateral",
    help="smooth what is even, keep edges",
    run=bilateral,
    parameters=(
        count("diameter", 9, 1, 31, "of the neighbourhood, in pixels"),
        number("colour", 75, 0.1, 255, "how different colours may be that mix, of 255"),
        number("space", 75, 0.1, 255, "how far apart pixels may be that mix"),
    ),
    cut=Cut("neighbourhood", lambda arguments: int(arguments["diameter"]) // 2 + 1),
    cost=0.12,
    memory=32,
    source="C. Tomasi, R. Manduchi 1998; cv2.bilateralFilter",
    example="bilateral diameter=7",
)

SHARPEN = Operation(
    name="sharpen",
    help="sharpen by the pixels next to each",
    run=sharpen,
    parameters=(number("amount", 1, 0, 10, "0 changes nothing"),),
    cut=Cut("neighbourhood", lambda _arguments: 1),
    cost=0.006,
    memory=0,
    source="value - amount * Laplacian; cv2.filter2D",
    example="sharpen amount=0.5",
)

UNSHARP = Operation(
    name="unsharp",
    help="sharpen by what a blur takes away",
    run=unsharp,
    parameters=(
        number("sigma", 2, 0.1, 50, "of the blur, in pixels"),
        number("amount", 0.8, 0, 10, "0 changes nothing"),
    ),
    cut=Cut("neighbourhood", lambda arguments: int(float(arguments["sigma"]) * 5 + 4)),
    cost=0.012,
    memory=16,
    source="unsharp masking; cv2.GaussianBlur, cv2.addWeighted",
    example="unsharp sigma=1.5 amount=1",
)

DENOISE = Operation(
    name="denoise",
    help="average noise out over parts that are alike; slow",
    run=denoise,
    parameters=(
        number("strength", 10, 0, 100, "of the filter, on the scale of 8 bits"),
        kernel(7, largest=21, name="template"),
        kernel(21, largest=63, name="search"),
    ),
    cut=Cut("whole"),
    cost=2.5,
    memory=24,
    source="A. Buades et al. 2011; cv2.fastNlMeansDenoising",
    example="denoise strength=6",
    layout=eight_bits,
)
