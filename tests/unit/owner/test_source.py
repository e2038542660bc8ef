"""What is read of a picture is what was digested, or the reader is told."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.node.errors import SourceChanged
from pixmesh.node.owner.job import FileIdentity
from pixmesh.node.owner.source import FileContent, FileSource, MemorySource
from pixmesh.ops.digest import digest_of

DATA = bytes(range(256)) * 5000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "p.jpg"
    path.write_bytes(DATA)
    return path


def test_any_part_can_be_read_in_any_order(path: Path) -> None:
    source = FileSource.of(path)
    assert (source.size, source.digest) == (len(DATA), digest_of(DATA))
    assert source.read(1_200_000, 80_000) == DATA[1_200_000:]
    assert source.read(10, 0) == b""
    assert source.read(0, source.size) == DATA


@given(st.integers(-2, 12), st.integers(-2, 12))
def test_bytes_that_are_not_there_are_refused(offset: int, length: int) -> None:
    source = MemorySource(b"0123456789")
    if offset >= 0 and length >= 0 and offset + length <= 10:
        assert source.read(offset, length) == b"0123456789"[offset : offset + length]
    else:
        with pytest.raises(ValueError, match="no bytes"):
            source.read(offset, length)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def rewrite(path: Path) -> None:
    path.write_bytes(DATA[::-1])
    os.utime(path, ns=(1, 1))


def replace(path: Path) -> None:
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(DATA)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def shrink(path: Path) -> None:
    os.truncate(path, 10)


@pytest.mark.parametrize("change", [grow, rewrite, replace, shrink])
def test_a_changed_file_is_noticed(path: Path, change) -> None:  # type: ignore[no-untyped-def]
    source = FileSource.of(path)
    assert source.read(0, 4) == DATA[:4]
    change(path)
    with pytest.raises(SourceChanged, match=r"p\.jpg changed"):
        source.read(0, 4)
    with pytest.raises(SourceChanged):
        _ = source.digest


def test_a_change_during_the_read_is_noticed(path: Path) -> None:
    source = FileSource.of(path)
    opened = source.opened()
    assert opened.__enter__().read(4) == DATA[:4]
    grow(path)
    with pytest.raises(SourceChanged):
        opened.__exit__(None, None, None)


def test_a_vanished_file_is_an_os_error(path: Path) -> None:
    source = FileSource.of(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        source.read(0, 4)


def test_thousands_of_sources_hold_no_descriptor(path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    sources = [FileSource.of(path) for _ in range(2000)]
    for source in sources:
        source.read(0, 1)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_stored_digest_is_used_without_reading(path: Path) -> None:
    source = FileSource(path, identity=FileIdentity.of(path), digest=b"known")
    path.unlink()
    assert source.digest == b"known"


def test_memory_and_file_sources_agree(path: Path) -> None:
    memory, file = MemorySource(DATA), FileSource.of(path)
    assert (memory.size, memory.digest) == (file.size, file.digest)


def test_a_file_is_content_that_stays(path: Path, tmp_path: Path) -> None:
    content = FileContent(path)
    with (tmp_path / "copy").open("wb") as file:
        content.write_to(file)
    content.close()
    assert (tmp_path / "copy").read_bytes() == content.bytes() == path.read_bytes()
    assert content.size == len(DATA)
