"""TIFF directories: the tagged entries that both TIFF files and EXIF blocks are made of.

A small file can say that a million entries share its bytes. So values are read where they are used,
and directories that are larger than their file are refused.

Source: TIFF 6.0 section 2; BigTIFF; Exif 2.32 section 4.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from .errors import PictureError
from .source import Source, ends_early

_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES_BIG: Final = {**_SIZES, 13: 4, 16: 8, 17: 8, 18: 8}
_WORDS: Final = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNSIGNED: Final = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_LARGEST_ENTRY: Final = 256 << 20
_MOST_ENTRIES: Final = 4096
_MOST_WITHIN: Final = 64

LONG: Final = 4
EXIF_TAG, GPS_TAG, INTEROP_TAG = 34665, 34853, 40965
_CHILDREN: Final = (EXIF_TAG, GPS_TAG, INTEROP_TAG)


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that are in a file, from `place` on, in its byte order."""

    source: Source
    place: int
    order: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag's values: the TIFF type, how many, and their little-endian bytes, or where these are.

    Those of a file can be had while it is open. PictureError where the file has become shorter.
    """

    kind: int
    count: int
    value: bytes | Stored

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return self.count * _SIZES_BIG[self.kind]

    @property
    def data(self) -> bytes:
        """All values, little-endian."""
        return self._first(self.nbytes)

    @property
    def numbers(self) -> Iterator[int]:
        """The values, where they are unsigned integers; else nothing."""
        if code := _UNSIGNED.get(self.kind):
            yield from (one for (one,) in struct.iter_unpack(f"<{code}", self.data))

    @property
    def number(self) -> int | None:
        """The first value, where it is an unsigned integer."""
        code, size = _UNSIGNED.get(self.kind), _SIZES_BIG[self.kind]
        return int(struct.unpack(f"<{code}", self._first(size))[0]) if code else None

    def _first(self, size: int) -> bytes:
        if isinstance(self.value, bytes):
            return self.value[:size]
        data = self.value.source.exactly(self.value.place, size, "a tag's values")
        return data if self.value.order == "<" else _swap(self.kind, data)


Directory: TypeAlias = dict[int, Entry]


def number(one: Directory, tag: int, default: int = 0) -> int:
    """Return the first value of a tag, or the default where it is not there or no number."""
    found = one[tag].number if tag in one else None
    return default if found is None else found


@dataclass(frozen=True, slots=True)
class Frame:
    """How a file's directories are laid out: its byte order, wide (BigTIFF) or not."""

    order: str
    big: bool
    first: int

    @property
    def entry_size(self) -> int:
        """Bytes per entry."""
        return 20 if self.big else 12

    def integer(self, raw: bytes) -> int:
        """Return the unsigned integer that `raw` holds."""
        return int.from_bytes(raw, "little" if self.order == "<" else "big")


def read_frame(source: Source) -> Frame:
    """Return the layout from the first bytes; PictureError where they are not TIFF's."""
    head = source.exactly(0, 8, "its header")
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        raise PictureError("corrupt", "the TIFF header has no byte order")
    frame = Frame(order, frame_is_big(head, order), 0)
    first = source.exactly(8, 8, "its header") if frame.big else head[4:8]
    return Frame(order, frame.big, frame.integer(first))


def frame_is_big(head: bytes, order: str) -> bool:
    """Tell BigTIFF from classic TIFF by the magic number."""
    return bool(struct.unpack(order + "H", head[2:4])[0] == 43)


class Read(NamedTuple):
    """A directory, where the next one is (0: nowhere), and the bytes that its table takes."""

    entries: Directory
    after: int
    size: int


def read_directory(source: Source, frame: Frame, offset: int) -> Read:
    """Return the directory at `offset`.

    Values of unknown type are passed over; PictureError where the file ends inside it, or where it
    is larger than can be.
    """
    width = 8 if frame.big else 2
    count = frame.integer(source.exactly(offset, width, "a directory"))
    size = count * frame.entry_size
    if offset + size > source.nbytes:
        raise ends_early("a directory", source.nbytes)
    if count > _MOST_ENTRIES:
        raise PictureError("corrupt", f"a directory has {count} entries: nobody writes that many")
    table = source.exactly(offset + width, size + (8 if frame.big else 4), "a directory")
    found: Directory = {}
    for start in range(0, size, frame.entry_size):
        tag, entry = _read_entry(source, frame, table[start : start + frame.entry_size])
        if entry is not None:
            found.setdefault(tag, entry)
    if sum(entry.nbytes for entry in found.values()) > source.nbytes:
        raise PictureError("corrupt", "a directory's values are larger than the file")
    return Read(found, frame.integer(table[size:]), size)


