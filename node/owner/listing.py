"""The ledger's outputs and arrivals as people list them: the latest first, counted by state.

Owns the choice by state and folder. It reads only, and never more than is asked for.
"""

import heapq
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from .columns import COLUMNS, SELECT, below, row_of
from .database import Database
from .folder_records import ARRIVALS, Arrival, ArrivalState, arrival_of
from .row import Row, State

PIECE: Final = 500
NEWEST: Final = 2500
_LITERAL: Final = re.compile("[!%_]")
_ESCAPED: Final = r"!\g<0>"
_ESCAPE: Final = "'!'"
STATES: Final[tuple[StrEnum, ...]] = (*ArrivalState, *State)
"""All that a picture may be, in the order in which it comes to be it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be listed: of these states (none: any), and below one of these folders.

    A picture lies below a folder where its source or its output does. Each of the ``words`` is
    in its source, its output, its state or the reason for that, in any case of ASCII letters.
    """

    states: frozenset[str] = frozenset()
    under: tuple[Path, ...] = ()
    words: tuple[str, ...] = ()


class Listing:
    """The lists of one ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def outputs(self, choice: Choice, *, most: int) -> list[Row]:
        """Return outputs, those that changed last first."""
        where, values = _where(choice, ("destination", "source"))
        found = self._database.query(
            f"{SELECT}{where} ORDER BY changed DESC, destination LIMIT ?", [*values, most]
        )
        return [row_of(one) for one in found]

    def page(self, choice: Choice, *, most: int) -> tuple[list[Row], dict[str, int]]:
        """Return the latest outputs, and how many there are of each state.

        Words are looked for in every row, so that is done once: where many have them the latest
        are among the newest, and only counted; few are found, counted and sorted in one look.
        """
        where, values = _where(choice, ("destination", "source"))
        newest = f"(SELECT * FROM outputs ORDER BY changed DESC, destination LIMIT {NEWEST})"  # noqa: S608  # constants
        latest = self._database.query(
            f"SELECT {COLUMNS} FROM {newest}{where} LIMIT ?",  # noqa: S608  # constants
            [*values, most],
        )
        if len(latest) == most:
            return [row_of(one) for one in latest], self._count_outputs(choice)
        found = self._database.query(
            f"SELECT changed, destination, state FROM outputs{where}",  # noqa: S608  # constants
            values,
        )
        chosen = [destination for _, destination, _ in heapq.nlargest(most, found)]
        marks = ", ".join("?" * len(chosen))
        rows = self._database.query(
            f"{SELECT} WHERE destination IN ({marks}) ORDER BY changed DESC, destination", chosen
        )
        return [row_of(one) for one in rows], dict(Counter(state for _, _, state in found))

    def every(self, choice: Choice) -> Iterator[Row]:
        """Yield all outputs; read in pieces, by destination."""
        last = b""
        where, values = _where(choice, ("destination", "source"))
        more = f"{where} AND" if where else " WHERE"
        query = f"{SELECT}{more} destination > ? ORDER BY destination LIMIT {PIECE}"
        while True:
            found = self._database.query(query, [*values, last])
            yield from (row_of(one) for one in found)
            if len(found) < PIECE:
                return
            last = found[-1][0]

    def arrivals(self, choice: Choice, *, most: int) -> list[Arrival]:
        """Return arrivals, the latest first."""
        where, values = _where(choice, ("out", "source"))
        found = self._database.query(
            f"{ARRIVALS}{where} ORDER BY at DESC, source LIMIT ?", [*values, most]
        )
        return [arrival_of(one) for one in found]

    def counts(self, choice: Choice) -> dict[str, int]:
        """Return how many there are of each state that there is any of, in the states' order."""
        found = self.arrived(choice) | self._count_outputs(choice)
        return {state.value: found[state] for state in STATES if state in found}

    def arrived(self, choice: Choice) -> dict[str, int]:
        """Return how many arrivals there are of each state."""
        return self._count("arrivals", ("out", "source"), choice)

    def _count_outputs(self, choice: Choice) -> dict[str, int]:
        return self._count("outputs", ("destination", "source"), choice)

    def _count(self, table: str, columns: Sequence[str], choice: Choice) -> dict[str, int]:
        where, values = _where(choice, columns)
        query = f"SELECT state, count(*) FROM {table}{where} GROUP BY state"  # noqa: S608  # constants
        return dict(self._database.query(query, values))


def _where(choice: Choice, columns: Sequence[str]) -> tuple[str, list[object]]:
    """Return a condition; its words are constants, what people say is among the values."""
    parts: list[str] = []
    values: list[object] = []
    if choice.states:
        parts.append(f"state IN ({', '.join('?' * len(choice.states))})")
        values += sorted(choice.states)
    if choice.under:
        ranges = []
        for folder in choice.under:
            for column in columns:
                ranges.append(f"{column} = ? OR ({column} > ? AND {column} < ?)")
                values += [os.fsencode(folder), *below(folder)]
        parts.append(f"({' OR '.join(ranges)})")
    for word in choice.words:
        searched = (*(f"CAST({one} AS TEXT)" for one in columns), "state", "reason")
        parts.append(f"({' OR '.join(f'{one} LIKE ? ESCAPE {_ESCAPE}' for one in searched)})")
        values += [f"%{_LITERAL.sub(_ESCAPED, word)}%"] * len(searched)
    return (f" WHERE {' AND '.join(parts)}" if parts else ""), values
