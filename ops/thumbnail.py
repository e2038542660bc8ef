"""A picture made small, to be looked at in passing: a few kilobytes, whatever it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .decode import MAX_PIXELS, decode
from .header import Header, probe
from .picture import over_white, to_depth

if TYPE_CHECKING:
    from .picture import Pixels
    from .source import Buffer

SIDE: Final = 96
QUALITY: Final = 80
FAST_FROM: Final = 8 * SIDE
"""From this many pixels of its smaller side a JPEG is decoded at an eighth."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The picture as a JPEG of at most SIDE pixels a side; its own width, height and bytes."""

    width: int
    height: int
    size: int
    jpeg: bytes


def thumbnail(data: Buffer) -> Thumbnail:
    """Return the picture in ``data`` made small: upright, alpha over white, 8 bits.

    PictureError where it cannot be read.
    """
    import cv2

    header = probe(data)
    pixels = _decoded(data, header)
    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    told = header.layout
    return Thumbnail(told.width, told.height, len(data), jpeg.tobytes())


def _decoded(data: Buffer, header: Header) -> Pixels:
    """Return upright 8-bit gray or BGR pixels, of a large JPEG an eighth of them a side."""
    import cv2
    import numpy as np

    if header.format == "jpeg" and min(header.width, header.height) >= FAST_FROM:
        small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_8)
        if small is not None:
            return small
    picture = decode(data, max_pixels=MAX_PIXELS, header=header)
    return over_white(to_depth(picture.pixels, "uint8"))
