"""The mesh at a moment, in words: what `pixmesh status` prints. Pure."""

from collections.abc import Sequence

from ..broker.plain import plain
from ..broker.views import (
    BatchView,
    FolderView,
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
MOST_SHOWN = 9_999_999

_NODE_HEAD = ("NODE", "STATE", "BUSY", "CPU", "OTHER", "MEM", "NET MB/s", "DONE", "FAIL", "BEAT")
_MEMBER_HEAD = ("JOINED", "HERE", "ROLES", "FINGERPRINT", "BY")
_PICTURE_HEAD = ("QUARANTINED", "PICTURE", "RECIPE")
_FOLDER_HEAD = ("WATCHED", "OUT", "SETTLING", "WAITING", "RUNNING", "WRITTEN", "FAILED")
_BATCH_HEAD = ("OWNER", "RECIPE", "DONE", "FAIL", "RUNNING", "WAITING")


def in_words(mesh: Snapshot) -> str:
    """Return the whole snapshot, at most 80 columns wide."""
    lines = [
        f"broker {mesh.broker}, pixmesh {mesh.version}, up {clock(mesh.uptime)}",
        ", ".join((_nodes(mesh), counted(mesh.owners, "owner"))),
    ]
    if mesh.limited_by:
        lines.append(f"limited by {mesh.limited_by}")
    lines += ["", *nodes_in_words(mesh.nodes), *asking_in(mesh.waiting)]
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


def folders_in_words(folders: Sequence[FolderView]) -> list[str]:
    """Return a table of watched folders, and below it why some are paused."""
    lines = table(_FOLDER_HEAD, [_folder_row(folder) for folder in folders])
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
        str(node.done),
        str(node.failed),
        f"{short(node.beat)}s",
    )


def _folder_row(folder: FolderView) -> tuple[str, ...]:
    return (
        tail(plain(folder.source), LONGEST_FOLDER),
        tail(plain(folder.out), LONGEST_FOLDER),
        *map(_figure, (folder.settling, folder.waiting, folder.running)),
        *map(_figure, (folder.written, folder.failed)),
    )


def _figure(count: int) -> str:
    """Return a count of files; others may say any, and the table has 80 columns."""
    return str(count) if count <= MOST_SHOWN else f"{count:.0e}"


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
