"""The BMP file: its header, and whether it is whole. Source: Microsoft's BITMAPINFOHEADER."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from .errors import PictureError
from .source import Buffer, Source, ends_early

_PACKED: Final = frozenset({1, 2, 4, 5})


@dataclass(frozen=True, slots=True)
class Bmp:
    """What the header says; channels are those of the decoded pixels."""

    width: int
    height: int
    bits: int
    compression: int
    start: int
    stated: int
    channels: int


def read(source: Source) -> Bmp:
    """Return what the header says; PictureError where it is cut or wrong."""
    head = source.exactly(0, 30, "its header")
    stated, start, size = struct.unpack("<I4xII", head[2:18])
    if size == 12:
        width, height, _, bits = struct.unpack("<HHHH", head[18:26])
        compression, mask = 0, b""
    else:
        rest = source.exactly(18, 16, "its header")
        width, height, _, bits, compression = struct.unpack("<iiHHI", rest)
        mask = source.at(66, 4) if size >= 56 else b""
    if width <= 0 or not height or bits not in {1, 2, 4, 8, 16, 24, 32}:
        raise PictureError("corrupt", "the BMP header is impossible")
    channels = 4 if bits == 32 and any(mask) else 3
    if bits <= 8 and _gray_palette(source.at(14 + size, start - 14 - size), 3 if size == 12 else 4):
        channels = 1
    return Bmp(width, abs(height), bits, compression, start, stated, channels)


def _gray_palette(palette: bytes, width: int) -> bool:
    return palette[0::width] == palette[1::width] == palette[2::width]


def check(data: Buffer) -> None:
    """Raise PictureError("truncated") unless all rows are there."""
    found = read(Source(data))
    end = found.start + (found.width * found.bits + 31) // 32 * 4 * found.height
    if found.compression in _PACKED:
        end = found.stated
    if end > len(data):
        raise ends_early("its picture data", len(data))
