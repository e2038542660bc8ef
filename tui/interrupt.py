"""What Ctrl-C and SIGTERM mean to a command that works: stop gently, then now.

the first     says what happens; what runs is finished, nothing more begins
the second    ends the command now; after a second, whatever it still does
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

from .cli import Terminated

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LAST_WORDS: Final = 1.0
SHOW_CURSOR: Final = b"\x1b[?25h"


@dataclass(slots=True)
class Interruption:
    """Whether the command was asked to stop, and the exit code that says so."""

    number: int = 0

    @property
    def exit_code(self) -> int:
        """128 + the signal; 0 where there was none."""
        return 128 + self.number if self.number else 0


@contextmanager
def gently(stop: Callable[[], None], say: Callable[[str], None]) -> Iterator[Interruption]:
    """Let the first signal call `stop`, and the second one end the command.

    `stop` must be safe in a signal handler. `say` is called from another thread, since
    the handler may have interrupted this one in the middle of writing.
    """
    interruption = Interruption()

    def handle(number: int, _frame: FrameType | None) -> None:
        if interruption.number:
            _end_soon(number)
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated
        interruption.number = number
        stop()
        text = "finishing what runs, beginning nothing more; the same again ends it now"
        threading.Thread(target=say, args=(text,), name="interrupt", daemon=True).start()

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_soon(number: int) -> None:
    """End the process even if what it closes does not: the embedded mesh ends with it."""
    timer = threading.Timer(LAST_WORDS, _end, [128 + number])
    timer.daemon = True
    timer.start()


def _end(code: int) -> None:
    if sys.stderr.isatty():
        os.write(2, SHOW_CURSOR)
    os._exit(code)
