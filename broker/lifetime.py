"""How a process of the mesh is told to end, as messages its loop can wait for.

a signal     SIGTERM or SIGINT; the second one means now
a lifeline   standard input, held open by the process that started this one: when
that one dies, however it dies, the line is cut
"""

import os
import signal
import sys
import threading
from types import FrameType

import zmq

Socket = zmq.Socket[bytes]

SIGNAL = b"signal"
CUT = b"cut"


class Wake:
    """A socket for the loop to wait at, and a way to call it from any thread."""

    def __init__(self, context: zmq.Context[Socket]) -> None:
        self._context = context
        self._address = f"inproc://wake-{id(self)}"
        self.socket = context.socket(zmq.PULL)
        self.socket.linger = 0
        self.socket.bind(self._address)

    def call(self, reason: bytes) -> None:
        """Make the loop receive ``reason``. Any thread, signal handlers too."""
        caller = self._context.socket(zmq.PUSH)
        caller.connect(self._address)
        caller.send(reason)
        caller.close()

    def reasons(self) -> list[bytes]:
        """Return what was called since the last time. The loop's thread only."""
        reasons = []
        while True:
            try:
                reasons.append(self.socket.recv(zmq.DONTWAIT))
            except zmq.Again:
                return reasons

    def close(self) -> None:
        """Wait no longer."""
        self.socket.close(linger=0)


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
    wait_until_cut()
    wake.call(CUT)


def wait_until_cut() -> None:
    """Return when the process that holds the other end of standard input is gone."""
    line = sys.stdin.fileno()
    while os.read(line, 4096):
        pass
