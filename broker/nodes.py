"""The record of a node: what it has, what it holds, what it is predicted to be busy with."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from .leases import Lease
from .messages import (
    WEIGHTS_OF,
    AttemptId,
    HeldTask,
    Hello,
    Load,
    MemberId,
    Phase,
    State,
    TaskId,
)
from .tasks import Attempt, Task

SMOOTHING = 0.3
MOST_REFUSALS = 3
REST = 5.0
LONGEST_WARMING = 600.0
"""Seconds after which a node is believed no more that it loads a model: it gives up in half."""

LAST_TASKS = 100
LONG_FETCH = 1.0

TaskKey = tuple[MemberId, TaskId]


class Stray(Struct, frozen=True):
    """An attempt that was given up while its node had it, and the memory it needs till it ends.

    ``attempt`` is None where this broker did not give it.
    """

    memory: int
    attempt: Attempt | None = None


@dataclass(slots=True, eq=False)
class Node:
    """A node at work.

    ``active`` are the attempts without an end, ``ended`` those whose result it keeps until
    the owner settles. ``strays`` were given up while it had them. ``orphans`` are what it
    holds of an earlier broker's tasks whose owner has not come yet.

    ``kept_for`` is a task that it is to be free for, ``alone`` an attempt that nothing may
    run beside. ``charges`` are tasks that cost a slot here and ended well elsewhere,
    ``doubts`` those that cost one alone before anything ended well here. ``trouble`` is
    why it rests: ``refusals`` tasks running failed for a reason of its own.

    ``models`` are those whose weights it has, ready to be used or not. ``pulling`` says which it
    fetches, ``warming`` which it loads, ``unfetched`` and ``unloaded`` which it could not, and why;
    ``loaded`` says how many bytes each takes that it has ready or loads, by what a batch needs.

    ``fetching`` attempts wait for their pixels; ``starved`` is since when slots idle for them,
    None where none does. ``took`` is how many seconds its last tasks took.
    """

    id: MemberId
    hello: Hello
    lease: Lease
    has: frozenset[str]
    active: dict[AttemptId, Attempt] = field(default_factory=dict)
    ended: dict[AttemptId, Attempt] = field(default_factory=dict)
    strays: dict[AttemptId, Stray] = field(default_factory=dict)
    orphans: dict[TaskKey, HeldTask] = field(default_factory=dict)
    backlog: float = 0.0
    reserved: int = 0
    kept: int = 0
    seq: int = 0
    beat: int = 0
    ready: int = 0
    load: Load = Load()  # noqa: RUF009 -- a frozen value
    others: float = 0.0
    budget: int = 0
    draining: bool = False
    paused: bool = False
    quarantined: str = ""
    kept_for: Task | None = None
    alone: Attempt | None = None
    proved: bool = False
    trouble: str = ""
    refusals: int = 0
    rests_until: float = 0.0
    charges: set[TaskId] = field(default_factory=set)
    doubts: set[TaskId] = field(default_factory=set)
    done: int = 0
    failed: int = 0
    fetching: int = 0
    models: frozenset[str] = frozenset()
    pulling: str = ""
    unfetched: str = ""
    warming: str = ""
    unloaded: str = ""
    loaded: Mapping[str, int] = field(default_factory=dict)
    starved: float | None = None
    took: deque[float] = field(default_factory=lambda: deque(maxlen=LAST_TASKS))
    last_error: str = ""
    _warms: str = ""
    _warms_since: float = 0.0

    def __post_init__(self) -> None:
        self.budget = self.hello.memory

    @property
    def occupied(self) -> int:
        """How many attempts its slots have, or will have."""
        return len(self.active) + len(self.strays) + len(self.orphans)

    def ails(self, reason: str, now: float) -> None:
        """Note that it could not do a task for a reason of its own; often, and it rests."""
        self.refusals += 1
        if self.refusals >= MOST_REFUSALS:
            self.trouble, self.rests_until = reason, now + REST

    def beats(self, state: State, now: float) -> bool:
        """Take in what its heartbeat says of the machine; False for one that came too late."""
        if 0 < state.number <= self.beat:
            return False
        self.beat = state.number
        if now >= self.rests_until:
            self.trouble = ""
        self.ready = state.ready
        self.pulling, self.unfetched = state.pulling, state.unfetched
        self.warming, self.unloaded = self._believed(state.warming, now), state.unloaded
        self.loaded = {f"{WEIGHTS_OF}{one.model}": one.memory for one in state.loaded}
        self.budget = self.hello.memory
        if state.memory is not None:
            self.budget = min(self.budget, state.memory)
        if state.load is not None:
            self.load = state.load
            self.others += SMOOTHING * (state.load.cpu_others - self.others)
        self._look_at_phases(state, now)
        return True

    def _believed(self, warming: str, now: float) -> str:
        """Return the model that it says it loads, unless it has said so for too long."""
        if warming != self._warms:
            self._warms, self._warms_since = warming, now
        return warming if now - self._warms_since < LONGEST_WARMING else ""

    def _look_at_phases(self, state: State, now: float) -> None:
        """Note whether slots idle while what they could do has long been on its way."""
        phases = [held.phase for held in state.held]
        self.fetching = phases.count(Phase.FETCHING)
        idle = self.ready - phases.count(Phase.RUNNING) - phases.count(Phase.READY)
        if idle <= 0 or not self._fetches_long(state, now):
            self.starved = None
        elif self.starved is None:
            self.starved = now

    def _fetches_long(self, state: State, now: float) -> bool:
        given = (
            self.active[AttemptId(held.attempt)].given
            for held in state.held
            if held.phase is Phase.FETCHING and held.attempt in self.active
        )
        return now - min(given, default=now) >= LONG_FETCH

    def take(self, attempt: Attempt) -> None:
        """Hold one more attempt."""
        self.active[attempt.id] = attempt
        self.backlog += attempt.predicted
        self.reserved += attempt.task.item.memory
        if attempt.alone:
            self.alone = attempt
        elif self.alone is not None:
            self._has_company()

    def release(self, attempt: Attempt) -> None:
        """Hold it no longer: it ended or is lost."""
        del self.active[attempt.id]
        self.reserved -= attempt.task.item.memory
        self.backlog = self.backlog - attempt.predicted if self.active else 0.0
        if self.alone is attempt:
            self.alone = None

    def stray(self, attempt: AttemptId, stray: Stray) -> None:
        """Run on with what was given up."""
        if attempt not in self.strays:
            self.strays[attempt] = stray
            self.reserved += stray.memory
            self._has_company()

    def strayed_no_more(self, attempt: AttemptId) -> None:
        """What was given up is over, if it was still known."""
        stray = self.strays.pop(attempt, None)
        if stray is not None:
            self.reserved -= stray.memory

    def orphan(self, key: TaskKey, held: HeldTask) -> bool:
        """Hold a task that the broker does not know yet; False if that was known."""
        if key in self.orphans:
            return False
        self.orphans[key] = held
        self.reserved += held.memory
        self._has_company()
        return True

    def adopted(self, key: TaskKey) -> HeldTask | None:
        """Return what it holds of a task, as an orphan no longer."""
        held = self.orphans.pop(key, None)
        if held is not None:
            self.reserved -= held.memory
        return held

    def _has_company(self) -> None:
        """What was to run alone does not: it is not to be blamed."""
        if self.alone is not None:
            self.alone.alone = False
            self.alone = None

    def keep(self, attempt: Attempt, size: int) -> None:
        """Keep an ended attempt's result, ``size`` bytes in its spool, until it is settled."""
        attempt.kept = size
        self.ended[attempt.id] = attempt
        self.kept += size

    def forget(self, attempt: Attempt) -> None:
        """Keep its result no longer."""
        if self.ended.pop(attempt.id, None) is not None:
            self.kept -= attempt.kept
