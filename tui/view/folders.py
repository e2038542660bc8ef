"""Watched folders as rows, and one of them in detail. Pure."""

from typing import Final

from ...broker.plain import plain
from ...broker.views import FolderView
from ..pace import clock, short
from .glyphs import Glyphs, bar
from .grid import Column, Grid, Row
from .mesh import MeshView
from .tone import Span, Tone, titled

COLUMNS: Final = (
    Column("OWNER", 8, rank=3),
    Column("FOLDER", 14, grows=True),
    Column("OUT", 10, rank=1, grows=True),
    Column("STATE", 9),
    Column("DONE", 10, rank=2),
    Column("WRITTEN", 7, right=True),
    Column("FAILED", 6, right=True),
    Column("RUN", 4, rank=5, right=True),
    Column("WAIT", 5, rank=4, right=True),
    Column("img/s", 5, rank=6, right=True),
    Column("LEFT", 7, rank=7, right=True),
)
BAR: Final = 10
NOTHING: Final = (
    "No folder is watched.",
    'Watch one:  pixmesh watch "grayscale" IN -o OUT',
)


def grid(view: MeshView, glyphs: Glyphs) -> Grid:
    """Return the table of watched folders."""
    folders = view.snapshot.folders if view.snapshot is not None else ()
    return Grid(COLUMNS, tuple(_row(one, view, glyphs) for one in folders), NOTHING)


def state_of(folder: FolderView) -> str:
    """Return a folder's state in a word."""
    if folder.paused:
        return "paused"
    if folder.running or folder.waiting:
        return "working"
    return "settling" if folder.settling else "idle"


def _left(folder: FolderView) -> int:
    return folder.settling + folder.waiting + folder.running


def _row(one: FolderView, view: MeshView, glyphs: Glyphs) -> Row:
    state = state_of(one)
    ended, left, rate = one.written + one.failed, _left(one), view.rate(one.id)
    glyph = {"paused": "draining", "settling": "warming"}.get(state, state)
    tone = {"working": Tone.BUSY, "idle": Tone.QUIET}.get(state, Tone.WARN)
    share = ended / (ended + left) if ended + left else 1.0
    return Row(
        one.id,
        (
            Span(plain(one.owner)),
            Span(plain(one.source), Tone.STRONG),
            Span(plain(one.out)),
            Span(f"{glyphs.states[glyph]} {state}", tone),
            Span(bar(share, width=BAR, glyphs=glyphs), Tone.BUSY),
            Span(str(one.written)),
            Span(str(one.failed), Tone.WARN if one.failed else Tone.QUIET),
            Span(str(one.running)),
            Span(str(one.waiting + one.settling)),
            Span(short(rate) if rate else glyphs.dash),
            Span(clock(left / rate) if rate and left else glyphs.dash),
        ),
    )


def _files(one: FolderView) -> str:
    coming = f"{one.settling} settling, {one.waiting} waiting, {one.running} running"
    return f"{coming}, {one.written} written, {one.failed} failed"


def detail(view: MeshView, folder_id: str, glyphs: Glyphs) -> list[tuple[Span, ...]]:
    """Return all that is known of a watched folder."""
    folders = view.snapshot.folders if view.snapshot is not None else ()
    found = [one for one in folders if one.id == folder_id]
    if not found:
        return []
    one = found[0]
    facts = (
        ("folder", f"{one.source} {glyphs.arrow} {one.out}"),
        ("paused", one.paused),
        ("files", _files(one)),
        ("failed", f"reasons: pixmesh jobs list --state failed --under {one.out}"),
        ("id", f"{one.id} of {one.owner}"),
    )
    return [
        titled(title, text) for title, text in facts if text and (title != "failed" or one.failed)
    ]
