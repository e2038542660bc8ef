"""What Ctrl-Z means to an owner: stop, but never while it keeps others out of the ledger.

A process that stands still keeps the locks it holds. So the stop waits for the end of the
transaction, which takes well under a millisecond. Nothing can do so for SIGSTOP.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

WRITING: Final = threading.Lock()
"""Held while this process writes to a ledger."""


@contextmanager
def between_writes() -> Iterator[None]:
    """Let Ctrl-Z (SIGTSTP) stop this process between two transactions; main thread only."""
    if sys.platform == "win32":  # no job control there
        yield
        return
    # From a thread: the handler may have interrupted the one that writes.
    before = signal.signal(
        signal.SIGTSTP,
        lambda *_: threading.Thread(target=_stand_still, name="suspend", daemon=True).start(),
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)


def _stand_still() -> None:
    with WRITING:
        os.kill(os.getpid(), signal.SIGSTOP)
