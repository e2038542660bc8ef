"""What the scheduler has to say to each member, gathered over one turn of the loop.

Small facts for one member become one message: thousands of tasks a second cost a few
hundred messages. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from . import wire
from .messages import (
    Assign,
    AssignItem,
    Drop,
    EndItem,
    MemberId,
    Message,
    Result,
    Settled,
    TaskId,
    TaskItem,
    Work,
)
from .nodes import Node
from .tasks import Attempt


class Send(Struct, frozen=True):
    """Send this message to this member."""

    member: MemberId
    message: Message


class Evict(Struct, frozen=True):
    """Close this member's session: it lapsed or left."""

    member: MemberId


Command = Send | Evict


@dataclass(slots=True)
class Outgoing:
    """Facts waiting to be said at the end of the turn."""

    said: list[Command] = field(default_factory=list)
    assigned: dict[MemberId, list[Attempt]] = field(default_factory=dict)
    fenced: set[MemberId] = field(default_factory=set)
    ends: dict[MemberId, list[EndItem]] = field(default_factory=dict)
    settled: dict[MemberId, list[int]] = field(default_factory=dict)
    dropped: dict[tuple[MemberId, bool], list[int]] = field(default_factory=dict)

    def say(self, member: MemberId, message: Message) -> None:
        """Say something that is not gathered."""
        self.said.append(Send(member, message))

    def evict(self, member: MemberId) -> None:
        """Close a session, and say nothing more to it."""
        self.said.append(Evict(member))
        self.unassign(member)

    def assign(self, attempt: Attempt) -> None:
        """Give a node an attempt."""
        self.assigned.setdefault(attempt.node.id, []).append(attempt)

    def fence(self, node: MemberId) -> None:
        """Give a node an empty ASSIGN: with its number, all before it have come, or never will."""
        self.fenced.add(node)

    def end(self, owner: MemberId, end: EndItem) -> None:
        """Tell an owner how a task ended."""
        self.ends.setdefault(owner, []).append(end)

    def settle(self, node: MemberId, attempt: int) -> None:
        """Let a node forget an attempt's result."""
        self.settled.setdefault(node, []).append(attempt)

    def drop(self, node: MemberId, attempt: int, *, unstarted: bool) -> None:
        """Make a node forget an attempt."""
        self.dropped.setdefault((node, unstarted), []).append(attempt)

    def unassign(self, node: MemberId) -> list[Attempt]:
        """Take back what would be assigned this turn."""
        self.fenced.discard(node)
        return self.assigned.pop(node, [])

    def flush(self, nodes: dict[MemberId, Node]) -> list[Command]:
        """Return everything said, in few messages, and begin anew."""
        commands = self.said
        for owner, ends in self.ends.items():
            commands += (Send(owner, Result(tuple(page))) for page in end_pages(ends))
        for node, attempts in self.settled.items():
            commands += (Send(node, Settled(page)) for page in id_pages(attempts))
        for (node, unstarted), attempts in self.dropped.items():
            commands += (
                Send(node, Drop(attempts=page, unstarted=unstarted)) for page in id_pages(attempts)
            )
        for node, given in self.assigned.items():
            commands += _assigns(nodes[node], given)
        for node in self.fenced:
            nodes[node].seq += 1
            commands.append(Send(node, Assign(seq=nodes[node].seq, works=(), attempts=())))
        self.said, self.ends, self.settled = [], {}, {}
        self.dropped, self.assigned, self.fenced = {}, {}, set()
        return commands


def end_pages(ends: list[EndItem]) -> Iterator[list[EndItem]]:
    """Split ends so that each page fits into one message."""
    return wire.pages(ends, _end_bytes)


def task_pages(tasks: list[TaskItem]) -> Iterator[list[TaskItem]]:
    """Split tasks so that each page fits into one message."""
    return wire.pages(tasks, _task_bytes)


def id_pages(ids: list[int]) -> Iterator[tuple[int, ...]]:
    """Split attempt ids so that each page fits into one message."""
    return wire.even_pages(ids, 9)


def task_id_pages(ids: list[TaskId]) -> Iterator[tuple[TaskId, ...]]:
    """Split task ids so that each page fits into one message."""
    return wire.even_pages(ids, 18)


def _task_bytes(task: TaskItem) -> int:
    return 180 + 4 * len(task.name) + len(task.inline or b"")


def _end_bytes(end: EndItem) -> int:
    letters = len(end.reason) + len(end.code) + len(end.format) + len(end.node)
    return 160 + 4 * letters + len(end.inline or b"")


def _assigns(node: Node, attempts: list[Attempt]) -> Iterator[Send]:
    for page in wire.pages(attempts, _assign_bytes):
        node.seq += 1
        works: dict[Work, int] = {}
        items = []
        for attempt in page:
            attempt.seq = node.seq
            task = attempt.task
            work = works.setdefault(task.batch.work, len(works))
            items.append(AssignItem(attempt.id, work, task.item, attempt.predicted))
        yield Send(node.id, Assign(seq=node.seq, works=tuple(works), attempts=tuple(items)))


def _assign_bytes(attempt: Attempt) -> int:
    task = attempt.task
    work = task.batch.work
    letters, besides = len(work.recipe) + len(work.output), len(work.references)
    return 40 + 4 * letters + 64 * besides + _task_bytes(task.item)