def _read_entry(source: Source, frame: Frame, raw: bytes) -> tuple[int, Entry | None]:
    tag, kind = struct.unpack(frame.order + "HH", raw[:4])
    width = 8 if frame.big else 4
    count = frame.integer(raw[4 : 4 + width])
    size = _SIZES_BIG.get(kind, 0) * count
    if not size or size > _LARGEST_ENTRY:
        return tag, None
    if size <= width:
        data = raw[4 + width :][:size]
        return tag, Entry(kind, count, data if frame.order == "<" else _swap(kind, data))
    place = frame.integer(raw[4 + width :])
    if place + size > source.nbytes:
        raise ends_early(f"its tag {tag}", source.nbytes)
    return tag, Entry(kind, count, Stored(source, place, frame.order))


def _swap(kind: int, data: bytes) -> bytes:
    """Reverse the bytes of each word."""
    word = _WORDS.get(kind, 1)
    if word == 1:
        return data
    return b"".join(data[i : i + word][::-1] for i in range(0, len(data), word))


def read_all(
    source: Source, frame: Frame, *, most: int, within: int | None = None
) -> Iterator[Directory]:
    """Yield a file's directories, `most` of them, each once, the first one first.

    Those that an entry `within` names follow the one that has it. PictureError where there is none,
    and as `read_directory` does.
    """
    waiting, seen, size = [frame.first], set[int](), 0
    while waiting and len(seen) < most:
        place = waiting.pop(0)
        if not place or place in seen:
            continue
        seen.add(place)
        one, after, nbytes = read_directory(source, frame, place)
        size += nbytes
        if size > source.nbytes:
            raise PictureError("corrupt", "its directories are larger than the file")
        yield one
        if within in one and one[within].count <= _MOST_WITHIN:
            waiting += one[within].numbers
        waiting.append(after)
    if not seen:
        raise PictureError("truncated", "the TIFF has no directory: it was never finished")


def read_children(source: Source, frame: Frame, parent: Directory) -> dict[int, Directory]:
    """Return the Exif, GPS and interoperability directories of `parent` that can be read."""
    found: dict[int, Directory] = {}
    for tag in _CHILDREN:
        holder = found.get(EXIF_TAG, {}) if tag == INTEROP_TAG else parent
        if place := number(holder, tag):
            try:
                found[tag] = read_directory(source, frame, place).entries
            except PictureError:
                continue
    return found


def write_directory(entries: Mapping[int, Entry], base: int) -> bytes:
    """Return a little-endian classic directory that will stand at offset `base`, no next one."""
    size = 2 + 12 * len(entries) + 4
    table, tail = [struct.pack("<H", len(entries))], bytearray()
    for tag, entry in sorted(entries.items()):
        data = field = entry.data
        if len(data) > 4:
            field = struct.pack("<I", base + size + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        table.append(struct.pack("<HHI", tag, entry.kind, entry.count) + field.ljust(4, b"\0"))
    return b"".join([*table, b"\0\0\0\0", tail])


def write_tree(top: Directory, children: Mapping[int, Directory], base: int) -> tuple[bytes, int]:
    """Return bytes to stand at `base` with `top` and its children, and where `top` starts."""
    children = {tag: dict(child) for tag, child in children.items()}
    top = {tag: entry for tag, entry in top.items() if tag not in _CHILDREN}
    body = b""
    for tag in reversed([tag for tag in _CHILDREN if tag in children]):
        holder = children.get(EXIF_TAG, top) if tag == INTEROP_TAG else top
        holder[tag] = Entry(LONG, 1, struct.pack("<I", base + len(body)))
        body += write_directory(children[tag], base + len(body))
        body += b"\0" * (len(body) % 2)
    return body + write_directory(top, base + len(body)), base + len(body)
