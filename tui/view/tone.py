"""How a piece of text is meant, never in which colour. Pure.

Themes turn tones into colours; where there are none, a glyph and a word beside say the same.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from ...broker.plain import plain


class Tone(StrEnum):
    """What a text is to the eye."""

    PLAIN = "plain"
    BUSY = "busy"
    WARN = "warn"
    QUIET = "quiet"
    STRONG = "strong"


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]


def first_that_fits(lines: Iterable[Line], width: int) -> Line:
    """Return the first of these lines that is no wider; the last one where none fits."""
    last: Line = ()
    for last in lines:
        if cell_len(text_of(last)) <= width:
            return last
    return last


def cut(line: Line, width: int, more: str) -> Line:
    """Return as much of a line as there is room for; ``more`` stands for the rest."""
    left = width
    kept: list[Span] = []
    for span in line:
        size = cell_len(span.text)
        if size > left:
            room = max(0, left - cell_len(more))
            return (*kept, Span(set_cell_size(span.text, room) + more[:left], span.tone))
        kept.append(span)
        left -= size
    return tuple(kept)


def titled(title: str, text: str, tone: Tone = Tone.PLAIN) -> Line:
    """Return a line of a detail: what it is about, and what is known of it."""
    return Span(f"{title:<9}", Tone.QUIET), Span(plain(text), tone)


def text_of(line: Line) -> str:
    """Return a line's letters."""
    return "".join(span.text for span in line)
