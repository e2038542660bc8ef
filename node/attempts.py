"""The attempts a node holds, and which slot works on which. Pure.

    FETCHING --fetched--> READY --given--> RUNNING --ended--> ENDED --settled--> gone
                            ^                 |
                            +--slot died------+   (only the attempt that ran is CRASHED)

A slot is given work ahead as long as what it has is predicted to take under 25 ms; so
short tasks never wait for the agent, and long ones never wait behind each other.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from msgspec import Struct

from ..broker.history import Note, ignore
from ..broker.messages import (
    Assign,
    AssignItem,
    End,
    EndItem,
    HeldItem,
    HeldTask,
    Phase,
    State,
    Work,
)
from ..broker.placement import AHEAD_MOST, AHEAD_SECONDS
from .slot_messages import SlotEnd

TELL_AGAIN = 2.0
FETCHES_PER_SLOT = 4
NO_REFERENCE = "no-reference"
ELSEWHERE = frozenset(
    {
        "corrupted",
        "disk-full",
        "memory",
        "no-model",
        "no-rawpy",
        NO_REFERENCE,
        "no-weights",
        "recipe",
        "spool",
        "unreachable",
    }
)

# By bare names where each attempt comes by: to look a member up in its class takes 60 ns, not 2.
READY, RUNNING, ENDED = Phase.READY, Phase.RUNNING, Phase.ENDED
DONE = End.DONE

_load = attrgetter("load")


class Held(Struct, eq=False):  # made by the thousand: in C
    """One attempt. ``told`` is when its end was last reported.

    One that ``lacks`` what it takes beside its own pixels waits for that first.
    """

    id: int
    item: AssignItem
    work: Work
    phase: Phase
    end: EndItem | None = None
    told: float = float("-inf")
    abandoned: bool = False
    lacks: bool = False

    def as_task(self) -> HeldTask:
        """Say what it is to a broker that may not know of it."""
        task = self.item.task
        return HeldTask(
            attempt=self.id,
            phase=self.phase,
            task=task.id,
            owner=self.work.owner,
            seconds=self.item.seconds,
            memory=task.memory,
            dropped=self.abandoned,
        )

    @property
    def spooled(self) -> bool:
        """Whether pixels of it may be in the node's spool."""
        result_inline = self.end is not None and self.end.inline is not None
        return self.item.task.inline is None or not result_inline


@dataclass(slots=True, eq=False)
class Bench:
    """What one slot was given, in order; ``load`` is its predicted seconds."""

    slot: str
    given: dict[int, Held] = field(default_factory=dict)
    load: float = 0.0

    def give(self, held: Held) -> None:
        """Add an attempt at the end."""
        self.given[held.id] = held
        self.load += held.item.seconds

    def take(self, attempt: int) -> Held | None:
        """Remove an attempt that ended."""
        held = self.given.pop(attempt, None)
        if held is not None:
            self.load = self.load - held.item.seconds if self.given else 0.0
        return held

    def wants(self, held: Held) -> bool:
        """Whether this attempt may wait here."""
        if not self.given:
            return True
        return self.load + held.item.seconds < AHEAD_SECONDS and len(self.given) < AHEAD_MOST


