"""The header of AVIF and HEIC files: items, their properties, and the metadata among them.

Read here rather than by the decoders' libraries, because those are native code that a broken
file can crash, and headers are read in the process of whoever submits the picture.

Source: ISO/IEC 23008-12 (HEIF), 14496-12 (boxes), AV1 in ISOBMFF and AVIF.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .boxes import Box, walk
from .errors import PictureError
from .picture import Metadata
from .source import Source, ends_early

_LARGEST_META: Final = 64 << 20
_ALPHA: Final = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_XMP_TYPE: Final = b"application/rdf+xml"
_TURNS: Final = {
    (0, None): 1,
    (0, 1): 2,
    (0, 0): 4,
    (1, None): 8,
    (1, 1): 7,
    (1, 0): 5,
    (2, None): 3,
    (2, 1): 4,
    (2, 0): 2,
    (3, None): 6,
    (3, 1): 5,
    (3, 0): 7,
}
"""EXIF orientation by `irot` (quarter turns anti-clockwise) and then `imir` (its axis)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heif:
    """What the file says; size before turning; `bits` per sample as stored: 8, 10 or 12."""

    width: int
    height: int
    channels: int
    bits: int
    orientation: int
    frames: int
    metadata: Metadata


@dataclass(slots=True)
class _Meta:
    """The `meta` box, taken apart; properties are (kind, content)."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    owned: dict[int, list[int]] = field(default_factory=dict)
    places: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    references: list[tuple[bytes, int, list[int]]] = field(default_factory=list)
    inner: bytes = b""

    def of(self, item: int) -> dict[bytes, bytes]:
        """Return the properties of an item by kind."""
        numbers = self.owned.get(item, [])
        return dict(self.properties[n - 1] for n in numbers if 0 < n <= len(self.properties))

    def about_primary(self, kind: bytes) -> list[int]:
        """Return the items that refer to the primary picture in this way."""
        return [item for k, item, to in self.references if k == kind and self.primary in to]

    @property
    def has_alpha(self) -> bool:
        """Whether one of the auxiliary pictures is the primary one's transparency."""
        helpers = self.about_primary(b"auxl")
        return any(self.of(item).get(b"auxC", b"")[4:].startswith(_ALPHA) for item in helpers)


def read(source: Source) -> Heif:
    """Return what an AVIF or HEIC file says; PictureError where it is cut or broken."""
    meta = _Meta()
    frames = 1
    for box in walk(source):
        if box.kind == b"meta":
            if box.end > source.nbytes:
                raise ends_early("its header", source.nbytes)
            _take_apart(source, box, meta)
        if box.kind == b"moov":
            frames = _sample_count(source, box)
    return _facts(source, meta, frames)


def _facts(source: Source, meta: _Meta, frames: int) -> Heif:
    own = meta.of(meta.primary)
    if len(own.get(b"ispe", b"")) < 12:
        raise PictureError("corrupt", "the header gives no width and height")
    width, height = struct.unpack(">II", own[b"ispe"][4:12])
    if meta.kinds.get(meta.primary) != b"av01":
        width, height = _aperture(own.get(b"clap", b""), width, height)
    if not width or not height:
        raise PictureError("corrupt", "the header gives no width and height")
    bits, gray = _samples(own, dict(meta.properties))
    return Heif(
        width=width,
        height=height,
        channels=(1 if gray else 3) + (1 if meta.has_alpha else 0),
        bits=bits,
        orientation=_orientation(own),
        frames=max(1, frames),
        metadata=Metadata(_profile(meta), *_described(source, meta)),
    )


def _orientation(own: dict[bytes, bytes]) -> int:
    turn = own[b"irot"][0] & 3 if own.get(b"irot") else 0
    mirror = own[b"imir"][0] & 1 if own.get(b"imir") else None
    return _TURNS[turn, mirror]


def _aperture(clap: bytes, width: int, height: int) -> tuple[int, int]:
    """Return the size after HEIC's crop, which libheif applies."""
    if len(clap) < 16:
        return width, height
    numbers = struct.unpack(">IIII", clap[:16])
    if not numbers[1] or not numbers[3]:
        return width, height
    return numbers[0] // numbers[1], numbers[2] // numbers[3]


def _samples(own: dict[bytes, bytes], every: dict[bytes, bytes]) -> tuple[int, bool]:
    """Return bits per sample, and whether there is but one channel."""
    pixels = own.get(b"pixi", b"")
    if len(pixels) >= 6:
        return pixels[5], pixels[4] == 1
    coding = {**every, **own}
    av1, hevc = coding.get(b"av1C", b""), coding.get(b"hvcC", b"")
    if len(av1) >= 3:
        return (12 if av1[2] & 0x20 else 10) if av1[2] & 0x40 else 8, bool(av1[2] & 0x10)
    if len(hevc) >= 18:
        return 8 + (hevc[17] & 7), not hevc[16] & 3
    return 8, False


def _profile(meta: _Meta) -> bytes | None:
    for number in meta.owned.get(meta.primary, []):
        if 0 < number <= len(meta.properties):
            kind, body = meta.properties[number - 1]
            if kind == b"colr" and body[:4] in {b"prof", b"rICC"}:
                return body[4:] or None
    return None


