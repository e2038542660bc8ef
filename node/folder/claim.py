"""Who works a watched folder: a small file in OUT that names the host, and keeps changing.

Owns that two watchers never make the same outputs. Where the other is of this machine and this
user, the ledger knows whether it lives. Of another's only the beat can be seen: its file
changes while it lives. No clocks are compared.

    no claim, or one of a dead owner            taken
    a claim that does not change for a while    taken
    a claim that changes                        refused
    our claim became another's                  lost: we were away for too long
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ...broker.names import host_name
from ..errors import UsageError
from .outlet import Outlet

CLAIM: Final = ".pixmesh-folder.json"
BEAT: Final = 5.0
PATIENCE: Final = 3 * BEAT


class Note(msgspec.Struct, frozen=True):
    """What the file says. ``ledger`` tells whether ``owner`` can be asked after."""

    host: str
    source: str
    owner: str
    ledger: str
    beat: int = 0


class FolderClaim:
    """Our claim on one OUT."""

    def __init__(self, outlet: Outlet, out: Path, note: Note) -> None:
        self._outlet = outlet
        self._path = out / CLAIM
        self._note = note

    def take(self, *, is_alive: Callable[[str], bool], wait: Callable[[float], object]) -> None:
        """Make the claim. ``wait`` waits so many seconds. Raises UsageError, OSError."""
        other = self._read()
        if other is not None and self._lives(other, is_alive, wait):
            raise UsageError(
                f"{self._path.parent} is worked already: by {other.host}, from {other.source}",
                remedy="stop that watcher, or choose another OUT",
            )
        self._write()

    def _lives(
        self, other: Note, is_alive: Callable[[str], bool], wait: Callable[[float], object]
    ) -> bool:
        if (other.host, other.ledger) == (self._note.host, self._note.ledger):
            return other.owner != self._note.owner and is_alive(other.owner)
        wait(PATIENCE)
        now = self._read()
        return now is not None and now != other

    def beat(self) -> None:
        """Say that we live. Raises UsageError where another took over, OSError."""
        now = self._read()
        if now is not None and now.owner != self._note.owner:
            raise UsageError(
                f"{self._path.parent} was taken over by {now.host}: nothing was heard from here",
                remedy="stop the other, then start this one again",
            )
        self._note = msgspec.structs.replace(self._note, beat=self._note.beat + 1)
        self._write()

    def release(self) -> None:
        """Let others have it. Raises OSError."""
        now = self._read()
        if now is not None and now.owner == self._note.owner:
            self._outlet.remove(self._path)

    def _read(self) -> Note | None:
        data = self._outlet.read(self._path)
        try:
            return None if data is None else msgspec.json.decode(data, type=Note)
        except msgspec.DecodeError:  # half a file, of one that died
            return None

    def _write(self) -> None:
        self._outlet.put(self._path, msgspec.json.encode(self._note))


def note(*, source: str, owner: str, ledger: Path) -> Note:
    """Return what our claim says at first."""
    return Note(host=host_name(), source=source, owner=owner, ledger=str(ledger))
