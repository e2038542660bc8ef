"""What a TIFF's directories say is read in little time and memory, however they are made."""

import io
import struct
import tracemalloc
from collections.abc import Callable

import pytest

from pixmesh.ops import directory, raw, tiff
from pixmesh.ops.errors import PictureError
from pixmesh.ops.header import probe
from pixmesh.ops.source import Source
from pixmesh.tests.support.dng import LONG, SHORT, directory_of

BYTE, ENTRY, LAST = 1, 12, b"\0\0\0\0"
MOST_MEMORY = 8 << 20
PLAIN = {
    256: (LONG, 40),
    257: (LONG, 30),
    258: (SHORT, 8),
    259: (SHORT, 1),
    262: (SHORT, 1),
    277: (SHORT, 1),
}


def entry(tag: int, kind: int, count: int, place: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, place)


def table(*entries: bytes, after: int = 0) -> bytes:
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", after)


def file(*tables: bytes, size: int = 0) -> bytes:
    return (b"II*\0" + struct.pack("<I", 8) + b"".join(tables)).ljust(size, b"\0")


def probe_in_little_memory(data: bytes) -> None:
    opened = io.BytesIO(data)
    tracemalloc.start()
    try:
        probe(opened)
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < MOST_MEMORY


def test_entries_that_share_a_files_bytes_are_refused_before_they_are_read() -> None:
    shared = [entry(1000 + tag, BYTE, 1 << 20, 8) for tag in range(400)]
    with pytest.raises(PictureError, match="values are larger than the file") as raised:
        probe_in_little_memory(file(table(*shared), size=1_050_000))
    assert raised.value.code == "corrupt"


def test_values_that_nobody_asks_for_are_not_read() -> None:
    """Twenty pages that share an entry as large as the file: allowed, and never in memory."""
    numbers = [entry(tag, kind, 1, one) for tag, (kind, one) in PLAIN.items()]
    pages, place = [], 8
    for page in range(20):
        place += 2 + ENTRY * (len(numbers) + 1) + 4
        after = place if page < 19 else 0
        pages.append(table(*numbers, entry(60_000, BYTE, 9 << 20, 8), after=after))
    data = file(*pages, size=10 << 20)
    header = probe(data)
    assert (header.format, header.width, header.height, header.frames) == ("tiff", 40, 30, 20)
    probe_in_little_memory(data)


def test_more_entries_than_anybody_writes_are_refused() -> None:
    many = [entry(tag, SHORT, 1, 1) for tag in range(5000)]
    with pytest.raises(PictureError, match="5000 entries"):
        probe(file(table(*many)))


def test_directories_that_overlap_are_refused_before_all_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thousand of 4,000 entries each, every one four bytes after the one before."""
    count, places = 4000, range(8, 4008, 4)
    words = struct.pack("<H", count) * (1 + count * ENTRY // 2)
    nexts = [place + 4 for place in places[:-1]]
    data = file(words, struct.pack(f"<{len(nexts)}I", *nexts), LAST)
    reads: list[int] = []
    real = directory.read_directory

    def counted(source: Source, frame: directory.Frame, place: int) -> directory.Read:
        reads.append(place)
        return real(source, frame, place)

    monkeypatch.setattr(directory, "read_directory", counted)
    with pytest.raises(PictureError, match="directories are larger than the file"):
        tiff.read(Source(data))
    assert reads == [8, 12]


@pytest.mark.parametrize("read", [tiff.read, raw.read])
def test_a_file_without_a_directory_was_never_finished(read: Callable[[Source], object]) -> None:
    start = b"II*\0" if read is tiff.read else b"IIRO"
    with pytest.raises(PictureError, match="never finished") as raised:
        read(Source(start + LAST))
    assert raised.value.code == "truncated"


def test_values_beyond_the_end_are_told_of_before_they_are_read() -> None:
    with pytest.raises(PictureError, match="inside its tag 700") as raised:
        probe(file(table(entry(700, BYTE, 100, 1000))))
    assert raised.value.code == "truncated"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "code"), [(1, "B"), (3, "H"), (4, "I")])
@pytest.mark.parametrize("count", [1, 3, 500])
def test_numbers_are_what_was_written(order: str, kind: int, code: str, count: int) -> None:
    written = [(7 * number + 3) % 251 for number in range(count)]
    data = struct.pack(f"{order}{count}{code}", *written)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    field = struct.pack(f"{order}I", 26) if len(data) > 4 else data.ljust(4, b"\0")
    body = struct.pack(f"{order}HHHI", 1, 258, kind, count) + field + LAST
    source = Source(head + body + data)
    one = directory.read_directory(source, directory.read_frame(source), 8).entries[258]
    assert list(one.numbers) == written
    assert (one.number, directory.number({258: one}, 258)) == (3, 3)
    assert struct.unpack(f"<{count}{code}", one.data) == tuple(written)
    assert (directory.number({}, 258), directory.number({}, 258, 9)) == (0, 9)


def test_a_text_is_no_number() -> None:
    source = Source(b"II*\0" + struct.pack("<I", 8) + directory_of({271: (2, [65, 0])}, 8))
    entries = directory.read_directory(source, directory.read_frame(source), 8).entries
    assert (list(entries[271].numbers), entries[271].number) == ([], None)
