"""ISO boxes, which AVIF, HEIC and JPEG 2000 files are made of. Source: ISO/IEC 14496-12."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .source import Buffer, Source, ends_early


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its kind, where its content starts, and where it ends (may lie past the file)."""

    kind: bytes
    start: int
    end: int


def walk(source: Source, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes between two offsets; the last one may be cut."""
    end = source.nbytes if end is None else end
    while start < end:
        head = source.at(start, 16)
        size, body = int.from_bytes(head[:4], "big"), start + 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), start + 16
        if size == 0 and len(head) >= 8:
            size = end - start
        after = start + size if len(head) >= 8 and size >= body - start else start + (1 << 62)
        yield Box(head[4:8], body, after)
        start = after


def check(data: Buffer) -> None:
    """Raise PictureError("truncated") unless every box of the file is in it, pixels included."""
    source = Source(data)
    kinds = set()
    for box in walk(source):
        if box.end > source.nbytes:
            raise ends_early("its picture data", source.nbytes)
        kinds.add(box.kind)
    if b"meta" not in kinds and b"moov" not in kinds:
        raise ends_early("its header", source.nbytes)
