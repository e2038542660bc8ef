"""What people can do to what is marked: the key, the orders, the same as a command. Pure.

what takes something away asks first, naming whom it is about by id
read-only, nothing is done but look and copy
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ...broker.messages import BY_A_PERSON
from ...broker.views import FolderView, NodeView
from ..jobs_view import Line as Listed
from .mesh import MeshView


class What(StrEnum):
    """Who does it: the broker, by these words; or this machine's ledger."""

    DRAIN = "drain"
    RESUME = "resume"
    FORGET = "forget"
    APPROVE = "approve"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    RETRY = "retry a picture"
    CANCEL = "cancel a picture"


OF_THE_LEDGER: Final = frozenset({What.RETRY, What.CANCEL})


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to be done to one id, and the command that does the same.

    A file that came to several watched folders is meant in that one whose OUT is ``under``.
    """

    what: What
    about: str
    command: str
    under: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """A key, and what it does. ``question`` is asked first, where there is one."""

    key: str
    label: str
    deeds: tuple[Deed, ...]
    question: str = ""


def for_nodes(view: MeshView, names: Sequence[str]) -> list[Action]:
    """Return what can be done to these nodes."""
    snapshot = view.snapshot
    if snapshot is None:
        return []
    here = {node.name: node for node in snapshot.nodes}
    joined = {one.name for one in snapshot.members}
    chosen = [here[name] for name in names if name in here]
    working = [node.name for node in chosen if not _rests(node)]
    resting = [node.name for node in chosen if _rests(node)]
    members = [name for name in names if name in joined]
    return [
        *_action("d", "Drain", What.DRAIN, working, "pixmesh nodes drain", asks="Drain"),
        *_action("u", "Resume", What.RESUME, resting, "pixmesh nodes resume"),
        *_action("x", "Forget", What.FORGET, members, "pixmesh nodes forget", asks="Forget"),
    ]


def _rests(node: NodeView) -> bool:
    return node.state in {"draining", "drained", "quarantined"}


def for_folders(view: MeshView, ids: Sequence[str]) -> list[Action]:
    """Return what can be done to these folders."""
    snapshot = view.snapshot
    if snapshot is None:
        return []
    chosen = [one for one in snapshot.folders if one.id in set(ids)]
    paused = [one.id for one in chosen if _is_paused_by_people(one)]
    others = [one.id for one in chosen if not _is_paused_by_people(one)]
    return [
        *_action("p", "Pause", What.PAUSE, others, "pixmesh folders pause", asks="Pause"),
        *_action("u", "Resume", What.UNPAUSE, paused, "pixmesh folders resume"),
    ]


def _is_paused_by_people(folder: FolderView) -> bool:
    return folder.paused.startswith(BY_A_PERSON)


def for_jobs(chosen: Sequence[Listed]) -> list[Action]:
    """Return what can be done to these pictures."""
    ended = [one.destination for one in chosen if one.state in {"failed", "cancelled"}]
    going = [one for one in chosen if one.state in {"seen", "waiting", "submitted"}]
    return [
        *_action("r", "Retry", What.RETRY, ended, "pixmesh jobs retry"),
        *([_cancel(going)] if going else []),
    ]


def _cancel(going: Sequence[Listed]) -> Action:
    named = _named([one.source if one.is_arrival else one.destination for one in going])
    return Action("x", "Cancel", tuple(map(_cancelling, going)), f"Cancel {named}?")


def _cancelling(one: Listed) -> Deed:
    command = "pixmesh jobs cancel"
    if not one.is_arrival:
        name = shlex.quote(one.destination)
        return Deed(What.CANCEL, one.destination, f"{command} {name}")
    names = f"{shlex.quote(one.source)} --under {shlex.quote(one.destination)}"
    return Deed(What.CANCEL, one.source, f"{command} {names}", under=one.destination)


def for_everyone(view: MeshView) -> list[Action]:
    """Return what can be done on every page."""
    waiting = view.snapshot.waiting if view.snapshot is not None else ()
    if not waiting:
        return []
    one = waiting[0]
    question = f"Let {one.name} ({one.address}) in? Its own screen must show {one.fingerprint}."
    deed = Deed(What.APPROVE, one.fingerprint, f"pixmesh nodes approve {one.fingerprint}")
    return [Action("a", "Approve", (deed,), question)]


def _action(
    key: str, label: str, what: What, ids: Sequence[str], command: str, *, asks: str = ""
) -> list[Action]:
    if not ids:
        return []
    deeds = tuple(Deed(what, one, f"{command} {shlex.quote(one)}") for one in ids)
    question = f"{asks} {_named(ids)}?" if asks else ""
    return [Action(key, label, deeds, question)]


def _named(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:5])
    return shown if len(ids) <= 5 else f"{shown} and {len(ids) - 5} more"
