"""How much waits for the disk: results that have come and are not committed yet.

Owns the limit that makes the reader wait, so that a fast mesh and a slow disk need no more
memory than a slow mesh.
"""

import threading
from typing import Final

MOST_BYTES: Final = 256 << 20
MOST_RESULTS: Final = 4096


class Backlog:
    """A count of results and their bytes, which one thread raises and another lowers."""

    def __init__(self, *, most_bytes: int = MOST_BYTES, most_results: int = MOST_RESULTS) -> None:
        self._most_bytes = most_bytes
        self._most_results = most_results
        self._results = 0
        self._bytes = 0
        self._unlimited = False
        self._changed = threading.Condition()

    def add(self, size: int) -> None:
        """A result of that size has come."""
        with self._changed:
            self._results += 1
            self._bytes += size

    def remove(self, size: int) -> None:
        """A result of that size is committed, or given up."""
        with self._changed:
            self._results -= 1
            self._bytes -= size
            self._changed.notify_all()

    def lift(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._unlimited = True
            self._changed.notify_all()

    def wait_for_room(self) -> None:
        """Return when there is room for one more result."""
        with self._changed:
            self._changed.wait_for(self._has_room)

    def _has_room(self) -> bool:
        return self._unlimited or (
            self._results < self._most_results and self._bytes < self._most_bytes
        )
