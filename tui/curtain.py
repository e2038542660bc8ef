"""What is said while the dashboard has the terminal: kept, and shown when that is left.

Everything that this process and those that it starts write to stderr goes through here: a pipe
takes the stream's place. POSIX and Windows alike.
"""

import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

KEPT: Final = 100
STDERR: Final = 2


class Curtain:
    """Whether it is down, and what was said behind it. ``terminal`` is the real stderr."""

    def __init__(self, terminal: int, said: int) -> None:
        self.terminal = terminal
        self._said = said
        self._kept: deque[bytes] = deque(maxlen=KEPT)
        self._is_down = False
        self._lock = threading.Lock()

    def fall(self) -> None:
        """Keep what is said from now on."""
        with self._lock:
            self._is_down = True

    def rise(self) -> None:
        """Show what was said, and all that follows."""
        with self._lock:
            self._is_down = False
            for line in self._kept:
                os.write(self.terminal, line)
            self._kept.clear()

    def pass_on(self) -> None:
        """Take in what is said until nobody can say more. A thread of its own."""
        with open(self._said, "rb", buffering=0, closefd=False) as pipe:  # a descriptor
            left = b""
            while piece := pipe.read(65536):
                *lines, left = (left + piece).split(b"\n")
                for line in lines:
                    self._take(line + b"\n")
            if left:
                self._take(left)

    def _take(self, line: bytes) -> None:
        with self._lock:
            if self._is_down:
                self._kept.append(line)
            else:
                os.write(self.terminal, line)


@contextmanager
def hung() -> Iterator[Curtain]:
    """Hang a curtain before this process's stderr, and take it away at the end."""
    sys.stderr.flush()
    terminal = os.dup(STDERR)
    said, saying = os.pipe()
    os.dup2(saying, STDERR)
    os.close(saying)
    curtain = Curtain(terminal, said)
    reader = threading.Thread(target=curtain.pass_on, name="pixmesh-curtain", daemon=True)
    reader.start()
    try:
        yield curtain
    finally:
        sys.stderr.flush()
        os.dup2(terminal, STDERR)  # nobody can say more: the reader ends
        reader.join(timeout=1.0)  # one that outlives us may still hold the pipe
        curtain.rise()
        os.close(terminal)
        os.close(said)
