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
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ..errors import PixmeshError
from .claim import Claim
from .job import FileIdentity, JobId
from .names import as_unicode
from .row import Change, Failed, Ready, Row, State

MIGRATIONS: Final = (
    """
    CREATE TABLE outputs (
        destination BLOB PRIMARY KEY, source BLOB NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode TEXT NOT NULL,
        digest BLOB, job BLOB, recipe TEXT NOT NULL, output TEXT NOT NULL,
        state TEXT NOT NULL, owner TEXT NOT NULL, temp BLOB, result BLOB,
        code TEXT NOT NULL, reason TEXT NOT NULL, node TEXT NOT NULL,
        attempts INTEGER NOT NULL, seconds REAL NOT NULL, changed REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX outputs_by_source ON outputs (source);
    CREATE INDEX outputs_by_job ON outputs (job);
    CREATE TABLE history (
        number INTEGER PRIMARY KEY, destination BLOB NOT NULL, job BLOB,
        owner TEXT NOT NULL, state TEXT NOT NULL, at REAL NOT NULL
    );
    CREATE INDEX history_by_destination ON history (destination);
    """,
)
"""One script per schema version; a file's ``user_version`` says how many it has had."""

BUSY_MS: Final = 20_000
BUSY_AGAIN: Final = 0.01
ROWS_PER_QUERY: Final = 500
_ID_START: Final = re.compile("[0-9a-fA-F]{4,32}")

