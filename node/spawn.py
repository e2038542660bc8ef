"""Starting the processes of a mesh: brokers, agents and slots.

Orders go in as one JSON line on standard input, never on the command line; the pipe
stays open as the lifeline. ``-P`` keeps the current folder out of what they import.
"""

import os
import subprocess
import sys

import msgspec

from .platform import KEEP_MEMORY

Process = subprocess.Popen[bytes]

DRAIN = b"drain\n"
"""Said over the lifeline: what SIGTERM says, where there are signals."""

# The terminal's Ctrl-C is not for the children: their lifeline tells them.
if sys.platform == "win32":
    _OWN_GROUP, _OWN_FLAGS = None, subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _OWN_GROUP, _OWN_FLAGS = 0, 0


def spawn(module: str, orders: object, *, answers: bool = False) -> Process:
    """Start ``python -P -m module``, give it its orders, and hold its lifeline.

    ``answers`` keeps its standard output to read from; otherwise it goes nowhere.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if answers else subprocess.DEVNULL,
        env=KEEP_MEMORY | os.environ,
        process_group=_OWN_GROUP,
        creationflags=_OWN_FLAGS,
    )
    if process.stdin is not None:
        process.stdin.write(msgspec.json.encode(orders) + b"\n")
        process.stdin.flush()
    return process


def cut(*processes: Process, patience: float) -> None:
    """Cut the lifelines, then wait; a process that does not end in time is killed."""
    for process in processes:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    for process in processes:
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
