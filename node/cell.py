"""Eight bytes in a mapped file: which attempt a slot runs now.

The slot writes them, the agent reads them, and they survive the slot: so a slot's death
is blamed on the attempt that ran, never on one that waited behind it.
"""

import mmap
import os
import struct
from pathlib import Path

IDLE = 0
TOGETHER = 1 << 63
"""Several at once, which is no attempt's number: those have 63 bits."""

_FORMAT = struct.Struct("<Q")


class Cell:
    """The attempt that a slot runs now; IDLE between two."""

    def __init__(self, path: Path) -> None:
        self._path = path
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            if os.fstat(descriptor).st_size < _FORMAT.size:
                os.truncate(descriptor, _FORMAT.size)
            self._map = mmap.mmap(descriptor, _FORMAT.size)
        finally:
            os.close(descriptor)

    @property
    def attempt(self) -> int:
        """The attempt that runs."""
        return int(_FORMAT.unpack_from(self._map)[0])

    @attempt.setter
    def attempt(self, attempt: int) -> None:
        _FORMAT.pack_into(self._map, 0, attempt)

    def close(self) -> None:
        """Let go of the mapping and the file."""
        self._map.close()
        self._path.unlink(missing_ok=True)