_COLUMNS: Final = (
    "destination, source, size, mtime_ns, inode, digest, job, recipe, output, state, owner,"
    " temp, result, code, reason, node, attempts, seconds, changed"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM outputs"  # noqa: S608  # a constant
_UPSERT: Final = (
    f"INSERT OR REPLACE INTO outputs ({_COLUMNS})"  # noqa: S608  # a constant
    f" VALUES ({', '.join('?' * 19)})"
)
_COMMITTING: Final = (
    "UPDATE outputs SET state = 'committing', result = ?, node = ?, attempts = ?, seconds = ?,"
    " changed = ? WHERE destination = ? AND owner = ? AND job = ? AND state = 'submitted'"
)
_DONE: Final = (
    "UPDATE outputs SET state = 'done', temp = NULL, changed = ?"
    " WHERE destination = ? AND owner = ? AND state = 'committing'"
)
_FAILED: Final = (
    "UPDATE outputs SET state = 'failed', temp = NULL, code = ?, reason = ?, node = ?,"
    " attempts = ?, changed = ?"
    " WHERE destination = ? AND owner = ? AND state IN ('submitted', 'committing')"
)
_CANCELLED: Final = (
    "UPDATE outputs SET state = 'cancelled', temp = NULL, changed = ?"
    " WHERE destination = ? AND owner = ? AND state = 'submitted'"
)
_TAKEN: Final = (
    "UPDATE outputs SET owner = ?, changed = ?"
    " WHERE destination = ? AND owner = ? AND state = 'committing'"
)
_HISTORY: Final = (
    "INSERT INTO history (destination, job, owner, state, at)"
    " SELECT destination, job, owner, state, changed FROM outputs WHERE destination = ?"
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
        self._lock = threading.RLock()
        self._durable: bool | None = None
        with self._errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim = Claim(path.with_name(path.name + ".owners"))
            try:
                self._connection = _connect(path)
            except BaseException:
                self._claim.close()
                raise

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
        with self._lock:
            self._connection.close()
            self._claim.close()

    def rows(self, destinations: Iterable[Path]) -> dict[Path, Row]:
        """Return the rows of those destinations that have one."""
        wanted = {os.fsencode(destination): destination for destination in destinations}
        keys = list(wanted)
        found: dict[Path, Row] = {}
        for start in range(0, len(keys), ROWS_PER_QUERY):
            part = keys[start : start + ROWS_PER_QUERY]
            marks = ", ".join("?" * len(part))
            query = f"{_SELECT} WHERE destination IN ({marks})"  # marks only
            for values in self._query(query, part):
                # Making paths is what takes the time, with 100,000 of them.
                destination = wanted[values[0]]
                found[destination] = _row(values, destination)
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

    def digest(self, source: Path, identity: FileIdentity) -> bytes | None:
        """Return the digest stored for a file that has not changed since, if there is one."""
        query = (
            "SELECT digest FROM outputs WHERE source = ? AND size = ? AND mtime_ns = ?"
            " AND inode = ? AND digest IS NOT NULL LIMIT 1"
        )
        known = self._query(query, [os.fsencode(source), *_identity_values(identity)])
        return known[0][0] if known else None

    def history(self, destination: Path) -> list[Change]:
        """Return everything that happened to one output, oldest first."""
        query = "SELECT state, job, owner, at FROM history WHERE destination = ? ORDER BY number"
        found = self._query(query, [os.fsencode(destination)])
        return [Change(State(state), job, owner, at) for state, job, owner, at in found]

    def submitted(self, rows: Sequence[Row]) -> None:
        """Record that this owner asks for these outputs, whatever was known of them."""
        # Lost with the machine's power, it only means that nobody asked: not worth an fsync.
        with self._transaction(durable=False) as connection:
            now = self._wall()
            for row in rows:
                connection.execute(_UPSERT, _values(row, owner=self.owner, changed=now))
                connection.execute(_HISTORY, [os.fsencode(row.destination)])

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

    def cancelled(self, destinations: Sequence[Path]) -> set[Path]:
        """Record that these were taken back."""
        return self._move(
            _CANCELLED, {one: (self._wall(), *self._mine(one)) for one in destinations}
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
        with self._transaction(durable=True) as connection:
            for destination, values in changes.items():
                if connection.execute(statement, values).rowcount == 1:
                    connection.execute(_HISTORY, [os.fsencode(destination)])
                    moved.add(destination)
        return moved

    def _rows(self, where: str, values: Sequence[object]) -> list[Row]:
        return [_row(found) for found in self._query(f"{_SELECT} {where}", values)]

    def _query(self, query: str, values: Sequence[object]) -> list[Any]:
        with self._lock, self._errors():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        with self._lock, self._errors():
            if durable != self._durable:
                mode = "FULL" if durable else "NORMAL"
                self._connection.execute(f"PRAGMA synchronous = {mode}")
                self._durable = durable
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise PixmeshError(
                f"the ledger {self.path} cannot be used: {error}",
                remedy="see that its folder is on a local disk, writable and not full;"
                " a damaged ledger can be moved away",
            ) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False
    )
    try:
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Keep a write-ahead log. SQLite itself does not wait here for those who open the file too."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > deadline:
                raise
            threading.Event().wait(BUSY_AGAIN)
        else:
            return


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")
    if _version(connection) < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        for number in range(_version(connection), len(MIGRATIONS)):
            for statement in MIGRATIONS[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    if _version(connection) > len(MIGRATIONS):
        raise PixmeshError(
            f"the ledger {path} was written by a newer pixmesh (schema {_version(connection)};"
            f" this one knows {len(MIGRATIONS)})",
            remedy="upgrade pixmesh on this machine, or move the ledger away",
        )


def _version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def _values(row: Row, *, owner: str, changed: float) -> tuple[object, ...]:
    return (
        *(os.fsencode(row.destination), os.fsencode(row.source)),
        *(*_identity_values(row.identity), row.digest, row.job, row.recipe, row.output),
        *(row.state, owner, None if row.temp is None else os.fsencode(row.temp), row.result),
        *(row.code, as_unicode(row.reason), row.node, row.attempts, row.seconds, changed),
    )


def _identity_values(identity: FileIdentity) -> tuple[int, int, str]:
    # An inode may have more bits than SQLite's integers.
    return identity.size, identity.mtime_ns, str(identity.inode)


def _row(found: tuple[Any, ...], path: Path | None = None) -> Row:
    destination, source, size, mtime_ns, inode, digest, job, recipe, output, *more = found
    state, owner, temp, result, code, reason, node, attempts, seconds, changed = more
    return Row(
        destination=path or Path(os.fsdecode(destination)),
        source=Path(os.fsdecode(source)),
        identity=FileIdentity(size, mtime_ns, int(inode)),
        digest=digest,
        job=job,
        recipe=recipe,
        output=output,
        state=State(state),
        owner=owner,
        temp=None if temp is None else Path(os.fsdecode(temp)),
        result=result,
        code=code,
        reason=reason,
        node=node,
        attempts=attempts,
        seconds=seconds,
        changed=changed,
    )
