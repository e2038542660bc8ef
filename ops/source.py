"""The bytes of a picture file, read where needed: from memory or from an open file."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, TypeAlias, cast

from .errors import PictureError

Buffer: TypeAlias = bytes | bytearray | memoryview
"""A whole file in memory; C-contiguous."""


class Source(io.RawIOBase):
    """Random access to a picture's bytes, without copying or reading the rest.

    Also a readable, seekable binary file, for libraries that want one.
    """

    def __init__(self, origin: Buffer | BinaryIO) -> None:
        super().__init__()
        self._view: memoryview | None = None
        self._file: BinaryIO | None = None
        self._place = 0
        if isinstance(origin, bytes | bytearray | memoryview):
            self._view = memoryview(origin).cast("B")
            self.nbytes = len(self._view)
        else:
            self._file = origin
            self.nbytes = origin.seek(0, os.SEEK_END)

    def at(self, offset: int, count: int) -> bytes:
        """Return up to `count` bytes from `offset` on; fewer at the end of the file."""
        if self._view is not None:
            return bytes(self._view[offset : offset + count])
        assert self._file is not None  # noqa: S101 - one of the two is always there
        self._file.seek(offset)
        return self._file.read(max(0, min(count, self.nbytes - offset)))

    def exactly(self, offset: int, count: int, what: str) -> bytes:
        """Return `count` bytes; PictureError("truncated") where the file ends before."""
        found = self.at(offset, count)
        if len(found) < count:
            raise ends_early(what, self.nbytes)
        return found

    @property
    def file(self) -> BinaryIO:
        """This, as the type that libraries ask for."""
        return cast("BinaryIO", self)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the place where the next read starts."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.nbytes}[whence]
        self._place = max(0, base + offset)
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes from the place on."""
        count = self.nbytes if size is None or size < 0 else size
        found = self.at(self._place, count)
        self._place += len(found)
        return found


def ends_early(what: str, nbytes: int) -> PictureError:
    """Return the error of a file that ends at byte `nbytes`, inside `what`."""
    return PictureError("truncated", f"the file ends too early, at byte {nbytes}, inside {what}")
