"""A picture made small, to be looked at in passing: a few kilobytes, whatever it was."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from .complaints import missing_pixels, overheard
from .decode import MAX_PIXELS, check, decode
from .errors import PictureError
from .header import Header, probe
from .picture import has_alpha, over_white, to_depth

if TYPE_CHECKING:
    from .picture import Pixels
    from .source import Buffer

SIDE: Final = 96
QUALITY: Final = 80
FAST_FROM: Final = 8 * SIDE
"""From this many pixels of its smaller side a JPEG is decoded at an eighth."""

STRIP: Final = 1 << 16
"""Pixels made 8-bit and opaque at a time: on the way there they take many times as much."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The picture as a JPEG of at most SIDE pixels a side; its own width, height and bytes."""

    width: int
    height: int
    size: int
    jpeg: bytes


def thumbnail(data: Buffer) -> Thumbnail:
    """Return the picture in ``data`` made small: upright, alpha over white, 8 bits.

    PictureError where it cannot be read. Beside what `decode` needs it takes at most 3 bytes a
    pixel.
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


def small_pixels(jpeg: Buffer) -> Pixels:
    """Return the upright gray or BGR pixels of a thumbnail that somebody else made.

    PictureError for anything but a whole JPEG of at most SIDE pixels a side: nothing larger is
    decoded. Pillow does it, in silence: `decode` listens to what OpenCV says, and for that takes
    the whole process's stderr, on which a screen may be drawn.
    """
    import cv2
    import numpy as np
    from PIL import Image

    header = probe(jpeg)
    if header.format != "jpeg":
        raise PictureError("unsupported", f"a thumbnail is a JPEG, this is {header.format}")
    if max(header.width, header.height) > SIDE:
        raise PictureError("too-large", f"a thumbnail has at most {SIDE} pixels a side")
    check(jpeg, header)
    try:
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as image:
            pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureError("corrupt", f"the thumbnail cannot be read: {error}") from error
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)


def _decoded(data: Buffer, header: Header) -> Pixels:
    """Return upright 8-bit gray or BGR pixels, of a large JPEG an eighth of them a side."""
    if header.format == "jpeg" and min(header.width, header.height) >= FAST_FROM:
        small = _eighth(data, header)
        if small is not None:
            return small
    return _flat(decode(data, max_pixels=MAX_PIXELS, header=header).pixels)


def _eighth(data: Buffer, header: Header) -> Pixels | None:
    """Return a JPEG at an eighth of its size, upright; None where `decode` can say what is wrong.

    OpenCV shrinks it while it decodes, and turns it by its EXIF orientation.
    """
    import cv2
    import numpy as np

    check(data, header)
    with overheard() as lines:
        try:
            small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_COLOR_8)
        except (cv2.error, MemoryError):
            return None
    expected = -(-header.layout.height // 8), -(-header.layout.width // 8)
    if small is None or missing_pixels(lines) or small.shape[:2] != expected:
        return None
    return small


def _flat(pixels: Pixels) -> Pixels:
    """Return 8-bit gray or BGR pixels, over white where they are transparent."""
    import numpy as np

    if pixels.dtype == np.uint8 and not has_alpha(pixels):
        return pixels
    height, width = pixels.shape[:2]
    gray = pixels.ndim == 2 or pixels.shape[2] == 2
    flat = np.empty((height, width) if gray else (height, width, 3), np.uint8)
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        strip = slice(top, top + rows)
        flat[strip] = over_white(to_depth(pixels[strip], "uint8"))
    return flat