def _described(source: Source, meta: _Meta) -> tuple[bytes | None, bytes | None]:
    """Return the content of the EXIF and XMP items that describe the primary picture."""
    exif = xmp = None
    for item in meta.about_primary(b"cdsc"):
        kind = meta.kinds.get(item)
        if kind == b"Exif" and exif is None:
            body = _content(source, meta, item)
            exif = body[4 + int.from_bytes(body[:4], "big") :].removeprefix(b"Exif\0\0") or None
        if kind == _XMP_TYPE and xmp is None:
            xmp = _content(source, meta, item) or None
    return exif, xmp


def _content(source: Source, meta: _Meta, item: int) -> bytes:
    pieces = []
    for method, offset, length in meta.places.get(item, []):
        if method == 1:
            pieces.append(meta.inner[offset : offset + length])
        elif method == 0 and length <= _LARGEST_META:
            pieces.append(source.at(offset, length))
    return b"".join(pieces)


def _take_apart(source: Source, box: Box, meta: _Meta) -> None:
    if box.end - box.start > _LARGEST_META:
        raise PictureError("corrupt", "the header is impossibly long")
    body = Source(source.at(box.start, box.end - box.start))
    try:
        for part in walk(body, 4):
            _note(body, part, meta)
    except (struct.error, IndexError) as error:
        raise PictureError("corrupt", "the header is broken") from error


def _note(body: Source, part: Box, meta: _Meta) -> None:
    content = _Cursor(body.at(part.start, part.end - part.start))
    match part.kind:
        case b"pitm":
            meta.primary = content.number(4 if content.version() else 2)
        case b"iinf":
            start = part.start + (8 if content.version() else 6)
            for entry in walk(body, start, part.end):
                _note_item(body, entry, meta)
        case b"iprp":
            _note_properties(body, part, meta)
        case b"iloc":
            meta.places.update(_locations(content))
        case b"iref":
            _note_references(body, part, meta, wide=bool(content.version()))
        case b"idat":
            meta.inner = content.data


def _note_item(body: Source, entry: Box, meta: _Meta) -> None:
    content = _Cursor(body.at(entry.start, entry.end - entry.start))
    item = content.number(2 if content.version() == 2 else 4)
    content.skip(2)
    kind = content.take(4)
    if kind == b"mime":
        kind = content.data[content.place :].split(b"\0")[1]
    meta.kinds[item] = kind


def _note_properties(body: Source, part: Box, meta: _Meta) -> None:
    for box in walk(body, part.start, part.end):
        if box.kind == b"ipco":
            for prop in walk(body, box.start, box.end):
                meta.properties.append((prop.kind, body.at(prop.start, prop.end - prop.start)))
        elif box.kind == b"ipma":
            for item, numbers in _associations(_Cursor(body.at(box.start, box.end - box.start))):
                meta.owned.setdefault(item, []).extend(numbers)


def _associations(content: _Cursor) -> Iterator[tuple[int, list[int]]]:
    head = content.take(4)
    width, wide = 4 if head[0] else 2, head[3] & 1
    for _ in range(content.number(4)):
        item = content.number(width)
        count = content.number(1)
        size, mask = (2, 0x7FFF) if wide else (1, 0x7F)
        yield item, [content.number(size) & mask for _ in range(count)]


def _locations(content: _Cursor) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
    """Yield each item's extents: (method: 0 in the file, 1 in `idat`; offset; length)."""
    version = content.version()
    sizes = content.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    for _ in range(content.number(4 if version == 2 else 2)):
        item = content.number(4 if version == 2 else 2)
        method = content.number(2) & 15 if version else 0
        content.skip(2)
        base = content.number(base_size)
        extents = []
        for _ in range(content.number(2)):
            content.skip(index_size)
            offset = base + content.number(offset_size)
            extents.append((method, offset, content.number(length_size)))
        yield item, extents


def _note_references(body: Source, part: Box, meta: _Meta, *, wide: bool) -> None:
    width = 4 if wide else 2
    for box in walk(body, part.start + 4, part.end):
        content = _Cursor(body.at(box.start, box.end - box.start))
        item = content.number(width)
        targets = [content.number(width) for _ in range(content.number(2))]
        meta.references.append((box.kind, item, targets))


def _sample_count(source: Source, box: Box) -> int:
    """Return how many frames the first track of a sequence has."""
    while box.kind != b"stsz":
        inner = next(
            (b for b in walk(source, box.start, min(box.end, source.nbytes)) if b.kind in _PATH),
            None,
        )
        if inner is None:
            return 1
        box = inner
    return int.from_bytes(source.at(box.start + 8, 4), "big")


_PATH: Final = frozenset({b"trak", b"mdia", b"minf", b"stbl", b"stsz"})


class _Cursor:
    """Reads numbers one after the other; IndexError where the data ends before."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, count: int) -> bytes:
        found = self.data[self.place : self.place + count]
        if len(found) < count:
            raise IndexError
        self.place += count
        return found

    def skip(self, count: int) -> None:
        self.take(count)

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def version(self) -> int:
        """Pass a full box's version and flags; return the version."""
        return self.take(4)[0]
