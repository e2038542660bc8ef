"""The mesh at a moment, in words: what `pixmesh status` prints. Pure."""

from collections.abc import Sequence

from ..broker.plain import plain
from ..broker.views import (
    BatchView,
    FolderView,
    LostView,
    MemberView,
    NodeView,
    PictureView,
    Snapshot,
    WaitingView,
)
from .pace import clock, counted, short
from .table import shortened, table, tail

LONGEST_NAME = 11
LONGEST_WORK = 30
LONGEST_ID = 12
LONGEST_FOLDER = 14
LONGEST_BESIDE_ID = 11
MOST_LOST = 8
MOST_SHOWN = 9_999_999
ONE_CLOCK = 100.0
"""Seconds from which on a time is written as a clock shows it."""

_NODE_HEAD = ("NODE", "STATE", "BUSY", "CPU", "OTHER", "MEM", "MB/s", "P95", "DONE", "FAIL")
_MEMBER_HEAD = ("JOINED", "HERE", "ROLES", "FINGERPRINT", "BY")
_PICTURE_HEAD = ("QUARANTINED", "PICTURE", "RECIPE")
_FOLDER_HEAD = ("WATCHED", "OUT", "SETTLING", "WAITING", "RUNNING", "WRITTEN", "FAILED")
_BATCH_HEAD = ("OWNER", "BATCH", "DONE", "FAIL", "RUNNING", "WAITING")


def in_words(mesh: Snapshot) -> str:
    """Return the whole snapshot, at most 80 columns wide."""
    lines = [
        f"broker {mesh.broker}, pixmesh {mesh.version}, up {clock(mesh.uptime)}",
        ", ".join((_nodes(mesh), counted(mesh.owners, "owner"))),
    ]
    if mesh.limited_by:
        lines.append(f"limited by {mesh.limited_by}")
    lines += ["", *nodes_in_words(mesh.nodes), *lost_in_words(mesh.lost, mesh.uptime)]
    lines += asking_in(mesh.waiting)
    if mesh.batches:
        lines += ["", *table(_BATCH_HEAD, [_batch_row(batch) for batch in mesh.batches])]
        lines += [f"{batch.owner}: {batch.reason}" for batch in mesh.batches if batch.reason]
    if mesh.folders:
        lines += ["", *folders_in_words(mesh.folders)]
    if mesh.quarantined:
        lines += ["", *table(_PICTURE_HEAD, [_picture_row(one) for one in mesh.quarantined])]
        lines += [f"{_called(one)}: {one.reason}" for one in mesh.quarantined]
        lines.append("to have one tried again: pixmesh jobs retry JOB")
    return "\n".join(map(plain, lines))


def nodes_in_words(nodes: Sequence[NodeView]) -> list[str]:
    """Return a table of nodes, and below it why some do not work."""
    if not nodes:
        return ["no node is connected; on this machine: pixmesh node"]
    lines = table(_NODE_HEAD, [_node_row(node) for node in nodes])
    lines += [plain(f"{node.name}: {node.reason}") for node in nodes if node.reason]
    if any(node.state == "quarantined" for node in nodes):
        lines.append("to have one work again: pixmesh nodes resume NODE")
    return lines


def lost_in_words(lost: Sequence[LostView], uptime: float) -> list[str]:
    """Return the nodes that are gone without a word, since when and why; the last ones."""
    lines = [plain(_lost(one, uptime - one.at)) for one in lost[-MOST_LOST:]]
    more = len(lost) - len(lines)
    return [*lines, f"lost before these: {counted(more, 'node')}"] if more else lines


