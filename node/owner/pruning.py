"""What the ledger forgets in the end, so that it does not grow for ever.

    rows with an outcome, unchanged for so long, whose source is gone    go, with their history
    of all others: history older than that                               goes, but the last line

In small transactions: others write meanwhile, and a row that they ask for again stays.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from .database import Database

PIECE: Final = 500


def prune(database: Database, before: float, is_gone: Callable[[Path], bool]) -> int:
    """Forget what is older than a time; return how many rows went."""
    gone = sum(_forget(database, before, piece) for piece in _old(database, before, is_gone))
    for piece in _lines(database, before):
        _shorten(database, piece)
    return gone


def _old(
    database: Database, before: float, is_gone: Callable[[Path], bool]
) -> Iterator[list[bytes]]:
    last: tuple[float, bytes] = (float("-inf"), b"")
    while True:
        found: list[Any] = database.query(
            "SELECT destination, source, changed FROM outputs WHERE changed < ?"
            " AND state IN ('done', 'failed', 'cancelled')"
            " AND (changed, destination) > (?, ?) ORDER BY changed, destination LIMIT ?",
            [before, *last, PIECE],
        )
        if not found:
            return
        last = (found[-1][2], found[-1][0])
        yield [one for one, source, _ in found if is_gone(Path(os.fsdecode(source)))]


def _forget(database: Database, before: float, destinations: Sequence[bytes]) -> int:
    gone = 0
    with database.transaction(durable=False) as connection:
        for one in destinations:
            # It may have been asked for again since it was found.
            count = connection.execute(
                "DELETE FROM outputs WHERE destination = ? AND changed < ?"
                " AND state IN ('done', 'failed', 'cancelled')",
                [one, before],
            ).rowcount
            if count:
                connection.execute("DELETE FROM history WHERE destination = ?", [one])
            gone += count
    return gone


def _lines(database: Database, before: float) -> Iterator[list[int]]:
    last = -1
    while True:
        found = database.query(
            "SELECT number FROM history WHERE number > ? AND at < ? ORDER BY number LIMIT ?",
            [last, before, PIECE],
        )
        if not found:
            return
        last = found[-1][0]
        yield [number for (number,) in found]


def _shorten(database: Database, numbers: Sequence[int]) -> None:
    with database.transaction(durable=False) as connection:
        connection.executemany(
            "DELETE FROM history WHERE number = ? AND EXISTS (SELECT 1 FROM history AS later"
            " WHERE later.destination = history.destination AND later.number > history.number)",
            [(number,) for number in numbers],
        )