class Attempts:
    """Everything a node holds, from ASSIGN to SETTLED."""

    def __init__(self, note: Note = ignore) -> None:
        self._note = note
        self.held: dict[int, Held] = {}
        self.benches: dict[str, Bench] = {}
        self.seen = 0
        self._told = 0
        self._taken: set[int] = set()  # since the last heartbeat
        self._beats = 0
        self._broker = b""
        self.forgotten: list[Held] = []
        self._lacking: deque[Held] = deque()
        self._to_fetch: deque[Held] = deque()
        self._fetching: set[int] = set()
        self._ready: deque[Held] = deque()
        self._untold: dict[int, Held] = {}

    # ---- from the broker ------------------------------------------------------------

    def assigned(self, message: Assign) -> None:
        """Take attempts in; one that is known already stays as it is.

        An ASSIGN that comes after a heartbeat which said that it had not come is void: the
        broker gives its attempts elsewhere. One that comes twice is so the second time, since
        its attempts may be over and forgotten.
        """
        if message.seq <= self._told or message.seq in self._taken:
            return
        self._taken.add(message.seq)
        self.seen = max(self.seen, message.seq)
        for item in message.attempts:
            if item.attempt not in self.held and item.work < len(message.works):
                self._take_in(item, message.works[item.work])

    def dropped(self, attempts: Iterable[int], *, unstarted: bool) -> None:
        """Forget attempts: those not yet given to a slot at once, others when they end."""
        for attempt in attempts:
            held = self.held.get(attempt)
            if held is None or (unstarted and held.phase >= Phase.RUNNING):
                continue
            if held.phase is Phase.RUNNING:
                held.abandoned = True
            elif unstarted:
                self._give_back(held, "dropped")
            else:
                self._forget(held)

    def settled(self, attempts: Iterable[int]) -> None:
        """Forget results that their owners have."""
        for attempt in attempts:
            held = self.held.get(attempt)
            if held is not None and held.end is not None:
                self._forget(held)

    def session_began(self, broker: bytes) -> None:
        """Report every end again; another broker counts its ASSIGNs anew."""
        if broker != self._broker:
            self.seen = self._told = 0
            self._taken.clear()
        self._broker = broker
        self._untold = {held.id: held for held in self.held.values() if held.end is not None}

    def give_back_unstarted(self) -> None:
        """Return everything that no slot has yet: this node is leaving."""
        for held in [h for h in self.held.values() if h.phase < Phase.RUNNING]:
            self._give_back(held, "draining")

    # ---- from transfers -------------------------------------------------------------

    def next_lacking(self) -> Iterator[Held]:
        """Yield attempts that have come and take more than their own pixels."""
        while self._lacking:
            yield self._lacking.popleft()

    def supplied(self, attempt: int) -> None:
        """What it takes beside its own pixels is here."""
        held = self.held.get(attempt)
        if held is not None and held.lacks and held.phase is Phase.FETCHING:
            held.lacks = False
            self._to_pixels(held)

    def next_fetches(self) -> Iterator[Held]:
        """Yield attempts whose pixels are to be fetched now."""
        most = FETCHES_PER_SLOT * max(1, len(self.benches))
        while self._to_fetch and len(self._fetching) < most:
            held = self._to_fetch.popleft()
            if held.phase is Phase.FETCHING and self.held.get(held.id) is held:
                self._fetching.add(held.id)
                yield held

    def fetched(self, attempt: int) -> None:
        """Its pixels are here."""
        self._fetching.discard(attempt)
        held = self.held.get(attempt)
        if held is not None and held.phase is Phase.FETCHING:
            held.phase = Phase.READY
            self._ready.append(held)

    def unfetchable(self, attempt: int, code: str, reason: str) -> None:
        """Its pixels will not come."""
        self._fetching.discard(attempt)
        held = self.held.get(attempt)
        if held is not None and held.phase is Phase.FETCHING:
            self._end(held, End.RETURNED, code=code, reason=reason)

    # ---- from slots -----------------------------------------------------------------

    def slot_ready(self, slot: str) -> None:
        """A slot has started."""
        self.benches[slot] = Bench(slot)

    def slot_died(
        self, slot: str, running: int, *, code: str = "crashed", reason: str = "its slot died"
    ) -> Held | None:
        """A slot is gone: blame what it ran, give the rest to others; return the blamed."""
        bench = self.benches.pop(slot, None)
        if bench is None:
            return None
        blamed = bench.given.pop(running, None)
        for held in reversed(bench.given.values()):
            self._back_from(held)
        if blamed is not None:
            self._end(blamed, End.CRASHED, code=code, reason=reason)
        return blamed

    def ended(self, slot: str, end: SlotEnd) -> None:
        """A slot has an attempt's end."""
        bench = self.benches.get(slot)
        held = bench.take(end.attempt) if bench is not None else None
        if held is None:
            return
        if end.code:
            how = End.RETURNED if end.code in ELSEWHERE else End.FAILED
            self._end(held, how, code=end.code, reason=end.reason, seconds=end.seconds)
            return
        self._finish(
            held,
            EndItem(
                attempt=held.id,
                task=held.item.task.id,
                owner=held.work.owner,
                end=DONE,
                seconds=end.seconds,
                size=end.size,
                digest=end.digest,
                format=end.format,
                inline=end.inline,
            ),
        )

    def next_work(self) -> dict[str, list[Held]]:
        """Return what each slot is to be given now."""
        work: dict[str, list[Held]] = {}
        while self._ready and self.benches:
            held = self._ready[0]
            if held.phase is not READY or self.held.get(held.id) is not held:
                self._ready.popleft()
                continue
            bench = min(self.benches.values(), key=_load)
            if not bench.wants(held):
                idle = [other for other in self.benches.values() if not other.given]
                if not idle:
                    break
                bench = idle[0]
            self._ready.popleft()
            held.phase = RUNNING
            bench.give(held)
            if self._note is not ignore:
                self._note("given", attempt=held.id, slot=bench.slot)
            work.setdefault(bench.slot, []).append(held)
        return work

    # ---- to the broker --------------------------------------------------------------

    def state(self) -> tuple[HeldItem, ...]:
        """Return every attempt held, and how far it has come."""
        return tuple(HeldItem(held.id, held.phase) for held in self.held.values())

    def heartbeat(self) -> State:
        """Say which ASSIGN came last, and all that is held."""
        self._told = self.seen
        self._taken.clear()
        self._beats += 1
        return State(seen=self.seen, held=self.state(), ready=len(self.benches), number=self._beats)

    def tasks(self) -> tuple[HeldTask, ...]:
        """Return every attempt held, for a broker that may not know of it."""
        return tuple(held.as_task() for held in self.held.values())

    def untold(self, now: float) -> list[Held]:
        """Return the ends to report now."""
        due = list(self._untold.values())
        self._untold.clear()
        for held in due:
            held.told = now
        return due

    def tell_again(self, now: float) -> None:
        """Report once more what was reported a while ago and nobody has settled."""
        for held in self.held.values():
            if held.end is not None and now - held.told >= TELL_AGAIN:
                self._untold[held.id] = held

    @property
    def busy(self) -> bool:
        """Whether anything that is wanted has no end yet, or an end nobody has settled."""
        return any(not held.abandoned for held in self.held.values())

    # ---- inside ---------------------------------------------------------------------

    def _take_in(self, item: AssignItem, work: Work) -> None:
        held = Held(item.attempt, item, work, Phase.FETCHING, lacks=bool(work.references))
        self.held[held.id] = held
        if self._note is not ignore:
            self._note("took", attempt=held.id, task=item.task.id, memory=item.task.memory)
        if held.lacks:
            self._lacking.append(held)
        else:
            self._to_pixels(held)

    def _to_pixels(self, held: Held) -> None:
        """Go on with its own pixels: they are here, or are fetched."""
        if held.item.task.inline is not None:
            held.phase = READY
            self._ready.append(held)
        else:
            self._to_fetch.append(held)

    def _end(self, held: Held, how: End, *, code: str, reason: str, seconds: float = 0.0) -> None:
        self._finish(
            held,
            EndItem(
                attempt=held.id,
                task=held.item.task.id,
                owner=held.work.owner,
                end=how,
                seconds=seconds,
                code=code,
                reason=reason[:1000],
            ),
        )

    def _finish(self, held: Held, end: EndItem) -> None:
        if self._note is not ignore:
            self._note("ended", attempt=held.id, end=end.end.name, code=end.code, digest=end.digest)
        if held.abandoned:
            self._forget(held)
            return
        held.end, held.phase = end, ENDED
        self._untold[held.id] = held

    def _give_back(self, held: Held, code: str) -> None:
        self._fetching.discard(held.id)
        self._end(held, End.RETURNED, code=code, reason=f"{code} before it started")

    def _back_from(self, held: Held) -> None:
        """Its slot died before it came to this attempt."""
        if held.abandoned:
            self._forget(held)
            return
        held.phase = Phase.READY
        self._ready.appendleft(held)

    def _forget(self, held: Held) -> None:
        self._fetching.discard(held.id)
        del self.held[held.id]
        if held.end is None:
            self._note("forgot", attempt=held.id)
        self._untold.pop(held.id, None)
        self.forgotten.append(held)
