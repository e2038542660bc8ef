"""The records the scheduler keeps: owners, batches, tasks, attempts, nodes.

A task is in exactly one of three places:

    WAITING   in its batch's queue
    PLACED    one attempt, held by a node
    ENDED     its end was told to the owner, who has not settled it yet

Records hold facts and keep their own sums right; what to do about them is the
scheduler's.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from .leases import Lease
from .messages import (
    AttemptId,
    End,
    EndItem,
    Hello,
    Load,
    MemberId,
    Phase,
    TaskId,
    TaskItem,
    Work,
)


class Place(Enum):
    """Where a task is."""

    WAITING = "waiting"
    PLACED = "placed"
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class Owner:
    """A member that submitted work, and all of its tasks that are not settled.

    ``unsettled`` are those that the broker gave up, by the attempt named in their end.
    """

    id: MemberId
    hello: Hello
    lease: Lease
    tasks: dict[TaskId, "Task"] = field(default_factory=dict)
    batches: dict[int, "Batch"] = field(default_factory=dict)
    unsettled: dict[AttemptId, "Task"] = field(default_factory=dict)
    seen: int = 0


@dataclass(slots=True, eq=False)
class Batch:
    """One run or one watched folder: the unit of fairness, progress and reasons.

    ``served`` is the predicted work already given to it, in seconds; ``open`` counts its
    tasks that are not settled.
    """

    owner: Owner
    number: int
    work: Work
    needs: frozenset[str]
    priority: int
    label: str
    queue: deque["Task"] = field(default_factory=deque)
    served: float = 0.0
    open: int = 0
    placed: int = 0
    done: int = 0
    failed: int = 0
    reason: str = ""


@dataclass(slots=True, eq=False)
class Task:
    """The unit of dispatch, and what has happened to it so far.

    ``end`` is set where the broker itself gave the task up.
    """

    item: TaskItem
    batch: Batch
    place: Place = Place.WAITING
    attempt: "Attempt | None" = None
    attempts: int = 0
    crashes: int = 0
    cancelled: bool = False
    end: EndItem | None = None


@dataclass(slots=True, eq=False)
class Attempt:
    """One try of one task on one node; ``given`` is when."""

    id: AttemptId
    task: Task
    node: "Node"
    seq: int
    predicted: float
    given: float
    phase: Phase = Phase.FETCHING
    end: End | None = None
    kept: int = 0


@dataclass(slots=True, eq=False)
class Node:
    """A node: what it has, what it holds, and what it is predicted to be busy with.

    ``active`` are the attempts without an end; ``ended`` those whose result it keeps
    until the owner settles.
    """

    id: MemberId
    hello: Hello
    lease: Lease
    has: frozenset[str]
    active: dict[AttemptId, Attempt] = field(default_factory=dict)
    ended: dict[AttemptId, Attempt] = field(default_factory=dict)
    backlog: float = 0.0
    reserved: int = 0
    kept: int = 0
    seq: int = 0
    ready: int = 0
    load: Load = Load()  # noqa: RUF009 -- a frozen value
    draining: bool = False
    done: int = 0
    failed: int = 0

    def take(self, attempt: Attempt) -> None:
        """Hold one more attempt."""
        self.active[attempt.id] = attempt
        self.backlog += attempt.predicted
        self.reserved += attempt.task.item.memory

    def keep(self, attempt: Attempt, size: int) -> None:
        """Keep an ended attempt's result, ``size`` bytes in its spool, until it is settled."""
        attempt.kept = size
        self.ended[attempt.id] = attempt
        self.kept += size

    def forget(self, attempt: Attempt) -> None:
        """Keep its result no longer."""
        if self.ended.pop(attempt.id, None) is not None:
            self.kept -= attempt.kept

    def release(self, attempt: Attempt) -> None:
        """Hold it no longer: it ended or is lost."""
        del self.active[attempt.id]
        self.reserved -= attempt.task.item.memory
        self.backlog = self.backlog - attempt.predicted if self.active else 0.0
