"""A result's bytes at the owner: in memory, or in its spool when they are many.

Each is the sink of a transfer first, unless it came inline, and a ``job.Content`` when it is
complete. ``close`` only says so, from any thread; the session lets go of what is behind it.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ...broker.wire import Buffer
from ...ops.digest import DIGEST_BYTES, digest_of
from ..spool import SpoolFile

SPOOLED_FROM = 64 * 1024 * 1024
BLOCK = 1024 * 1024


class InlineContent:
    """Bytes that came whole, with the word of them."""

    __slots__ = ("_data", "close")

    def __init__(self, data: bytes | bytearray, *, on_close: Callable[[], None]) -> None:
        self._data = data
        self.close = on_close

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._data)

    def digest(self) -> bytes:
        """Return the digest of what is here."""
        return digest_of(self._data)

    def bytes(self) -> bytes:
        """Return all of them."""
        return bytes(self._data)

    def write_to(self, file: BinaryIO) -> None:
        """Write all of them to a file."""
        file.write(self._data)

    def discard(self) -> None:
        """Let them go."""


class MemoryContent(InlineContent):
    """Bytes in memory, as they come."""

    __slots__ = ("_room",)

    def __init__(self, size: int, *, on_close: Callable[[], None]) -> None:
        self._room = bytearray(size)
        super().__init__(self._room, on_close=on_close)

    def write(self, offset: int, data: Buffer) -> None:
        """Put bytes at their place."""
        self._room[offset : offset + len(data)] = data


class SpooledContent:
    """Bytes in a file of the owner's spool."""

    def __init__(self, path: Path, size: int, *, on_close: Callable[[], None]) -> None:
        self._file = SpoolFile(path, size)
        self._size = size
        self.close = on_close

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._size

    def write(self, offset: int, data: Buffer) -> None:
        """Put bytes at their place. Raises OSError."""
        self._file.write(offset, data)

    def digest(self) -> bytes:
        """Return the digest of what is here."""
        name = hashlib.blake2b(digest_size=DIGEST_BYTES)
        with self._file.path.open("rb") as file:
            while block := file.read(BLOCK):
                name.update(block)
        return name.digest()

    def bytes(self) -> bytes:
        """Return all of them."""
        return self._file.path.read_bytes()

    def write_to(self, file: BinaryIO) -> None:
        """Write all of them to a file, piece by piece."""
        with self._file.path.open("rb") as source:
            while block := source.read(BLOCK):
                file.write(block)

    def discard(self) -> None:
        """Remove the file."""
        self._file.discard()


Received = MemoryContent | SpooledContent
Arrived = InlineContent | Received
