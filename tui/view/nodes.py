"""The nodes of a mesh as rows, and one of them in detail. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ...broker.plain import plain
from ...broker.views import LostView, NodeView
from ..pace import age, counted, short
from .glyphs import TONES, Glyphs, spark
from .grid import Column, Grid, Row
from .mesh import MeshView, NodeHistory
from .tone import Span, Tone, titled

COLUMNS: Final = (
    Column("NODE", 12),
    Column("STATE", 13),
    Column("SLOTS", 5, rank=1, right=True),
    Column("CPU 60s", 10, rank=2),
    Column("MEM", 4, rank=6, right=True),
    Column("NET MB/s", 9, rank=5, right=True),
    Column("img/s", 5, rank=3, right=True),
    Column("p95", 5, rank=7, right=True),
    Column("FAIL", 4, rank=8, right=True),
    Column("BEAT", 5, rank=4, right=True),
    Column("NOW", 14, grows=True),
)
SPARK: Final = 5
MINUTE: Final = 30
UNKNOWN: Final = "?"

NOTHING: Final = (
    "No node is connected.",
    "On this machine:    pixmesh node",
    "On another machine: press c, and paste there what it copies.",
)


@dataclass(frozen=True, slots=True)
class Member:
    """A node that is here, or one that is lost."""

    name: str
    state: str
    node: NodeView | None = None
    lost: LostView | None = None


def members(view: MeshView) -> list[Member]:
    """Return all nodes, each where it was when it was first seen."""
    snapshot = view.snapshot
    if snapshot is None:
        return []
    here = [Member(node.name, node.state, node=node) for node in snapshot.nodes]
    gone = [Member(lost.name, "lost", lost=lost) for lost in snapshot.lost]
    return sorted(here + gone, key=lambda one: view.nodes[one.name].place)


Key = Callable[[Member], object]


def orders(view: MeshView) -> Mapping[str, Key]:
    """Return what nodes can be sorted by, and how."""
    return {
        "as they came": lambda one: view.nodes[one.name].place,
        "name": lambda one: one.name,
        "state": lambda one: (one.state, one.name),
        "cpu": lambda one: -one.node.load.cpu if one.node else 1.0,
        "img/s": lambda one: -view.node_rate(one.name) if one.node else 1.0,
        "failed": lambda one: -one.node.failed if one.node else 1,
    }


def grid(view: MeshView, glyphs: Glyphs, *, by: str = "as they came") -> Grid:
    """Return the table of nodes."""
    chosen = sorted(members(view), key=orders(view)[by])  # type: ignore[arg-type]
    return Grid(COLUMNS, tuple(_row(one, view, glyphs) for one in chosen), NOTHING)


def _row(one: Member, view: MeshView, glyphs: Glyphs) -> Row:
    if one.node is not None:
        return Row(one.name, _here(one.node, view, glyphs))
    return Row(one.name, _gone(one.lost, view, glyphs) if one.lost is not None else ())


def _here(node: NodeView, view: MeshView, glyphs: Glyphs) -> tuple[Span, ...]:
    late = node.state == "late"
    tone = TONES.get(node.state, Tone.PLAIN)
    cpu = spark(list(view.nodes[node.name].cpu), most=1.0, width=SPARK, glyphs=glyphs)
    load = node.load
    figures: tuple[str, ...] = (
        f"{cpu} {load.cpu:4.0%}",
        f"{load.memory:.0%}",
        f"{_mega(load.net_in)}/{_mega(load.net_out)}",
        short(rate) if (rate := view.node_rate(node.name)) else glyphs.dash,
        f"{short(node.p95)}s" if node.p95 else glyphs.dash,
    )
    if late:
        figures = (f"{cpu}    {UNKNOWN}", *(UNKNOWN,) * (len(figures) - 1))
    return (
        Span(plain(node.name), Tone.STRONG),
        Span(state_in_words(node, glyphs), tone),
        Span(f"{node.busy}/{node.slots}"),
        *(Span(figure) for figure in figures),
        Span(str(node.failed), Tone.WARN if node.failed else Tone.QUIET),
        Span(f"{short(node.beat)}s", Tone.WARN if late else Tone.QUIET),
        _now(node, glyphs),
    )


def state_in_words(node: NodeView, glyphs: Glyphs) -> str:
    """Return a node's state: its glyph, its word, for how long it is silent."""
    silent = f" {short(node.beat)}s" if node.state == "late" else ""
    return f"{glyphs.states.get(node.state, UNKNOWN)} {node.state}{silent}"


def _now(node: NodeView, glyphs: Glyphs) -> Span:
    if node.state == "late":
        tasks = counted(node.held, "task")
        verb = "moves" if node.held == 1 else "move"
        return Span(f"{tasks} {verb} in {node.moves_in:.1f}s", Tone.WARN)
    if node.now:
        more = f" +{node.held - 1}" if node.held > 1 else ""
        return Span(plain(node.now) + more)
    if node.reason:
        return Span(f"why: {plain(node.reason)}", Tone.QUIET)
    return Span("nothing waits" if node.state == "idle" else glyphs.dash, Tone.QUIET)


