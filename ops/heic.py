"""Pixels of HEIC files, by `pi_heif` (libheif), which turns and crops them by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .errors import PictureError
from .source import Buffer

if TYPE_CHECKING:
    from .picture import Pixels

BROKEN: Final[tuple[type[Exception], ...]] = (
    SyntaxError,
    ValueError,
    TypeError,
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
)
"""What Pillow and `pi_heif` raise on files that are not as they should be."""


def decode(data: Buffer, *, channels: int) -> Pixels:
    """Return the primary picture, upright, in gray, BGR or BGRA as `channels` says.

    uint8, or uint16 over its full range from 10 and 12 bits. PictureError where it is broken.
    """
    import numpy as np
    import pi_heif

    try:
        image = pi_heif.open_heif(bytes(data), convert_hdr_to_8bit=False, bgr_mode=True)
        pixels: Pixels = np.array(image)  # a copy: pi_heif frees its own
    except BROKEN as error:
        raise PictureError("corrupt", f"the HEIC picture cannot be decoded ({error})") from error
    if channels == 1 and pixels.ndim == 3:
        return np.ascontiguousarray(pixels[..., 0])
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., :channels])
