"""The JPEG 2000 file: its boxes, what they say, and whether it is whole.

Source: ITU-T T.800 annexes A and I.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from .boxes import Box, walk
from .errors import PictureError
from .source import Buffer, Source, ends_early

_BARE: Final = b"\xff\x4f\xff\x51"


@dataclass(slots=True)
class Jp2:
    """What the boxes say."""

    width: int = 0
    height: int = 0
    components: int = 0
    bits: int = 8
    icc: bytes | None = None


def read(source: Source) -> Jp2:
    """Return what the boxes or the bare codestream say; PictureError where they are cut."""
    if source.at(0, 4) == _BARE:
        return _codestream(source, 0)
    found = Jp2()
    for box in walk(source):
        if box.kind == b"jp2h":
            for inner in walk(source, box.start, box.end):
                _note(source, found, inner)
    if not found.width or not found.height:
        raise ends_early("its header", source.nbytes)
    return found


def _note(source: Source, found: Jp2, box: Box) -> None:
    if box.kind == b"ihdr":
        body = source.exactly(box.start, 14, "its header")
        found.height, found.width, found.components, bits = struct.unpack(">IIHB", body[:11])
        found.bits = (bits & 0x7F) + 1
    if box.kind == b"colr" and source.at(box.start, 1) == b"\2":
        found.icc = source.at(box.start + 3, box.end - box.start - 3)


def _codestream(source: Source, place: int) -> Jp2:
    body = source.exactly(place + 4, 38, "its header")
    right, bottom, left, top = struct.unpack(">IIII", body[4:20])
    count, bits = struct.unpack(">HB", body[36:38] + source.exactly(place + 42, 1, "its header"))
    if right <= left or bottom <= top:
        raise PictureError("corrupt", "the JPEG 2000 header is impossible")
    return Jp2(right - left, bottom - top, count, (bits & 0x7F) + 1)


def check(data: Buffer) -> None:
    """Raise PictureError("truncated") unless the codestream is there to its end marker."""
    source = Source(data)
    if source.at(0, 4) == _BARE:
        start, end = 0, source.nbytes
    else:
        streams = [box for box in walk(source) if box.kind == b"jp2c"]
        if not streams or streams[0].end > source.nbytes:
            raise ends_early("its picture data", source.nbytes)
        start, end = streams[0].start, streams[0].end
    if source.at(max(start, end - 2), 2) != b"\xff\xd9":
        raise ends_early("its picture data", source.nbytes)
