"""How a piece of text is meant, never in which colour. Pure.

Themes turn tones into colours; where there are none, a glyph and a word beside say the same.
"""

from enum import StrEnum
from typing import NamedTuple


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


def text_of(line: Line) -> str:
    """Return a line's letters."""
    return "".join(span.text for span in line)
