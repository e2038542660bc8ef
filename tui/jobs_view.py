"""The ledger's pictures as a list, in words and as data. Pure."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Final

from ..node.folder.places import shown
from ..node.owner.folder_records import Arrival
from ..node.owner.names import as_unicode
from ..node.owner.row import Row
from .pace import short
from .story import moment
from .table import table

SCHEMA: Final = 1
_OF_ARRIVALS: Final = frozenset({"seen", "waiting"})
_HEAD: Final = ("STATE", "SINCE", "NODE", "TRIES", "SECONDS", "PICTURE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One picture of the list."""

    state: str
    at: float
    source: str
    destination: str
    job: str | None = None
    node: str = ""
    attempts: int = 0
    seconds: float = 0.0
    code: str = ""
    reason: str = ""

    @property
    def is_arrival(self) -> bool:
        """Whether it is a file of a watched folder that is not submitted yet."""
        return self.job is None and self.state in _OF_ARRIVALS


def lines(rows: Sequence[Row], arrivals: Sequence[Arrival], *, most: int) -> list[Line]:
    """Return both kinds as one list, the latest first."""
    both = [*map(_of_row, rows), *map(_of_arrival, arrivals)]
    return sorted(both, key=attrgetter("at"), reverse=True)[:most]


def in_words(chosen: Sequence[Line], counts: Mapping[str, int]) -> list[str]:
    """Return a table, and the counts in the last line."""
    listed = table(_HEAD, [_cells(one) for one in chosen]) if chosen else []
    total = sum(counts.values())
    summed = ", ".join(f"{count} {state}" for state, count in counts.items()) or "nothing"
    more = f"; the latest {len(chosen)} are shown" if total > len(chosen) else ""
    return [*listed, f"{summed}{more}"]


def as_data(chosen: Sequence[Line], counts: Mapping[str, int]) -> dict[str, object]:
    """Return the same as plain data."""
    return {"schema": SCHEMA, "jobs": list(chosen), "counts": dict(counts)}


def path_shown(path: Path) -> str:
    """Return a path or URL as people write it, in letters that can be printed."""
    return as_unicode(shown(path))


def _cells(one: Line) -> tuple[str, ...]:
    why = f": {one.reason}" if one.reason else ""
    return (
        one.state,
        moment(one.at),
        one.node,
        str(one.attempts) if one.attempts else "",
        short(one.seconds) if one.seconds else "",
        f"{one.source} -> {one.destination}{why}",
    )


def _of_row(row: Row) -> Line:
    return Line(
        state=row.state.value,
        at=row.changed,
        source=path_shown(row.source),
        destination=path_shown(row.destination),
        job=row.job.hex() if row.job is not None else None,
        node=row.node,
        attempts=row.attempts,
        seconds=row.seconds,
        code=row.code,
        reason=row.reason,
    )


def _of_arrival(arrival: Arrival) -> Line:
    return Line(
        state=arrival.state.value,
        at=arrival.at,
        source=path_shown(arrival.source),
        destination=path_shown(arrival.out) + os.sep if arrival.out is not None else "",
        reason=arrival.reason,
    )
