"""What a member saw and did, appended to a file for whoever judges it later.

Off unless ``PIXMESH_HISTORY`` names a folder: then each process writes a file of its own
there, one JSON object a line, each written at once so that it survives the process.

    {"at": 12.3, "member": "broker-studio-4711", "what": "assigned", "task": "9f…", …}

``at`` is the machine's monotonic clock: histories of one machine can be merged. Whoever
writes knows nothing of files: it is handed a ``Note`` to call.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

VARIABLE = "PIXMESH_HISTORY"


class Note(Protocol):
    """Notes what happened: a word, and the facts it is about."""

    def __call__(self, what: str, /, **facts: object) -> None:
        """Note it."""
        ...


def ignore(_what: str, /, **_facts: object) -> None:
    """Keep no history."""


def opened(
    role: str,
    name: str,
    *,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.monotonic,
) -> Note:
    """Return where this process notes its history. Raises OSError."""
    folder = environ.get(VARIABLE)
    if not folder:
        return ignore
    member = f"{role}-{name}-{os.getpid()}"
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / f"{member}.jsonl"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)

    def note(what: str, /, **facts: object) -> None:
        os.write(descriptor, line_of(clock(), member, what, facts))

    return note


def line_of(at: float, member: str, what: str, facts: Mapping[str, object]) -> bytes:
    """Return one line; bytes are written in hex."""
    told = {key: one.hex() if isinstance(one, bytes) else one for key, one in facts.items()}
    return msgspec.json.encode({"at": at, "member": member, "what": what, **told}) + b"\n"
