"""A picture as if it were drawn with a pencil."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .layouts import one_channel
from .operation import Cut, Operation
from .parameters import kernel, number

if TYPE_CHECKING:
    from .picture import Pixels


DARKEST: Final = 16


def sketch(pixels: Pixels, *, ksize: int, denoise: float) -> Pixels:
    """Return a pencil drawing as HxW uint8: dark lines on white.

    Any channels and depth, alpha left out, brought to 8-bit gray, sharpened; then divided by itself
    blurred, which leaves white where it is even (colour dodge). `denoise` above 0 is the strength
    of non-local means at the end (7x7 in 21x21), which takes seconds a megapixel.
    Source: colour dodge of a blurred negative; `cv2.divide`, `cv2.fastNlMeansDenoising`.
    """
    import cv2
    import numpy as np

    from .filters import sharpen
    from .tone import eight_bit_gray

    # What is black would be divided by nothing, and its noise be all there is to see.
    gray = np.maximum(sharpen(eight_bit_gray(pixels), amount=1.0), DARKEST)
    blurred = cv2.GaussianBlur(cv2.bitwise_not(gray), (ksize, ksize), 0)
    drawn = cv2.divide(gray, cv2.bitwise_not(blurred), scale=256)
    return cv2.fastNlMeansDenoising(drawn, None, denoise, 7, 21) if denoise else drawn


SKETCH = Operation(
    name="sketch",
    help="a pencil drawing",
    run=sketch,
    parameters=(
        kernel(21),
        number("denoise", 0, 0, 100, "strength of non-local means at the end; slow"),
    ),
    cut=Cut("whole"),
    cost=0.02,
    memory=8,
    source="colour dodge of a blurred negative; cv2.divide",
    example="sketch",
    layout=one_channel,
)
