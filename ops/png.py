"""The PNG file: its chunks, what they say, whether it is whole, and how metadata goes in.

Source: PNG specification, third edition; XMP part 3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .errors import PictureError
from .picture import Metadata
from .source import Buffer, Source, ends_early

_XMP_KEY: Final = b"XML:com.adobe.xmp"
_LARGEST_TEXT: Final = 64 << 20
_CHANNELS: Final = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_KEPT: Final = frozenset({b"IHDR", b"tRNS", b"acTL", b"iCCP", b"eXIf", b"iTXt", b"tEXt"})


@dataclass(slots=True)
class Png:
    """What the chunks say; channels and depth are those of the decoded pixels."""

    width: int = 0
    height: int = 0
    depth: int = 8
    channels: int = 0
    frames: int = 1
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    @property
    def metadata(self) -> Metadata:
        """The metadata chunks."""
        return Metadata(icc=self.icc, exif=self.exif, xmp=self.xmp)


def read(source: Source) -> Png:
    """Return what the chunks say; PictureError where the first one is cut or wrong."""
    found = Png()
    for kind, offset, length in _chunks(source):
        if kind in _KEPT and offset + length <= source.nbytes:
            _note(found, kind, source.at(offset, length))
    if not found.width:
        raise ends_early("its header", source.nbytes)
    return found


def _chunks(source: Source) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, where its content starts, how long it is), to IEND or the file's end."""
    place = 8
    while len(head := source.at(place, 8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        yield kind, place + 8, length
        if kind == b"IEND":
            return
        place += length + 12


def _note(found: Png, kind: bytes, body: bytes) -> None:
    match kind:
        case b"IHDR" if len(body) == 13:
            _shape(found, body)
        case b"tRNS" if found.channels in {1, 3}:
            found.channels += 1
        case b"acTL" if len(body) == 8:
            found.frames = max(1, int.from_bytes(body[:4], "big"))
        case b"iCCP":
            name, _, rest = body.partition(b"\0")
            found.icc = _inflate(rest[1:]) if name else None
        case b"eXIf":
            found.exif = body.removeprefix(b"Exif\0\0")
        case b"iTXt" | b"tEXt" if body.startswith(_XMP_KEY + b"\0"):
            found.xmp = _text(body[len(_XMP_KEY) + 1 :]) if kind == b"iTXt" else _plain(body)


def _shape(found: Png, body: bytes) -> None:
    found.width, found.height, bits, colour = struct.unpack(">IIBB", body[:10])
    found.channels = _CHANNELS.get(colour, 0)
    found.depth = 16 if bits == 16 else 8
    if not found.width or not found.height or not found.channels:
        raise PictureError("corrupt", "the PNG header is impossible")


def _text(body: bytes) -> bytes | None:
    """Return an iTXt chunk's text, after its keyword: flags, language, translation, text."""
    packed, rest = body[:1] == b"\1", body[2:].split(b"\0", 2)
    if len(rest) < 3:
        return None
    return _inflate(rest[2]) if packed else rest[2]


def _plain(body: bytes) -> bytes:
    return body[len(_XMP_KEY) + 1 :].rstrip(b"\0")


def _inflate(packed: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(packed, _LARGEST_TEXT) or None
    except zlib.error:
        return None


def check(data: Buffer) -> None:
    """Raise PictureError("truncated") unless every chunk, IEND included, is in the file."""
    source = Source(data)
    kind, offset, length = b"", 8, 0
    for kind, offset, length in _chunks(source):  # noqa: B007 - the last one is asked about
        pass
    if kind != b"IEND" or offset + length + 4 > source.nbytes:
        raise ends_early("its picture data", source.nbytes)


def damage(data: Buffer) -> str:
    """Return which chunk fails its checksum, in words; "" when none does."""
    view = memoryview(data)
    for kind, offset, length in _chunks(Source(data)):
        stored = int.from_bytes(view[offset + length : offset + length + 4], "big")
        if zlib.crc32(view[offset - 4 : offset + length]) != stored:
            return f"its {kind.decode('latin-1')} chunk at byte {offset - 8} fails its checksum"
    return ""


def embed(data: bytes, metadata: Metadata) -> bytes:
    """Return the PNG with the metadata's chunks put in after its header."""
    start = 8 + 25
    parts = [data[:start]]
    if metadata.icc:
        parts.append(_chunk(b"iCCP", b"icc\0\0" + zlib.compress(metadata.icc)))
    if metadata.exif:
        parts.append(_chunk(b"eXIf", metadata.exif))
    if metadata.xmp:
        parts.append(_chunk(b"iTXt", _XMP_KEY + b"\0\0\0\0\0" + metadata.xmp))
    return b"".join([*parts, memoryview(data)[start:]])


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
