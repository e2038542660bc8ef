"""The lines above every page: which mesh, is it true, how far is the work, what limits it. Pure."""

import os
from collections.abc import Sequence
from typing import Final

from ...broker.plain import plain
from ...broker.views import BatchView, FolderView, Snapshot
from ..pace import clock, counted, short
from .glyphs import Glyphs, bar, spark
from .mesh import MeshView
from .tone import Line, Span, Tone

PAGES: Final = ("Nodes", "Jobs", "Folders", "Log")
BAR: Final = 26
FRESH: Final = 10
"""How many images a second's last values are drawn."""


def title(
    view: MeshView, glyphs: Glyphs, *, page: str, now: float, clock_text: str, notes: Sequence[str]
) -> Line:
    """Return the first line; ``notes`` are what else is true of the screen, such as frozen."""
    snapshot = view.snapshot
    where = plain(snapshot.broker) if snapshot is not None else "looking for the broker"
    separator = Span(f" {glyphs.line} ", Tone.QUIET)
    tabs: list[Span] = []
    for number, name in enumerate(PAGES, start=1):
        here = name == page
        tabs.append(Span(f"[{number} {name}]" if here else f" {number} {name} ", _tab(here=here)))
    return (
        Span("pixmesh", Tone.STRONG),
        Span(f" {glyphs.dot} {where}  "),
        _pulse(view, glyphs, now),
        *(Span(f"  {note}", Tone.WARN) for note in notes),
        separator,
        *tabs,
        separator,
        Span(clock_text, Tone.QUIET),
    )


def _tab(*, here: bool) -> Tone:
    return Tone.STRONG if here else Tone.QUIET


def _pulse(view: MeshView, glyphs: Glyphs, now: float) -> Span:
    if view.snapshot is None:
        return Span(f"{glyphs.states['warming']} connecting", Tone.WARN)
    if view.why_away:
        return Span(f"{glyphs.states['lost']} away {_long(view.age(now))}", Tone.WARN)
    return Span(f"{glyphs.states['working']} live {view.age(now):.1f}s", Tone.BUSY)


def _long(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds < 60 else clock(seconds)


def banner(view: MeshView, now: float) -> str:
    """Return what is to be said across the screen while the broker is away, or nothing."""
    if not view.why_away:
        return ""
    why = plain(view.why_away)
    if view.snapshot is None:
        return f"NO BROKER: {why}. It is looked for all the time."
    return f"NO BROKER for {_long(view.age(now))}: {why}. The figures are as old; it is looked for."


def progress(view: MeshView, glyphs: Glyphs) -> Line:
    """Return how far the work is: the watched folders, else what runs."""
    snapshot = view.snapshot
    if snapshot is None:
        return ()
    if snapshot.folders:
        return _folders(snapshot.folders, view, glyphs)
    if snapshot.batches:
        return _batches(snapshot.batches, view, glyphs)
    return (Span(_quiet(snapshot), Tone.QUIET),)


def _quiet(snapshot: Snapshot) -> str:
    slots = sum(node.slots for node in snapshot.nodes)
    nodes = counted(len(snapshot.nodes), "node")
    return f"nothing is asked of {nodes} with {counted(slots, 'slot')}"


def _folders(folders: Sequence[FolderView], view: MeshView, glyphs: Glyphs) -> Line:
    written, failed = sum(one.written for one in folders), sum(one.failed for one in folders)
    running = sum(one.running for one in folders)
    left = running + sum(one.settling + one.waiting for one in folders)
    total = written + failed + left
    rate = sum(view.rate(one.id) for one in folders)
    if len(folders) == 1:
        name = f"{_home(folders[0].source)} {glyphs.arrow} {_home(folders[0].out)}"
    else:
        name = counted(len(folders), "folder")
    share = (written + failed) / total if total else 1.0
    return (
        Span(f"{plain(name)} "),
        Span(bar(share, width=BAR, glyphs=glyphs), Tone.BUSY),
        Span(f" {written + failed}/{total} "),
        Span(f"{glyphs.done}{written} ", Tone.BUSY),
        Span(f"{glyphs.failed}{failed} ", Tone.WARN if failed else Tone.QUIET),
        Span(f"{glyphs.running}{running}  "),
        *_speed(rate, left, view, glyphs),
    )


def _speed(rate: float, left: int, view: MeshView, glyphs: Glyphs) -> Line:
    images = list(view.images)[-FRESH:]
    drawn = spark(images, most=max(images, default=0.0), width=FRESH, glyphs=glyphs)
    remaining = f"  left {clock(left / rate)}" if rate and left else ""
    return (Span(f"{short(rate)} img/s "), Span(drawn, Tone.BUSY), Span(remaining))


def _batches(batches: Sequence[BatchView], view: MeshView, glyphs: Glyphs) -> Line:
    done, failed = sum(one.done for one in batches), sum(one.failed for one in batches)
    running, waiting = sum(one.running for one in batches), sum(one.waiting for one in batches)
    first = batches[0]
    name = (
        f"{first.owner}: {first.label or first.recipe}"
        if len(batches) == 1
        else counted(len(batches), "batch").replace("batchs", "batches")
    )
    return (
        Span(f"{plain(name)}  "),
        Span(f"{glyphs.done}{done} ", Tone.BUSY),
        Span(f"{glyphs.failed}{failed} ", Tone.WARN if failed else Tone.QUIET),
        Span(f"{glyphs.running}{running} "),
        Span(f"+{waiting} wait  "),
        *_speed(sum(view.rate(one.id) for one in batches), 0, view, glyphs),
    )


def _home(path: str) -> str:
    home = os.path.expanduser("~")  # noqa: PTH111  # the text is shown, not a path that is used
    return "~" + path[len(home) :] if path.startswith(home + os.sep) else path


def limits(view: MeshView) -> Line:
    """Return what limits the whole, and who asks to be let in."""
    snapshot = view.snapshot
    if snapshot is None:
        return ()
    spans: list[Span] = []
    if snapshot.limited_by:
        spans += [Span("limited by: ", Tone.QUIET), Span(plain(snapshot.limited_by), Tone.STRONG)]
    reasons = [batch.reason for batch in snapshot.batches if batch.reason]
    if reasons and reasons[0] not in snapshot.limited_by:
        spans.append(Span(f"waits: {plain(reasons[0])}", Tone.WARN))
    if waiting := len(snapshot.waiting):
        asks = f"{counted(waiting, 'machine')} {'asks' if waiting == 1 else 'ask'} to be let in"
        spans.append(Span(f"   {asks}: press a", Tone.WARN))
    if quarantined := len(snapshot.quarantined):
        spans.append(Span(f"   {counted(quarantined, 'picture')} quarantined", Tone.WARN))
    return tuple(spans)
