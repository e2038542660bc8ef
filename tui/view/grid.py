"""A table as it is shown: columns that fit a width, rows that have an id. Pure.

Actions are meant for ids, never for places in the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from ...broker.plain import plain
from .tone import Span, Tone

GAP = 1


@dataclass(frozen=True, slots=True)
class Column:
    """A column. What has the highest ``rank`` goes first where there is no room."""

    title: str
    width: int
    rank: int = 0
    right: bool = False
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row: a cell for each column."""

    id: str
    cells: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. ``nothing`` is said where there are no rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    nothing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A column that is shown: which, and how wide."""

    index: int
    column: Column
    width: int


def places(columns: Sequence[Column], width: int) -> list[Place]:
    """Return the columns that fit, with their widths; those that grow share what is left."""
    shown = list(enumerate(columns))
    while len(shown) > 1 and _needed([column for _, column in shown]) > width:
        shown.remove(max(shown, key=lambda one: (one[1].rank, one[0])))
    left = width - _needed([column for _, column in shown])
    growing = [index for index, column in shown if column.grows]
    share, rest = divmod(max(0, left), len(growing)) if growing else (0, 0)
    extra = {index: share + (number < rest) for number, index in enumerate(growing)}
    return [
        Place(index, column, min(width, column.width + extra.get(index, 0)))
        for index, column in shown
    ]


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def line(cells: Sequence[Span], shown: Sequence[Place], more: str) -> list[Span]:
    """Return one line of a table; what is too long ends in ``more``."""
    spans: list[Span] = []
    for place in shown:
        if spans:
            spans.append(Span(" " * GAP))
        cell = cells[place.index]
        text = fitted(cell.text, place.width, more, right=place.column.right)
        spans.append(Span(text, cell.tone))
    return spans


def head(shown: Sequence[Place], more: str) -> list[Span]:
    """Return the line above a table."""
    titles = {place.index: Span(place.column.title, Tone.QUIET) for place in shown}
    cells = [titles.get(index, Span("")) for index in range(max(titles, default=-1) + 1)]
    return line(cells, shown, more)


def fitted(text: str, width: int, more: str, *, right: bool = False) -> str:
    """Return a text of exactly this many cells."""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, max(0, width - cell_len(more))) + more[:width]
    return " " * (width - size) + text if right else text + " " * (width - size)


def nothing_of(nothing: tuple[str, ...], words: str) -> tuple[str, ...]:
    """Return what is said of a table without rows, of which only those with these words show."""
    return (f"Nothing has {plain(words)!r}.", "escape shows everything again") if words else nothing


def matching(rows: Sequence[Row], words: str) -> tuple[Row, ...]:
    """Return the rows in which every one of these words is, in any case."""
    wanted = words.lower().split()
    if not wanted:
        return tuple(rows)
    return tuple(
        row
        for row in rows
        if all(word in " ".join(cell.text for cell in row.cells).lower() for word in wanted)
    )
