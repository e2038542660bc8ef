"""What is new in a snapshot, and how an older one becomes it. Pure.

Nodes, batches and folders are named; those that differ are sent whole, those that are gone by
their names. Lists that rarely differ are sent whole, or not at all. Of what happened, only what
is new.

    apply(before, change(before, after)) == after        but for the order of what is named
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from msgspec import Struct, structs

from .chronicle import MOST
from .views import (
    BatchView,
    FolderView,
    Happened,
    LostView,
    MemberView,
    NodeView,
    PictureView,
    Snapshot,
    WaitingView,
)

One = TypeVar("One", bound=Struct)
RARE = ("quarantined", "members", "waiting", "lost")


class Change(Struct, frozen=True, omit_defaults=True):
    """What is new. ``number`` counts changes up: where one is missing, all is asked for again.

    ``rare`` are lists as they are now, those that differ; ``gone`` are names.
    """

    number: int
    uptime: float
    wall: float
    owners: int = 0
    limited_by: str = ""
    malformed: int = 0
    refused: int = 0
    nodes: tuple[NodeView, ...] = ()
    nodes_gone: tuple[str, ...] = ()
    batches: tuple[BatchView, ...] = ()
    batches_gone: tuple[str, ...] = ()
    folders: tuple[FolderView, ...] = ()
    folders_gone: tuple[str, ...] = ()
    quarantined: tuple[PictureView, ...] | None = None
    members: tuple[MemberView, ...] | None = None
    waiting: tuple[WaitingView, ...] | None = None
    lost: tuple[LostView, ...] | None = None
    happened: tuple[Happened, ...] = ()


class Whole(Struct, frozen=True):
    """A snapshot and its number: the next change has the next one."""

    number: int
    snapshot: Snapshot


def change(before: Snapshot, after: Snapshot, number: int) -> Change:
    """Return what is new."""
    nodes, nodes_gone = _differ(before.nodes, after.nodes, _node)
    batches, batches_gone = _differ(before.batches, after.batches, _batch)
    folders, folders_gone = _differ(before.folders, after.folders, _folder)
    last = before.happened[-1].number if before.happened else 0
    return Change(
        number=number,
        uptime=after.uptime,
        wall=after.wall,
        owners=after.owners,
        limited_by=after.limited_by,
        malformed=after.malformed,
        refused=after.refused,
        nodes=nodes,
        nodes_gone=nodes_gone,
        batches=batches,
        batches_gone=batches_gone,
        folders=folders,
        folders_gone=folders_gone,
        happened=tuple(one for one in after.happened if one.number > last),
        **{
            name: value for name in RARE if (value := getattr(after, name)) != getattr(before, name)
        },
    )


def apply(before: Snapshot, new: Change) -> Snapshot:
    """Return the snapshot that a change makes of one."""
    rare = {name: value for name in RARE if (value := getattr(new, name)) is not None}
    return structs.replace(
        before,
        uptime=new.uptime,
        wall=new.wall,
        owners=new.owners,
        limited_by=new.limited_by,
        malformed=new.malformed,
        refused=new.refused,
        nodes=_merged(before.nodes, new.nodes, new.nodes_gone, _node),
        batches=_merged(before.batches, new.batches, new.batches_gone, _batch),
        folders=_merged(before.folders, new.folders, new.folders_gone, _folder),
        happened=(*before.happened, *new.happened)[-MOST:],
        **rare,
    )


def read(body: bytes) -> Change:
    """Read a change off the wire. Raises msgspec.DecodeError."""
    return msgspec.msgpack.decode(body, type=Change)


def _node(one: NodeView) -> str:
    return one.id or one.name


def _batch(one: BatchView) -> str:
    return one.id


def _folder(one: FolderView) -> str:
    return one.id


def _differ(
    before: Iterable[One], after: Iterable[One], name: Callable[[One], str]
) -> tuple[tuple[One, ...], tuple[str, ...]]:
    known = _by_name(before, name)
    here = _by_name(after, name)
    new = tuple(one for key, one in here.items() if known.get(key) != one)
    return new, tuple(key for key in known if key not in here)


def _merged(
    before: Iterable[One],
    new: Iterable[One],
    gone: Iterable[str],
    name: Callable[[One], str],
) -> tuple[One, ...]:
    left = {key: one for key, one in _by_name(before, name).items() if key not in set(gone)}
    return tuple((left | _by_name(new, name)).values())


def _by_name(many: Iterable[One], name: Callable[[One], str]) -> dict[str, One]:
    return {name(one): one for one in many}
