"""The lines above every page: which mesh, is it true, how far is the work, what limits it. Pure."""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from ...broker.plain import plain
from ...broker.views import BatchView, FolderView, Snapshot
from ..pace import age, clock, counted, short
from ..table import shortened, tail
from .glyphs import Glyphs, bar, spark
from .mesh import MeshView
from .tone import Line, Span, Tone, first_that_fits

PAGES: Final = ("Nodes", "Jobs", "Folders", "Log")
BAR: Final = 26
SHORT_BAR: Final = 10
SHORT_NAME: Final = 16
FRESH: Final = 10
"""How many images a second's last values are drawn."""


def title(
    view: MeshView,
    glyphs: Glyphs,
    *,
    page: str,
    now: float,
    clock_text: str,
    notes: Sequence[str],
    width: int,
) -> Line:
    """Return the first line; ``notes`` are what else is true of the screen, such as frozen."""
    snapshot = view.snapshot
    where = plain(snapshot.broker) if snapshot is not None else "looking for the broker"
    between = Span(f" {glyphs.line} ", Tone.QUIET)
    pulse = (_pulse(view, glyphs, now), *(Span(f"  {note}", Tone.WARN) for note in notes))
    name, place = Span("pixmesh", Tone.STRONG), Span(f" {glyphs.dot} {where}  ")
    tabs, short_tabs = _tabs(page, others=True), _tabs(page, others=False)
    return first_that_fits(
        (
            (name, place, *pulse, between, *tabs, between, Span(clock_text, Tone.QUIET)),
            (name, place, *pulse, between, *tabs),
            (Span(f"{where}  ", Tone.STRONG), *pulse, between, *short_tabs),
            (*pulse, between, *short_tabs),
        ),
        width,
    )


def _tabs(page: str, *, others: bool) -> Line:
    """Return the pages' names, that of the one shown in brackets; of ``others`` too, or numbers."""
    tabs = []
    for number, name in enumerate(PAGES, start=1):
        if name == page:
            tabs.append(Span(f"[{number} {name}]", Tone.STRONG))
        else:
            tabs.append(Span(f" {number} {name} " if others else f" {number} ", Tone.QUIET))
    return tuple(tabs)


def _pulse(view: MeshView, glyphs: Glyphs, now: float) -> Span:
    if view.snapshot is None:
        return Span(f"{glyphs.states['warming']} connecting", Tone.WARN)
    if view.away(now):
        return Span(f"{glyphs.states['lost']} away {age(view.age(now))}", Tone.WARN)
    return Span(f"{glyphs.states['working']} live {view.age(now):.1f}s", Tone.BUSY)


def banner(view: MeshView, now: float) -> str:
    """Return what is to be said across the screen while the broker is away, or nothing."""
    why = plain(view.away(now))
    if not why:
        return ""
    if view.snapshot is None:
        return f"NO BROKER; it is looked for all the time. {why}"
    return f"NO BROKER: the figures are {age(view.age(now))} old; it is looked for. {why}"


def progress(view: MeshView, glyphs: Glyphs, *, width: int) -> Line:
    """Return how far the work is: the watched folders, else what runs."""
    snapshot = view.snapshot
    if snapshot is None:
        return ()
    if snapshot.folders:
        return first_that_fits(_folders(snapshot.folders, view, glyphs), width)
    if snapshot.batches:
        return first_that_fits(_batches(snapshot.batches, view, glyphs), width)
    return (Span(_quiet(snapshot), Tone.QUIET),)


def _quiet(snapshot: Snapshot) -> str:
    slots = sum(node.slots for node in snapshot.nodes)
    nodes = counted(len(snapshot.nodes), "node")
    return f"nothing is asked of {nodes} with {counted(slots, 'slot')}"


def _folders(folders: Sequence[FolderView], view: MeshView, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the line, ever shorter."""
    written, failed = sum(one.written for one in folders), sum(one.failed for one in folders)
    running = sum(one.running for one in folders)
    left = running + sum(one.settling + one.waiting for one in folders)
    total = written + failed + left
    rate = sum(view.rate(one.id) for one in folders)
    share = (written + failed) / total if total else 1.0
    counts = (
        Span(f" {written + failed}/{total} "),
        Span(f"{glyphs.done}{written} ", Tone.BUSY),
        Span(f"{glyphs.failed}{failed} ", Tone.WARN if failed else Tone.QUIET),
        Span(f"{glyphs.running}{running}  "),
    )
    speed, drawn, remaining = _speed(rate, left, view, glyphs)
    drawn_bar = Span(bar(share, width=BAR, glyphs=glyphs), Tone.BUSY)
    short_bar = Span(bar(share, width=SHORT_BAR, glyphs=glyphs), Tone.BUSY)
    names = _names(folders, glyphs)
    yield (Span(names[0]), drawn_bar, *counts, speed, drawn, remaining)
    yield (Span(names[1]), drawn_bar, *counts, speed, remaining)
    yield (Span(names[1]), short_bar, *counts, speed, remaining)
    yield (short_bar, *counts, speed, remaining)
    yield (short_bar, *counts)


def _names(folders: Sequence[FolderView], glyphs: Glyphs) -> tuple[str, str]:
    """Return what is watched, in full and shorter."""
    if len(folders) > 1:
        return (f"{counted(len(folders), 'folder')} ",) * 2
    source, out = _home(folders[0].source), _home(folders[0].out)
    return plain(f"{source} {glyphs.arrow} {out} "), plain(f"{tail(source, SHORT_NAME)} ")


def _speed(rate: float, left: int, view: MeshView, glyphs: Glyphs) -> tuple[Span, Span, Span]:
    images = list(view.images)[-FRESH:]
    drawn = spark(images, most=max(images, default=0.0), width=FRESH, glyphs=glyphs)
    remaining = f"  left {clock(left / rate)}" if rate and left else ""
    return Span(f"{short(rate)} img/s "), Span(drawn, Tone.BUSY), Span(remaining)


def _batches(batches: Sequence[BatchView], view: MeshView, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the line, ever shorter."""
    done, failed = sum(one.done for one in batches), sum(one.failed for one in batches)
    running, waiting = sum(one.running for one in batches), sum(one.waiting for one in batches)
    first, more = batches[0], len(batches) - 1
    name = f"{first.owner}: {first.label or first.recipe}" + (f" and {more} more" if more else "")
    counts = (
        Span(f"{glyphs.done}{done} ", Tone.BUSY),
        Span(f"{glyphs.failed}{failed} ", Tone.WARN if failed else Tone.QUIET),
        Span(f"{glyphs.running}{running} "),
        Span(f"+{waiting} wait  "),
    )
    speed, drawn, _ = _speed(sum(view.rate(one.id) for one in batches), 0, view, glyphs)
    yield (Span(f"{plain(name)}  "), *counts, speed, drawn)
    yield (Span(f"{plain(shortened(name, SHORT_NAME))}  "), *counts, speed)
    yield counts


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
    for fact in _warnings(snapshot):
        between = "  " if spans else ""
        spans.append(Span(f"{between}{fact}", Tone.WARN))
    return tuple(spans)


def _warnings(snapshot: Snapshot) -> Iterator[str]:
    reasons = [batch.reason for batch in snapshot.batches if batch.reason]
    if reasons and reasons[0] not in snapshot.limited_by:
        yield f"waits: {plain(reasons[0])}"
    if waiting := len(snapshot.waiting):
        yield f"{waiting} {'asks' if waiting == 1 else 'ask'} to be let in: press a"
    if quarantined := len(snapshot.quarantined):
        yield f"{counted(quarantined, 'picture')} quarantined"
