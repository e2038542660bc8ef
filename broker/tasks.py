"""The records of work: owners, batches, tasks, attempts.

A task is in exactly one place, and NOWHERE only while it is moved:

    WAITING   in its batch's queue
    ASIDE     it waits for a node that is kept for it: a suspect, or one that needs much memory
    AWAITED   the broker is young, and the node that worked on it may come back
    PLACED    one attempt of it is under way, or two where the first takes long
    ENDED     its end was told to the owner, who has not settled it yet

Records hold facts and keep their own sums right; what to do about them is the
scheduler's.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from .leases import Lease
from .messages import (
    AttemptId,
    End,
    EndItem,
    FolderItem,
    Hello,
    MemberId,
    Phase,
    State,
    TaskId,
    TaskItem,
    Work,
)
from .views import Try

if TYPE_CHECKING:
    from .nodes import Node


MANY_UNWRITTEN = 16


class Place(Enum):
    """Where a task is."""

    NOWHERE = "nowhere"
    WAITING = "waiting"
    ASIDE = "aside"
    AWAITED = "awaited"
    PLACED = "placed"
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class Owner:
    """A member that submitted work, and all of its tasks that are not settled.

    ``unsettled`` are those that the broker gave up, by the attempt named in their end;
    ``bytes`` are the inline pixels of its tasks; ``folders`` those that it watches.
    ``behind`` is since when many results wait to be written there, None where few do.
    """

    id: MemberId
    hello: Hello
    lease: Lease
    tasks: dict[TaskId, "Task"] = field(default_factory=dict)
    batches: dict[int, "Batch"] = field(default_factory=dict)
    unsettled: dict[AttemptId, "Task"] = field(default_factory=dict)
    bytes: int = 0
    seen: int = 0
    folders: tuple[FolderItem, ...] = ()
    behind: float | None = None

    def beats(self, state: State, now: float) -> None:
        """Take in what its heartbeat says."""
        self.folders = state.folders
        if state.unwritten < MANY_UNWRITTEN:
            self.behind = None
        elif self.behind is None:
            self.behind = now


@dataclass(slots=True, eq=False)
class Batch:
    """One run or one watched folder: the unit of fairness, progress and reasons.

    ``served`` is the predicted work already given to it, in seconds; ``open`` counts its
    tasks that are not settled, ``placed``, ``aside`` and ``awaited`` those in that
    place.
    """

    owner: Owner
    number: int
    work: Work
    needs: frozenset[str]
    priority: int
    label: str
    queue: OrderedDict[TaskId, "Task"] = field(default_factory=OrderedDict)
    served: float = 0.0
    open: int = 0
    placed: int = 0
    aside: int = 0
    awaited: int = 0
    done: int = 0
    failed: int = 0


class Task(Struct, eq=False):  # made by the thousand: in C
    """The unit of dispatch, and what has happened to it so far.

    ``live`` are its attempts under way, ``kept`` the one whose result its node keeps.
    ``tries`` counts attempts that may have started. A ``suspect`` may have cost a slot or
    a node, so it is tried alone; ``blame`` counts the slots that it cost then.
    ``crashed_on`` are the nodes where it cost a slot, ``avoids`` those and others that could
    not do it. ``end`` is set where the broker
    itself gave the task up.
    """

    item: TaskItem
    batch: Batch
    place: Place = Place.NOWHERE
    live: tuple["Attempt", ...] = ()
    kept: "Attempt | None" = None
    tries: int = 0
    suspect: bool = False
    blame: int = 0
    crashed_on: frozenset[MemberId] = frozenset()
    avoids: frozenset[MemberId] = frozenset()
    story: tuple[Try, ...] = ()
    cancelled: bool = False
    end: EndItem | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.item.name or self.id.hex()[:12]

    @property
    def id(self) -> TaskId:
        """Its id: what the job is, not when it was asked."""
        return TaskId(self.item.id)


class Attempt(Struct, eq=False):  # made by the thousand: in C
    """One try of one task on one node.

    ``given`` is when; ``due`` in how many seconds it was predicted to end, the wait for a
    slot included. ``alone`` means that nothing else runs on the node.
    """

    id: AttemptId
    task: Task
    node: "Node"
    seq: int
    predicted: float
    due: float
    given: float
    alone: bool = False
    phase: Phase = Phase.FETCHING
    end: End | None = None
    kept: int = 0
