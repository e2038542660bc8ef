"""The WebP file: its chunks, what they say, and whether it is whole.

Source: RFC 9649 (WebP container and bitstreams).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .errors import PictureError
from .picture import Metadata
from .source import Buffer, Source, ends_early


@dataclass(slots=True)
class Webp:
    """What the chunks say."""

    width: int = 0
    height: int = 0
    alpha: bool = False
    lossless: bool = False
    frames: int = 0
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    @property
    def metadata(self) -> Metadata:
        """The metadata chunks."""
        return Metadata(icc=self.icc, exif=self.exif, xmp=self.xmp)


def read(source: Source) -> Webp:
    """Return what the chunks say; PictureError where no picture is among them."""
    found = Webp()
    for kind, offset, length in _chunks(source):
        match kind:
            case b"VP8X":
                _canvas(found, source.exactly(offset, 10, "its header"))
            case b"VP8 " | b"VP8L":
                _bitstream(found, kind, source.exactly(offset, 10, "its header"))
            case b"ANMF":
                found.frames += 1
                inner = source.at(offset + 16, 4)
                found.lossless = found.lossless or inner == b"VP8L"
            case b"ICCP":
                found.icc = source.at(offset, length)
            case b"EXIF":
                found.exif = source.at(offset, length).removeprefix(b"Exif\0\0")
            case b"XMP ":
                found.xmp = source.at(offset, length)
    if not found.width or not found.height:
        raise ends_early("its header", source.nbytes)
    found.frames = max(1, found.frames)
    return found


def _chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, where its content starts, how long it is)."""
    end = min(source.nbytes, 8 + int.from_bytes(source.at(4, 4), "little"))
    place = 12
    while place + 8 <= end:
        head = source.at(place, 8)
        length = int.from_bytes(head[4:], "little")
        yield head[:4], place + 8, length
        place += 8 + length + length % 2


def _canvas(found: Webp, body: bytes) -> None:
    found.alpha = bool(body[0] & 0x10)
    found.width = 1 + int.from_bytes(body[4:7], "little")
    found.height = 1 + int.from_bytes(body[7:10], "little")


def _bitstream(found: Webp, kind: bytes, body: bytes) -> None:
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        size = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        found.lossless = True
        found.alpha = found.alpha or bool(bits >> 28 & 1)
    else:
        if body[3:6] != b"\x9d\x01\x2a":
            raise PictureError("corrupt", "the WebP's picture does not start as it should")
        size = (
            int.from_bytes(body[6:8], "little") & 0x3FFF,
            int.from_bytes(body[8:10], "little") & 0x3FFF,
        )
    if not found.width:
        found.width, found.height = size


def check(data: Buffer) -> None:
    """Raise PictureError("truncated") unless the file is as long as it says."""
    stated = 8 + int.from_bytes(bytes(data[4:8]), "little")
    if stated > len(data):
        raise ends_early(f"its picture data ({stated} bytes were announced)", len(data))
