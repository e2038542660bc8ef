"""What happened, as rows: the latest last. Pure."""

from typing import Final

from ...broker.plain import plain
from ...broker.views import Happened
from ..pace import clock
from .glyphs import Glyphs
from .grid import Column, Grid, Row
from .mesh import MeshView
from .tone import Line, Span, Tone

COLUMNS: Final = (
    Column("AGO", 8, right=True),
    Column("WHAT", 11),
    Column("WHO", 14, rank=1),
    Column("", 20, grows=True),
)
TONES: Final = {
    "joined": Tone.BUSY,
    "left": Tone.QUIET,
    "told": Tone.STRONG,
}
NOTHING: Final = ("Nothing has happened yet.",)


def grid(view: MeshView, glyphs: Glyphs) -> Grid:  # noqa: ARG001  # all pages are made alike
    """Return the table of what happened."""
    uptime = view.snapshot.uptime if view.snapshot is not None else 0.0
    rows = tuple(
        Row(
            str(one.number),
            (
                Span(clock(max(0.0, uptime - one.at)), Tone.QUIET),
                _what(one),
                Span(plain(one.who), Tone.STRONG),
                Span(plain(one.text)),
            ),
        )
        for one in view.lines
    )
    return Grid(COLUMNS, rows, NOTHING)


def _what(one: Happened) -> Span:
    return Span(one.what, TONES.get(one.what, Tone.WARN))


def detail(view: MeshView, number: str) -> list[Line]:
    """Return one line in full."""
    return [
        line
        for one in view.lines
        if str(one.number) == number
        for line in (
            (
                Span(f"{plain(one.who)} ", Tone.STRONG),
                _what(one),
            ),
            (Span(plain(one.text)),),
        )
    ]
