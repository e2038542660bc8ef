"""The ledger: what became of every output, durable, in one SQLite file.

Owns the rows and the order in which their states may follow each other. It knows nothing
of files on disk or of the mesh: who calls it decides what happened.

    state         becomes                          when
    (any)         submitted                        an owner asks for the output
    submitted     committing, failed, cancelled    its temp file is written and synced
    committing    done, failed                     its final name stands

There is one row per output, and only the owner named in it may move it on; so each time
an output is asked for there is at most one outcome, however many processes share the
file. ``history`` only grows. Times are the wall clock's, for people; nothing decides by
them.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from .claim import Claim
from .columns import SELECT, UPSERT, below, identity_values, row_of, values_of
from .database import Database
from .folder_records import FolderRecords
from .job import FileIdentity, JobId
from .listing import Listing
from .names import as_unicode
from .row import Change, Failed, Ready, Row, State

ROWS_PER_QUERY: Final = 500
CANCELLED: Final = "cancelled"
BY_PERSON: Final = (CANCELLED, "by pixmesh jobs cancel")
"""The code and the reason of what a person took back."""
_ID_START: Final = re.compile("[0-9a-fA-F]{4,32}")

_COMMITTING: Final = (
    "UPDATE outputs SET state = 'committing', result = ?, node = ?, attempts = ?, seconds = ?,"
    " asked = '', changed = ?"
    " WHERE destination = ? AND owner = ? AND job = ? AND state = 'submitted'"
)
_DONE: Final = (
    "UPDATE outputs SET state = 'done', temp = NULL, asked = '', changed = ?"
    " WHERE destination = ? AND owner = ? AND state = 'committing'"
)
_FAILED: Final = (
    "UPDATE outputs SET state = 'failed', temp = NULL, asked = '', code = ?, reason = ?, node = ?,"
    " attempts = ?, changed = ?"
    " WHERE destination = ? AND owner = ? AND state IN ('submitted', 'committing')"
)
_CANCELLED: Final = (
    "UPDATE outputs SET state = 'cancelled', temp = NULL, asked = '', code = ?, reason = ?,"
    " changed = ?"
    " WHERE destination = ? AND owner = ? AND state = 'submitted'"
)
_STATE: Final = "SELECT state, job FROM outputs WHERE destination = ?"
_TAKEN: Final = (
    "UPDATE outputs SET owner = ?, changed = ?"
    " WHERE destination = ? AND owner = ? AND state = 'committing'"
)
_HISTORY: Final = (
    "INSERT INTO history (destination, job, owner, state, at, node, reason)"
    " SELECT destination, job, owner, state, changed, node, reason"
    " FROM outputs WHERE destination = ?"
)


class Ledger:
    """One process's way to the ledger; safe to use from several threads.

    ``submitted`` survives the death of the process; ``committing``, ``done`` and ``failed``
    survive that of the machine. Methods that move rows on return the destinations that they
    moved: the others belong to another owner, or have their outcome.

    Raises PixmeshError where the file cannot be opened, read or written.
    """

    def __init__(self, path: Path, *, wall: Callable[[], float] = time.time) -> None:
        self.path = path
        self._wall = wall
        self._database = Database(path, wall=wall)
        try:
            with self._database.errors():
                self._claim = Claim(path.with_name(path.name + ".owners"))
        except BaseException:
            self._database.close()
            raise
        self.folders = FolderRecords(self._database, self._claim.owner)
        self.listing = Listing(self._database)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def owner(self) -> str:
        """The name of this process in the rows."""
        return self._claim.owner

    def is_alive(self, owner: str) -> bool:
        """Tell whether the process of that name still runs."""
        return self._claim.is_alive(owner)

    def close(self) -> None:
        """Close the file and take this process's claim away."""
        self._database.close()
        self._claim.close()

    def rows(self, destinations: Iterable[Path]) -> dict[Path, Row]:
        """Return the rows of those destinations that have one."""
        wanted = {os.fsencode(destination): destination for destination in destinations}
        keys = list(wanted)
        found: dict[Path, Row] = {}
        for start in range(0, len(keys), ROWS_PER_QUERY):
            part = keys[start : start + ROWS_PER_QUERY]
            marks = ", ".join("?" * len(part))
            query = f"{SELECT} WHERE destination IN ({marks})"  # marks only
            for values in self._database.query(query, part):
                # Making paths is what takes the time, with 100,000 of them.
                destination = wanted[values[0]]
                found[destination] = row_of(values, destination)
        return found

    def rows_of_source(self, source: Path) -> list[Row]:
        """Return the rows of all outputs of one picture's file."""
        return self._rows("WHERE source = ?", [os.fsencode(source)])

    def rows_of_job(self, job: JobId) -> list[Row]:
        """Return the finished outputs of a job."""
        return self._rows("WHERE job = ? AND state = 'done'", [job])

    def rows_of_id(self, start: str) -> list[Row]:
        """Return the outputs of the jobs whose id begins so: 4 hexadecimal letters or more."""
        if not _ID_START.fullmatch(start):
            return []
        return self._rows("WHERE lower(hex(job)) LIKE ? || '%'", [start.lower()])

    def rows_under(self, folder: Path) -> Iterator[Row]:
        """Yield all outputs that lie in a folder or below; read in pieces."""
        last, end = below(folder)
        while True:
            where = f"{SELECT} WHERE destination > ? AND destination < ? ORDER BY destination"
            found = self._database.query(f"{where} LIMIT {ROWS_PER_QUERY}", [last, end])
            yield from (row_of(values) for values in found)
            if len(found) < ROWS_PER_QUERY:
                return
            last = found[-1][0]

    def digest(self, source: Path, identity: FileIdentity) -> bytes | None:
        """Return the digest stored for a file that has not changed since, if there is one."""
        query = (
            "SELECT digest FROM outputs WHERE source = ? AND size = ? AND mtime_ns = ?"
            " AND inode = ? AND digest IS NOT NULL LIMIT 1"
        )
        known = self._database.query(query, [os.fsencode(source), *identity_values(identity)])
        return known[0][0] if known else None

    def history(self, destination: Path) -> list[Change]:
        """Return everything that happened to one output, oldest first."""
        query = (
            "SELECT state, job, owner, at, node, reason FROM history WHERE destination = ?"
            " ORDER BY number"
        )
        found = self._database.query(query, [os.fsencode(destination)])
        return [Change(State(state), *more) for state, *more in found]

    def submitted(self, rows: Sequence[Row]) -> None:
        """Record that this owner asks for these outputs, whatever was known of them."""
        # Lost with the machine's power, it only means that nobody asked: not worth an fsync.
        with self._database.transaction(durable=False) as connection:
            now = self._wall()
            for row in rows:
                connection.execute(UPSERT, values_of(row, owner=self.owner, changed=now))
                connection.execute(_HISTORY, [os.fsencode(row.destination)])

    def known(self, rows: Sequence[Row]) -> None:
        """Record outputs that were made of the same content before, and need no work."""
        with self._database.transaction(durable=False) as connection:
            for row in rows:
                key = [os.fsencode(row.destination)]
                was = connection.execute(_STATE, key).fetchone()
                done = replace(row, state=State.DONE)
                changed = row.changed or self._wall()
                connection.execute(UPSERT, values_of(done, owner=self.owner, changed=changed))
                if was != (State.DONE, row.job):
                    connection.execute(_HISTORY, key)

    def committing(self, outputs: Sequence[Ready]) -> set[Path]:
        """Record what is about to get its final name."""
        return self._move(
            _COMMITTING,
            {
                one.destination: (
                    *(one.result, one.node, one.attempts, one.seconds, self._wall()),
                    *(os.fsencode(one.destination), self.owner, one.job),
                )
                for one in outputs
            },
        )

    def done(self, destinations: Sequence[Path]) -> set[Path]:
        """Record that these stand under their final names."""
        return self._move(_DONE, {one: (self._wall(), *self._mine(one)) for one in destinations})

    def failed(self, outputs: Sequence[Failed]) -> set[Path]:
        """Record that these will not appear."""
        return self._move(
            _FAILED,
            {
                one.destination: (
                    *(one.code, as_unicode(one.reason), one.node, one.attempts, self._wall()),
                    *self._mine(one.destination),
                )
                for one in outputs
            },
        )

    def cancelled(self, destinations: Sequence[Path], *, by_person: bool = False) -> set[Path]:
        """Record that these were taken back: by a person for good, or else for now."""
        why = BY_PERSON if by_person else ("", "")
        return self._move(
            _CANCELLED, {one: (*why, self._wall(), *self._mine(one)) for one in destinations}
        )

    def cancel_left(self, rows: Sequence[Row]) -> set[Path]:
        """Record that a person took back what dead owners left submitted."""
        now = self._wall()
        return self._move(
            _CANCELLED,
            {
                one.destination: (*BY_PERSON, now, os.fsencode(one.destination), one.owner)
                for one in rows
            },
        )

    def take_over(self, row: Row) -> bool:
        """Make a dead owner's unfinished commit this owner's; False if another was faster."""
        values = (self.owner, self._wall(), os.fsencode(row.destination), row.owner)
        return bool(self._move(_TAKEN, {row.destination: values}))

    def _mine(self, destination: Path) -> tuple[bytes, str]:
        return os.fsencode(destination), self.owner

    def _move(self, statement: str, changes: Mapping[Path, Sequence[object]]) -> set[Path]:
        if not changes:
            return set()
        moved: set[Path] = set()
        with self._database.transaction(durable=True) as connection:
            for destination, values in changes.items():
                if connection.execute(statement, values).rowcount == 1:
                    connection.execute(_HISTORY, [os.fsencode(destination)])
                    moved.add(destination)
        return moved

    def _rows(self, where: str, values: Sequence[object]) -> list[Row]:
        return [row_of(found) for found in self._database.query(f"{SELECT} {where}", values)]
