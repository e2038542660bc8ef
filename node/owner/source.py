"""The encoded pixels of a picture as a job reads them: from a file, or from memory.

Owns that what is read is what was digested: the file's identity is checked around every
read, and a file that changed is never mixed with what it was. It knows nothing of jobs.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from ...ops.digest import DIGEST_BYTES, digest_of
from ..errors import SourceChanged
from .job import FileIdentity

SOURCE_CHANGED: Final = "source-changed"
"""The code of a Failure that means: read the picture again, under its new id."""

BLOCK: Final = 1 << 20


class FileSource:
    """A picture in a file.

    The file is opened for each read: thousands of jobs in flight hold no descriptor, and a
    file replaced by another of the same name is noticed by its inode.
    """

    __slots__ = ("_digest", "identity", "path")

    def __init__(self, path: Path, *, identity: FileIdentity, digest: bytes | None = None) -> None:
        self.path = path
        self.identity = identity
        self._digest = digest

    @classmethod
    def of(cls, path: Path) -> "FileSource":
        """Take the file as it is now. Raises OSError."""
        return cls(path, identity=FileIdentity.of(path))

    def __repr__(self) -> str:
        return f"FileSource({str(self.path)!r})"

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.identity.size

    @property
    def digest(self) -> bytes:
        """The BLAKE2b-256 digest of all of them, computed once.

        Raises SourceChanged or OSError.
        """
        if self._digest is None:
            with self.opened() as file:
                self._digest = digest_of_file(file)
        return self._digest

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly the bytes asked for.

        Raises SourceChanged when they are no longer what was digested, OSError when the
        picture cannot be read, ValueError for bytes that it does not have.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise ValueError(f"{self.path}: no bytes {offset}+{length} in {self.size}")
        with self.opened() as file:
            file.seek(offset)
            data = _read_fully(file, length)
        if len(data) != length:
            raise self._changed()
        return data

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file for reading, unbuffered; check its identity before and after.

        Raises SourceChanged, or OSError.
        """
        with open(self.path, "rb", buffering=0) as file:  # noqa: PTH123  # hot
            self._check(file)
            yield file
            self._check(file)

    def _check(self, file: BinaryIO) -> None:
        found = os.fstat(file.fileno())
        if FileIdentity(found.st_size, found.st_mtime_ns, found.st_ino) != self.identity:
            raise self._changed()

    def _changed(self) -> SourceChanged:
        return SourceChanged(
            f"{self.path} changed while it was being read",
            remedy="wait until it is completely written, then run the same command again",
        )


class MemorySource:
    """A picture whose encoded bytes are already in memory."""

    __slots__ = ("_data", "_digest")

    def __init__(self, data: bytes, *, digest: bytes | None = None) -> None:
        self._data = data
        self._digest = digest

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._data)

    @property
    def digest(self) -> bytes:
        """The BLAKE2b-256 digest of all of them, computed once."""
        if self._digest is None:
            self._digest = digest_of(self._data)
        return self._digest

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly the bytes asked for; ValueError for bytes that it does not have."""
        if offset < 0 or length < 0 or offset + length > len(self._data):
            raise ValueError(f"no bytes {offset}+{length} in {len(self._data)}")
        return self._data[offset : offset + length]

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open them for reading."""
        yield io.BytesIO(self._data)


class FileContent:
    """A result that is already a file: another output of the same job."""

    __slots__ = ("_path", "_size")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._size

    def bytes(self) -> bytes:
        """Return all of them."""
        return self._path.read_bytes()

    def write_to(self, file: BinaryIO) -> None:
        """Write all of them to a file open for writing."""
        with self._path.open("rb", buffering=0) as mine:
            while block := mine.read(BLOCK):
                file.write(block)

    def close(self) -> None:
        """Leave the file where it is."""


def digest_of_file(file: BinaryIO) -> bytes:
    """Return the digest of an unbuffered file from its position to its end."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    block = memoryview(bytearray(BLOCK))
    while count := _read_into(file, block):
        digest.update(block[:count])
    return digest.digest()


def _read_into(file: BinaryIO, block: memoryview) -> int:
    assert isinstance(file, io.RawIOBase)  # noqa: S101  # what buffering=0 gives
    return file.readinto(block) or 0


def _read_fully(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) == length or not data:
        return data
    parts, left = [data], length - len(data)
    while left and (more := file.read(left)):
        parts.append(more)
        left -= len(more)
    return b"".join(parts)