def _gone(lost: LostView, view: MeshView, glyphs: Glyphs) -> tuple[Span, ...]:
    nothing = Span(glyphs.dash, Tone.QUIET)
    return (
        Span(plain(lost.name), Tone.STRONG),
        Span(f"{glyphs.states['lost']} lost {_ago(lost, view)}", TONES["lost"]),
        Span(f"0/{lost.slots}", Tone.QUIET),
        *(nothing,) * 7,
        Span(f"{plain(lost.why)}: {counted(lost.moved, 'task')} moved", Tone.WARN),
    )


def _ago(lost: LostView, view: MeshView) -> str:
    uptime = view.snapshot.uptime if view.snapshot is not None else lost.at
    return age(max(0.0, uptime - lost.at))


def _mega(rate: float) -> str:
    return short(rate / 1e6) if rate >= 5e3 else "0"


def detail(view: MeshView, name: str, glyphs: Glyphs) -> list[tuple[Span, ...]]:
    """Return all that is known of a node, the most telling first."""
    found = [one for one in members(view) if one.name == name]
    if not found:
        return []
    node, lost = found[0].node, found[0].lost
    if node is not None:
        return [titled(*line) for line in _facts(node, view, glyphs) if line[1]]
    return [titled(*line) for line in _last_words(lost)] if lost is not None else []


def _facts(node: NodeView, view: MeshView, glyphs: Glyphs) -> list[tuple[str, str, Tone]]:
    sep = f" {glyphs.dot} "
    load = node.load
    machine = [node.address or "this machine", counted(node.slots, "slot")]
    machine.append(f"{node.memory / 1e9:.1f} GB for tasks")
    work = [f"{node.done} done", f"{node.failed} failed", f"{node.held} held"]
    if node.fetching:
        work.append(f"{node.fetching} wait for their pixels")
    rate = view.node_rate(node.name)
    pace = [f"{short(rate)} img/s"] if rate else []
    pace += [f"p95 {short(node.p95)} s"] if node.p95 else []
    others = f"CPU {load.cpu:.0%}, by others {load.cpu_others:.0%}"
    disk = f"disk {_mega(load.disk_read)}/{_mega(load.disk_write)} MB/s"
    return [
        ("state", state_in_words(node, glyphs), TONES.get(node.state, Tone.PLAIN)),
        ("why", node.reason, Tone.WARN),
        ("shown", _shown(view, node.name, sep), Tone.PLAIN),
        ("machine", sep.join(machine), Tone.PLAIN),
        ("work", sep.join(work + pace), Tone.PLAIN),
        ("load", sep.join([others, disk]), Tone.PLAIN),
        ("minute", _minute(view.nodes[node.name], glyphs), Tone.BUSY),
        ("class", node.numeric, Tone.QUIET),
        ("error", node.last_error, Tone.WARN),
        ("members", _membership(view, node.name), Tone.QUIET),
    ]


def _shown(view: MeshView, name: str, sep: str) -> str:
    """Say which picture the two beside are of."""
    shown = view.previews.get(name)
    if shown is None or shown.preview is None:
        return ""
    one = shown.preview
    return sep.join([one.name, f"{age(one.age)} ago", f"took {short(one.seconds)} s", one.recipe])


def _minute(known: NodeHistory, glyphs: Glyphs) -> str:
    """Draw the last minute of CPU and network, two seconds to a sign."""
    cpu = spark(_by_two(known.cpu), most=1.0, width=MINUTE, glyphs=glyphs)
    most = max(known.net, default=0.0)
    net = spark(_by_two(known.net), most=most, width=MINUTE, glyphs=glyphs)
    return f"CPU {cpu} net {net} up to {_mega(most)} MB/s"


def _by_two(values: Sequence[float]) -> list[float]:
    """Return the means of pairs, the latest value in the last one."""
    odd = len(values) % 2
    known = [values[0], *values] if odd else list(values)
    return [(one + other) / 2 for one, other in zip(known[::2], known[1::2], strict=True)]


def _membership(view: MeshView, name: str) -> str:
    known = view.snapshot.members if view.snapshot is not None else ()
    return next(
        (f"{', '.join(one.roles)}, let in by {one.by}" for one in known if one.name == name), ""
    )


def _last_words(lost: LostView) -> Sequence[tuple[str, str, Tone]]:
    return (
        ("state", f"lost: {lost.why}", Tone.WARN),
        ("work", f"{counted(lost.moved, 'task')} went elsewhere", Tone.PLAIN),
        ("back", "it comes back by itself when it is started again", Tone.QUIET),
    )