def folders_in_words(folders: Sequence[FolderView], *, ids: bool = False) -> list[str]:
    """Return a table of watched folders, with what names them, and why some are paused."""
    if not folders:
        return ['no folder is watched; to watch one: pixmesh watch "grayscale" IN -o OUT']
    if ids:
        rows = [(one.id, *_folder_row(one, LONGEST_BESIDE_ID)) for one in folders]
        lines = table(("ID", *_FOLDER_HEAD), rows)
    else:
        lines = table(_FOLDER_HEAD, [_folder_row(one, LONGEST_FOLDER) for one in folders])
    return lines + [
        plain(f"{one.owner}: {tail(one.source, LONGEST_WORK)} paused: {one.paused}")
        for one in folders
        if one.paused
    ]


def asking_in(waiting: Sequence[WaitingView]) -> list[str]:
    """Return who asks to be let in, and what lets them in."""
    lines = []
    for one in waiting:
        lines.append(f"{one.name} at {one.address} asks to be let in ({one.fingerprint});")
        lines.append(f"  if its screen shows the same: pixmesh nodes approve {one.fingerprint}")
    return [plain(line) for line in lines]


def members_in_words(members: Sequence[MemberView], nodes: Sequence[NodeView]) -> list[str]:
    """Return a table of the machines that joined, whether they are here or not."""
    if not members:
        return []
    here = {node.name for node in nodes}
    rows = [
        (
            shortened(one.name, LONGEST_NAME),
            "yes" if one.name in here else "no",
            " ".join(one.roles),
            one.fingerprint,
            one.by,
        )
        for one in members
    ]
    return ["", *table(_MEMBER_HEAD, rows)]


def _called(picture: PictureView) -> str:
    return picture.name or picture.id[:LONGEST_ID]


def _picture_row(picture: PictureView) -> tuple[str, ...]:
    recipe = shortened(picture.recipe, LONGEST_WORK)
    return picture.id[:LONGEST_ID], shortened(picture.name, LONGEST_WORK), recipe


def _nodes(mesh: Snapshot) -> str:
    slots = sum(node.slots for node in mesh.nodes)
    return f"{counted(len(mesh.nodes), 'node')} with {counted(slots, 'slot')}"


def _node_row(node: NodeView) -> tuple[str, ...]:
    load = node.load
    return (
        shortened(node.name, LONGEST_NAME),
        node.state,
        f"{node.busy}/{node.slots}",
        _share(load.cpu),
        _share(load.cpu_others),
        _share(load.memory),
        f"{_megabytes(load.net_in)}/{_megabytes(load.net_out)}",
        f"{short(node.p95)}s" if node.p95 else "",
        _brief(node.done),
        _brief(node.failed),
    )


def _lost(one: LostView, seconds: float) -> str:
    ago = f"{seconds:.0f} s" if seconds < ONE_CLOCK else clock(seconds)
    return f"{one.name}: lost {ago} ago: {one.why}; {counted(one.moved, 'task')} moved"


def _folder_row(folder: FolderView, longest: int) -> tuple[str, ...]:
    return (
        tail(plain(folder.source), longest),
        tail(plain(folder.out), longest),
        *map(_figure, (folder.settling, folder.waiting, folder.running)),
        *map(_figure, (folder.written, folder.failed)),
    )


def _figure(count: int) -> str:
    """Return a count of files; others may say any, and the table has 80 columns."""
    return str(count) if count <= MOST_SHOWN else f"{count:.0e}"


def _brief(count: int) -> str:
    """Return a count of tasks in five letters."""
    if count < 100_000:
        return str(count)
    if count < 1_000_000:
        return f"{count // 1000}k"
    return f"{count / 1e6:.1f}M" if count < 99_900_000 else f"{count:.0e}"


def _batch_row(batch: BatchView) -> tuple[str, ...]:
    return (
        shortened(batch.owner, LONGEST_NAME),
        shortened(batch.label or batch.recipe, LONGEST_WORK),
        str(batch.done),
        str(batch.failed),
        str(batch.running),
        str(batch.waiting),
    )


def _share(share: float) -> str:
    return f"{share:.0%}"


def _megabytes(rate: float) -> str:
    return short(rate / 1e6) if rate >= 5e3 else "0"
