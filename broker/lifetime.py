"""How a process of the mesh is told to end, as messages its loop can wait for.

a signal     SIGTERM or SIGINT; the second one means now
a lifeline   standard input, held open by the process that started this one: what it says
there is as good as a signal; when it dies, however it dies, the line is cut
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from types import FrameType

SIGNAL = b"signal"
CUT = b"cut"


class CannotServe(Exception):
    """A broker cannot start as it is told to; the text says why and what to do."""


class Wake:
    """A socket for the loop to wait at, and a way to call it from any thread."""

    def __init__(self) -> None:
        self._reasons: deque[bytes] = deque()
        self.socket, self._bell = socket.socketpair()
        self.socket.setblocking(False)
        self._bell.setblocking(False)
        self.fileno = self.socket.fileno()

    def call(self, reason: bytes) -> None:
        """Make the loop see ``reason``. Any thread, signal handlers too."""
        self._reasons.append(reason)
        with contextlib.suppress(OSError):
            # A full or closed socket: the loop is being called already, or is gone.
            self._bell.send(b"!")

    def reasons(self) -> list[bytes]:
        """Return what was called since the last time. The loop's thread only."""
        with contextlib.suppress(BlockingIOError):
            self.socket.recv(4096)
        reasons = []
        while self._reasons:
            reasons.append(self._reasons.popleft())
        return reasons

    def close(self) -> None:
        """Wait no longer."""
        self.socket.close()
        self._bell.close()


def call_on_signals(wake: Wake) -> None:
    """Let SIGTERM and SIGINT call the loop instead of ending the process."""

    def handler(_number: int, _frame: FrameType | None) -> None:
        wake.call(SIGNAL)

    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGINT, handler)


def call_when_cut(wake: Wake) -> None:
    """Let the end of the lifeline call the loop."""
    threading.Thread(target=_wait_for_cut, args=(wake,), daemon=True, name="lifeline").start()


def ignore_interrupts() -> None:
    """Leave Ctrl-C to the process that holds the lifeline."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _wait_for_cut(wake: Wake) -> None:
    wait_until_cut(lambda: wake.call(SIGNAL))
    wake.call(CUT)


def wait_until_cut(told: Callable[[], None] = lambda: None) -> None:
    """Return when the process that holds the other end of standard input is gone.

    ``told`` is called for what it says until then.
    """
    line = sys.stdin.fileno()
    while os.read(line, 4096):
        told()
