"""Batches of the mesh, and the pictures of this machine's ledger, as rows. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ...broker.plain import plain
from ..jobs_view import Line as Listed
from ..pace import short
from ..story import moment
from .glyphs import Glyphs
from .grid import Column, Grid, Row, nothing_of
from .mesh import MeshView
from .tone import Line, Span, Tone, titled

COLUMNS: Final = (
    Column("STATE", 12),
    Column("SINCE", 19, rank=3),
    Column("NODE", 8, rank=2),
    Column("TRIES", 5, rank=5, right=True),
    Column("SECONDS", 7, rank=4, right=True),
    Column("PICTURE", 20, grows=True),
    Column("OUTPUT, OR WHY NOT", 18, rank=1, grows=True),
)
MOST: Final = 500
"""Rows that are alive at a time, however many pictures there are."""
NOTHING: Final = (
    "No pictures from this machine.",
    'Begin with:  pixmesh run "grayscale" PICTURES -o OUT',
)
STATES: Final[Mapping[str, tuple[str, Tone]]] = {
    "seen": ("warming", Tone.QUIET),
    "waiting": ("idle", Tone.QUIET),
    "submitted": ("working", Tone.BUSY),
    "committing": ("working", Tone.BUSY),
    "done": ("done", Tone.PLAIN),
    "failed": ("lost", Tone.WARN),
    "cancelled": ("quarantined", Tone.QUIET),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """What the ledger was asked for, and what it had: at most MOST lines, and how many of each.

    ``trouble`` is why it could not be read again since then.
    """

    words: str = ""
    lines: tuple[Listed, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    trouble: str = ""

    def chosen(self, ids: Sequence[str]) -> list[Listed]:
        """Return these that are listed still."""
        known = {id_of(one): one for one in self.lines}
        return [known[one] for one in ids if one in known]


def grid(listing: Listing, glyphs: Glyphs) -> Grid:
    """Return the table of pictures, at most MOST."""
    trouble = (plain(listing.trouble),) if listing.trouble else ()
    nothing = trouble or nothing_of(NOTHING, listing.words)
    return Grid(COLUMNS, tuple(_row(one, glyphs) for one in listing.lines[:MOST]), nothing)


def id_of(one: Listed) -> str:
    """Return what names a picture of the list: its output, or the file that came and its OUT."""
    return f"{one.source} > {one.destination}" if one.is_arrival else one.destination


def _row(one: Listed, glyphs: Glyphs) -> Row:
    state, tone = STATES.get(one.state, ("late", Tone.WARN))
    glyph = glyphs.done if state == "done" else glyphs.states[state]
    sign = glyph if len(glyph) == 1 else " "
    return Row(
        id_of(one),
        (
            Span(f"{sign} {one.state}", tone),
            Span(moment(one.at), Tone.QUIET),
            Span(plain(one.node)),
            Span(str(one.attempts) if one.attempts else ""),
            Span(short(one.seconds) if one.seconds else ""),
            Span(plain(one.source), Tone.STRONG),
            Span(plain(one.reason or one.destination), Tone.WARN if one.reason else Tone.PLAIN),
        ),
    )


def counts(listing: Listing) -> Line:
    """Return how many pictures there are of each state, and how many of them are shown."""
    if listing.trouble:
        return (Span(f"the ledger cannot be read now: {plain(listing.trouble)}", Tone.WARN),)
    shown = min(MOST, len(listing.lines))
    total = sum(listing.counts.values())
    summed = ", ".join(f"{count} {state}" for state, count in listing.counts.items()) or "nothing"
    matching = f" match {plain(listing.words)!r}" if listing.words else ""
    more = f"; the latest {shown} are shown" if total > shown else ""
    return (Span(f"this machine's pictures: {summed}{matching}{more}", Tone.QUIET),)


def batches(view: MeshView, glyphs: Glyphs, *, most: int) -> list[Line]:
    """Return a line for each batch that the mesh works on, and why it waits."""
    known = view.snapshot.batches if view.snapshot is not None else ()
    lines: list[Line] = []
    for one in known[:most]:
        why = f"  {plain(one.reason)}" if one.reason else ""
        lines.append(
            (
                Span(f"{plain(one.owner)} ", Tone.STRONG),
                Span(f"{plain(one.label or one.recipe)}  "),
                Span(f"{glyphs.done}{one.done} ", Tone.BUSY),
                Span(f"{glyphs.failed}{one.failed} ", Tone.WARN if one.failed else Tone.QUIET),
                Span(f"{glyphs.running}{one.running} +{one.waiting} wait"),
                Span(why, Tone.WARN),
            )
        )
    if len(known) > most:
        lines.append((Span(f"and {len(known) - most} more batches", Tone.QUIET),))
    return lines


def detail(listed: Sequence[Listed], chosen: str) -> list[Line]:
    """Return all that the list says of a picture."""
    found = [one for one in listed if id_of(one) == chosen]
    if not found:
        return []
    one = found[0]
    facts = (
        ("picture", one.source),
        ("output", one.destination),
        ("state", f"{one.state} since {moment(one.at)}"),
        ("node", f"{one.node}, {one.attempts} tries, {short(one.seconds)} s" if one.node else ""),
        ("why", one.reason),
        ("job", one.job or ""),
        ("story", f"pixmesh why {shlex.quote(one.source)}"),
    )
    return [titled(title, text) for title, text in facts if text]
