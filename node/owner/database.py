"""The ledger's file: opened, brought up to date, written in transactions, synced.

Owns SQLite. It knows nothing of what the rows mean. The write-ahead log is synced by us, after
the transaction: SQLite would sync it with the file locked, and an owner that is stopped
meanwhile would keep out all others.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ..errors import PixmeshError
from .durable import sync_file, sync_folder
from .schema import MIGRATIONS
from .suspend import WRITING

BUSY_MS: Final = 20_000
BUSY_AGAIN: Final = 0.01


class Database:
    """One process's connection; safe to use from several threads.

    Raises PixmeshError where the file cannot be opened, read or written.
    """

    def __init__(self, path: Path, *, wall: Callable[[], float] = time.time) -> None:
        self.path = path
        self.wall = wall
        self._log = path.with_name(path.name + "-wal")
        self._lock = threading.RLock()
        with self.errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = _connect(path)
            sync_folder(path.parent)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def query(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        """Return all rows of a query."""
        with self._lock, self.errors():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[sqlite3.Connection]:
        """Write all or nothing; when the block ends, what is ``durable`` survives the machine."""
        with self.errors():
            with self._lock, WRITING:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    self._connection.rollback()
                    raise
            if durable:
                sync_file(self._log)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what SQLite and the disk raise into what a person can use."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if _is_busy(error):
                raise PixmeshError(
                    f"the ledger {self.path} is locked by another process for more than"
                    f" {BUSY_MS // 1000} s",
                    remedy="let that process go on, or end it, then run the same command"
                    " again: it continues",
                ) from error
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
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            threading.Event().wait(BUSY_AGAIN)
        else:
            return


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
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


def _is_busy(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)


def _version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found
