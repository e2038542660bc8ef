"""Operations that find edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .layouts import one_channel
from .operation import Cut, Operation
from .parameters import half_kernel, kernel, number

if TYPE_CHECKING:
    from .picture import Pixels


def canny(pixels: Pixels, *, low: float, high: float) -> Pixels:
    """Return edges as HxW uint8: 255 on an edge, 0 elsewhere.

    Gray or BGR; of a colour picture each pixel takes the channel with the strongest gradient,
    as `cv2.Canny` does. Alpha is left out. Pixels deeper than 8 bits are brought to 8 first
    (uint16 divided by 257, float32 from [0, 1] times 255, both rounded). The thresholds are on
    the L1 gradient of a 3x3 Sobel of 8-bit values. Source: J. Canny, "A Computational Approach
    to Edge Detection", 1986; `cv2.Canny`.
    """
    import cv2

    from .picture import eight_bit_colour

    return cv2.Canny(eight_bit_colour(pixels), low, high)


def sobel(pixels: Pixels, *, ksize: int) -> Pixels:
    """Return how steep brightness is at each pixel, as HxW uint8: the Sobel gradient's length.

    Any channels and depth, alpha left out, brought to 8-bit gray first; lengths beyond 255 are
    255. Source: I. Sobel, G. Feldman, 1968; `cv2.Sobel`, `cv2.magnitude`.
    """
    import cv2

    from .tone import eight_bit_gray

    gray = eight_bit_gray(pixels)
    across = cv2.Sobel(gray, cv2.CV_32F, 1, 0, ksize=ksize)
    down = cv2.Sobel(gray, cv2.CV_32F, 0, 1, ksize=ksize)
    return cv2.convertScaleAbs(cv2.magnitude(across, down))


def laplacian(pixels: Pixels, *, ksize: int) -> Pixels:
    """Return how much each pixel differs from those around it, as HxW uint8.

    Any channels and depth, alpha left out, brought to 8-bit gray first; the absolute Laplacian,
    beyond 255 it is 255. Source: `cv2.Laplacian`.
    """
    import cv2

    from .tone import eight_bit_gray

    return cv2.convertScaleAbs(cv2.Laplacian(eight_bit_gray(pixels), cv2.CV_32F, ksize=ksize))


CANNY = Operation(
    name="canny",
    help="find edges: white lines on black",
    run=canny,
    parameters=(
        number("low", 100, 0, 10000, "gradient below which a pixel is no edge"),
        number("high", 200, 0, 10000, "gradient above which a pixel surely is an edge"),
    ),
    cut=Cut("whole"),
    cost=0.006,
    memory=12,
    source="J. Canny 1986; cv2.Canny",
    example="grayscale | blur ksize=5 | canny low=100 high=200",
    layout=one_channel,
)

SOBEL = Operation(
    name="sobel",
    help="how steep brightness is",
    run=sobel,
    parameters=(kernel(3, largest=31),),
    cut=Cut("neighbourhood", half_kernel),
    cost=0.012,
    memory=14,
    source="I. Sobel, G. Feldman 1968; cv2.Sobel",
    example="sobel ksize=5",
    layout=one_channel,
)

LAPLACIAN = Operation(
    name="laplacian",
    help="where brightness differs from what is around",
    run=laplacian,
    parameters=(kernel(3, largest=31),),
    cut=Cut("neighbourhood", lambda arguments: max(1, half_kernel(arguments))),
    cost=0.008,
    memory=6,
    source="cv2.Laplacian",
    example="laplacian ksize=3",
    layout=one_channel,
)
