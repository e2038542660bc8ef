"""The JPEG file: its segments, what they say, whether it is whole, and how metadata goes in.

Source: ITU-T T.81 annex B; JFIF 1.02; Exif 2.32; the ICC profile's annex B.4; XMP part 3.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .errors import PictureError
from .picture import Metadata
from .source import Buffer, Source, ends_early

SOI, EOI, SOS, APP0, APP1, APP2 = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_EXIF: Final = b"Exif\0\0"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_ICC: Final = b"ICC_PROFILE\0"
_END: Final = re.compile(rb"\xff\xd9")
_LARGEST_SEGMENT: Final = 65533


@dataclass(slots=True)
class Jpeg:
    """What the segments before the first scan say."""

    width: int = 0
    height: int = 0
    components: int = 0
    precision: int = 8
    exif: bytes | None = None
    xmp: bytes | None = None
    profile: dict[int, bytes] = field(default_factory=dict)
    scan: int = 0

    @property
    def metadata(self) -> Metadata:
        """The metadata segments, put together."""
        icc = b"".join(self.profile[number] for number in sorted(self.profile))
        return Metadata(icc=icc or None, exif=self.exif, xmp=self.xmp)


def read(source: Source) -> Jpeg:
    """Return what stands before the first scan; PictureError where there is none."""
    found = Jpeg()
    for marker, offset, length in _segments(source):
        if marker in _FRAMES:
            _frame(found, source.exactly(offset, 6, "its frame header"))
        elif marker == APP1 and found.exif is None:
            body = source.at(offset, length)
            if body.startswith(_EXIF):
                found.exif = body[len(_EXIF) :]
        if marker == APP1 and found.xmp is None:
            body = source.at(offset, length)
            if body.startswith(_XMP):
                found.xmp = body[len(_XMP) :]
        elif marker == APP2:
            _profile_part(found, source.at(offset, length))
        elif marker == SOS:
            found.scan = offset + length
    return _sound(found)


def _sound(found: Jpeg) -> Jpeg:
    if not found.width or not found.height:
        raise PictureError("corrupt", "the JPEG header gives no width and height")
    if found.precision != 8:
        raise PictureError("unsupported", f"a JPEG of {found.precision} bits is not read here")
    return found


def _segments(source: Source) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, where its content starts, how long it is), up to the first scan."""
    place = 2
    while True:
        place = _next_marker(source, place)
        marker = source.exactly(place, 1, "its header")[0]
        place += 1
        if marker in _BARE:
            continue
        if marker == EOI:
            raise PictureError("corrupt", f"the JPEG ends at byte {place} without a picture")
        length = int.from_bytes(source.exactly(place, 2, "its header"), "big") - 2
        if length < 0:
            raise PictureError("corrupt", f"a JPEG segment at byte {place} has a negative length")
        if place + 2 + length > source.nbytes:
            raise ends_early("its header", source.nbytes)
        yield marker, place + 2, length
        if marker == SOS:
            return
        place += 2 + length


def _next_marker(source: Source, place: int) -> int:
    """Return where the next marker's second byte is; stray bytes before it are passed over."""
    while True:
        piece = source.exactly(place, 2, "its header")
        if piece[0] == 0xFF and piece[1] not in {0x00, 0xFF}:
            return place + 1
        place += 1


def _frame(found: Jpeg, body: bytes) -> None:
    if not found.width:
        found.precision, found.height, found.width, found.components = struct.unpack(">BHHB", body)


def _profile_part(found: Jpeg, body: bytes) -> None:
    if body.startswith(_ICC) and len(body) > len(_ICC) + 2:
        found.profile.setdefault(body[len(_ICC)], body[len(_ICC) + 2 :])


def check(data: Buffer, scan: int) -> None:
    """Raise PictureError("truncated") unless the picture whose scan starts at `scan` ends.

    Whatever follows the end is left alone: trailing bytes and second pictures are common.
    An end marker cannot occur inside a scan (T.81 B.1.1.5), so the first one is the end.
    """
    if bytes(data[-2:]) != b"\xff\xd9" and not _END.search(data, scan):
        raise PictureError("truncated", "the JPEG's end is missing: its last rows were cut off")


def embed(data: bytes, metadata: Metadata) -> bytes:
    """Return the JPEG with the metadata's segments put in after its first ones.

    An EXIF or XMP block over 64 KiB does not fit a segment and is left out.
    """
    start = 2
    if data[2:4] == b"\xff\xe0":
        start = 4 + int.from_bytes(data[4:6], "big")
    parts = [data[:start]]
    for mark, body in ((_EXIF, metadata.exif), (_XMP, metadata.xmp)):
        if body and len(mark) + len(body) <= _LARGEST_SEGMENT:
            parts.append(_segment(APP1, mark + body))
    room = _LARGEST_SEGMENT - len(_ICC) - 2
    icc = metadata.icc or b""
    pieces = [icc[i : i + room] for i in range(0, len(icc), room)]
    for number, piece in enumerate(pieces, start=1):
        parts.append(_segment(APP2, _ICC + bytes([number, len(pieces)]) + piece))
    return b"".join([*parts, memoryview(data)[start:]])


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
