"""The ledger's part about watched folders: who watches which, what came, what people ask.

Owns the tables `folders` and `arrivals`, and what is asked of both arrivals and outputs. A file
is an arrival from when it is seen until its outputs are submitted; then its rows tell of it.
Only what people ask is synced: a watcher sees again what was forgotten.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from .columns import below
from .database import Database
from .job import JobId
from .names import as_unicode
from .pruning import prune

ARRIVALS: Final = "SELECT out, source, state, reason, at FROM arrivals"


class ArrivalState(StrEnum):
    """How far a file is that is not submitted yet."""

    SEEN = "seen"
    WAITING = "waiting"


class Wish(StrEnum):
    """What a person may ask of an output, or of an arrival."""

    RETRY = "retry"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of a watched folder that is not submitted yet, and why."""

    source: Path
    state: ArrivalState
    reason: str = ""
    at: float = 0.0
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A folder that an owner watches, and since when."""

    out: Path
    source: Path
    recipe: str
    owner: str
    at: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of an output; or of an arrival of OUT, which has no destination yet."""

    source: Path
    destination: Path | None
    job: JobId | None
    wish: Wish
    out: Path | None = None


_ASK: Final = {
    Wish.RETRY: "UPDATE outputs SET asked = ? WHERE destination = ?"
    " AND state IN ('failed', 'cancelled', 'done')",
    Wish.CANCEL: "UPDATE outputs SET asked = ? WHERE destination = ? AND state = 'submitted'",
}
_ASKED_OUTPUTS: Final = "SELECT source, destination, job, asked FROM outputs WHERE asked != ''"
_OF_OWNER: Final = " AND owner = ?"
_BELOW: Final = " AND destination > ? AND destination < ?"
_ASKED_ARRIVALS: Final = "SELECT source, out, asked FROM arrivals WHERE asked != ''"
_OF_ITS_FOLDERS: Final = " AND out IN (SELECT out FROM folders WHERE owner = ?)"
_OF_FOLDER: Final = " AND out = ?"


class FolderRecords:
    """Watched folders in one ledger, for the owner of that name."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner

    # ---- who watches what -----------------------------------------------------------

    def watched(self, out: Path, source: Path, recipe: str) -> None:
        """Record that this owner watches a folder; what came for an earlier one is seen anew."""
        with self._database.transaction(durable=False) as connection:
            values = (os.fsencode(out), os.fsencode(source), recipe, self._owner)
            connection.execute(
                "INSERT OR REPLACE INTO folders (out, source, recipe, owner, at)"
                " VALUES (?, ?, ?, ?, ?)",
                (*values, self._database.wall()),
            )
            connection.execute("DELETE FROM arrivals WHERE out = ?", [os.fsencode(out)])

    def unwatched(self, out: Path) -> None:
        """Record that it does not any more; what came stays, for people to see."""
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                "DELETE FROM folders WHERE out = ? AND owner = ?", [os.fsencode(out), self._owner]
            )

    def all(self) -> list[WatchedFolder]:
        """Return every folder that an owner watches, or watched when it died."""
        found = self._database.query("SELECT out, source, recipe, owner, at FROM folders")
        return [WatchedFolder(_path(out), _path(source), *more) for out, source, *more in found]

    # ---- what came ------------------------------------------------------------------

    def arriving(self, out: Path, arrivals: Sequence[Arrival]) -> None:
        """Record how far files are that came."""
        with self._database.transaction(durable=False) as connection:
            now = self._database.wall()
            connection.executemany(
                "INSERT INTO arrivals (out, source, state, reason, at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason,"
                " at = excluded.at",
                [
                    (*_key(out, one.source), one.state, as_unicode(one.reason), now)
                    for one in arrivals
                ],
            )

    def arrived(self, out: Path, sources: Sequence[Path]) -> None:
        """Record that these are on their way, or gone."""
        with self._database.transaction(durable=False) as connection:
            connection.executemany(
                "DELETE FROM arrivals WHERE out = ? AND source = ?",
                [_key(out, source) for source in sources],
            )

    def arrivals(self, source: Path) -> list[Arrival]:
        """Return how far one file is that came, in each folder that it came to."""
        found = self._database.query(f"{ARRIVALS} WHERE source = ?", [os.fsencode(source)])
        return [arrival_of(values) for values in found]

    # ---- what people ask ------------------------------------------------------------

    def version(self) -> int:
        """Return a number that changes when another process writes."""
        found: int = self._database.query("PRAGMA data_version")[0][0]
        return found

    def ask(self, destinations: Sequence[Path], wish: Wish) -> set[Path]:
        """Ask something of outputs, for whoever makes them.

        Returns of which it was asked: one that is under way can be cancelled, one that failed
        or was cancelled can be tried again.
        """
        asked: set[Path] = set()
        with self._database.transaction(durable=True) as connection:
            for one in destinations:
                count = connection.execute(_ASK[wish], [wish, os.fsencode(one)]).rowcount
                asked.update([one] * count)
        return asked

    def ask_of_arrivals(self, arrivals: Sequence[Arrival], wish: Wish) -> None:
        """Ask something of files that came, for who watches their folders."""
        with self._database.transaction(durable=True) as connection:
            connection.executemany(
                "UPDATE arrivals SET asked = ? WHERE out = ? AND source = ?",
                [(wish, *_key(one.out, one.source)) for one in arrivals if one.out is not None],
            )

    def asked(self, out: Path | None = None) -> list[Asked]:
        """Return what is asked of all that OUT is for; without one, of what is this owner's."""
        if out is None:
            found = self._database.query(_ASKED_OUTPUTS + _OF_OWNER, [self._owner])
            came = self._database.query(_ASKED_ARRIVALS + _OF_ITS_FOLDERS, [self._owner])
        else:
            found = self._database.query(_ASKED_OUTPUTS + _BELOW, below(out))
            came = self._database.query(_ASKED_ARRIVALS + _OF_FOLDER, [os.fsencode(out)])
        return [
            *(Asked(_path(source), _path(to), job, Wish(what)) for source, to, job, what in found),
            *(Asked(_path(one), None, None, Wish(what), _path(of)) for one, of, what in came),
        ]

    def answered(self, asked: Sequence[Asked]) -> None:
        """Take away what was asked, now that it is being done."""
        with self._database.transaction(durable=False) as connection:
            for one in asked:
                if one.destination is not None:
                    connection.execute(
                        "UPDATE outputs SET asked = '' WHERE destination = ? AND asked = ?",
                        [os.fsencode(one.destination), one.wish],
                    )
                elif one.out is not None:
                    connection.execute(
                        "UPDATE arrivals SET asked = '' WHERE out = ? AND source = ? AND asked = ?",
                        [*_key(one.out, one.source), one.wish],
                    )

    def taken(self, out: Path | None = None) -> list[Asked]:
        """Return what is asked, each once."""
        asked = self.asked(out)
        if asked:
            self.answered(asked)
        return asked

    # ---- pruning --------------------------------------------------------------------

    def prune(self, before: float, is_gone: Callable[[Path], bool]) -> int:
        """Forget what ended before a time; see `pruning`. Returns how many rows went."""
        return prune(self._database, before, is_gone)


def arrival_of(found: tuple[Any, ...]) -> Arrival:
    """Return the arrival that was found by a query of ARRIVALS."""
    out, source, state, reason, at = found
    return Arrival(_path(source), ArrivalState(state), reason, at, _path(out))


def _key(out: Path, source: Path) -> tuple[bytes, bytes]:
    return os.fsencode(out), os.fsencode(source)


def _path(encoded: bytes) -> Path:
    return Path(os.fsdecode(encoded))
