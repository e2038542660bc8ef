"""A node on a virtual clock: the real attempts and transfers; slots that only take time."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

from pixmesh.broker.history import Note, ignore
from pixmesh.broker.messages import (
    INLINE_BYTES,
    Assign,
    Bye,
    Chunk,
    Drop,
    Error,
    Get,
    Hello,
    MemberId,
    Phase,
    Result,
    Settled,
)
from pixmesh.broker.outgoing import end_pages
from pixmesh.node import shelf
from pixmesh.node.attempts import Attempts, Held
from pixmesh.node.cell import IDLE
from pixmesh.node.limits import Limits
from pixmesh.node.net.chunks import Gone, Key, Receiver, Sender
from pixmesh.node.net.connection import Connection
from pixmesh.node.net.transfer import Fetch
from pixmesh.node.slot_messages import SlotEnd
from pixmesh.ops.digest import digest_of
from pixmesh.tests.support.clock import Clock

from .member import FakeMember
from .net import Letter, Net

SLOT_START = 0.2
HAS = ("blur", "identity")


@dataclass(frozen=True, slots=True)
class Work:
    """What a task does to a slot: it takes seconds, then gives a result, fails, or kills it.

    ``spoils``: its first result is not what its digest says.
    """

    seconds: float = 0.01
    size: int = 0
    fails: str = ""
    kills: bool = False
    spoils: bool = False


@dataclass(slots=True, eq=False)
class FakeSlot:
    name: str
    queue: deque[Held] = field(default_factory=deque)
    running: Held | None = None

    @property
    def runs(self) -> int:
        """The attempt that it runs, as its cell would say."""
        return self.running.id if self.running is not None else IDLE


class Nowhere:
    """Where bytes go that nobody looks at."""

    def write(self, offset: int, data: object) -> None:
        """Take bytes."""


class FakeNode(FakeMember):
    """One life of a node. ``work`` says what a task does, by its id.

    A ``deadly`` one kills the slot of each task; ``slowness`` is by how much it is slower.
    """

    role = "node"

    def __init__(
        self,
        name: str,
        net: Net,
        *,
        boot: int = 1,
        slots: int = 1,
        work: Callable[[bytes], Work] = lambda _task: Work(),
        has: tuple[str, ...] = HAS,
        memory: int = 1 << 30,
        note: Note = ignore,
        spoilt: set[bytes] | None = None,
        clock: Clock | None = None,
        key: str = "",
    ) -> None:
        self.spoilt = spoilt if spoilt is not None else set()
        self.limits = Limits()
        self.attempts = Attempts(note)
        way = cast(Connection, self)
        self.receiver = Receiver(way, self._fetched, self._unfetchable)
        self.sender = Sender(way, self._read)
        self.shelf = shelf.Shelf(self._is_over)
        self.slots: dict[str, FakeSlot] = {}
        self.ran: list[bytes] = []
        self.draining = False
        self.deadly = False
        self.slowness = 1.0
        self._coming: dict[Key, bytes] = {}
        self._count = slots
        self._work = work
        self._has = has
        self._memory = memory
        self._fetching: dict[Key, int] = {}
        self._started = 0
        super().__init__(name, net, boot=boot, clock=clock, key=key)
        for _ in range(slots):
            self._start_slot()

    # ---- from outside ---------------------------------------------------------------

    def leave(self) -> None:
        """Go away in good order, whatever is unfinished."""
        self.say(Bye())
        self.alive = False
        self.clock.after(0.1, lambda: self.net.remove(self))

    def drain(self) -> None:
        """Finish what runs, take nothing new, leave."""
        self.draining = True
        self.attempts.give_back_unstarted()
        self.say(Bye(draining=True))
        self.turn()

    # ---- the session ----------------------------------------------------------------

    def hello(self) -> Hello:
        said = super().hello()
        return Hello(
            role=said.role,
            name=said.name,
            key=said.key,
            boot=said.boot,
            lowest=said.lowest,
            highest=said.highest,
            slots=self._count,
            memory=self._memory,
            has=self._has,
            held=self.attempts.tasks(),
        )

    def session_began(self, broker: bytes) -> None:
        self.attempts.session_began(broker)

    def heard(self, letter: Letter) -> None:
        now = self.clock.now
        match letter.message:
            case Assign():
                self.attempts.assigned(letter.message)
                if not letter.message.attempts:
                    self._beat_at = float("-inf")
            case Drop(attempts=attempts, unstarted=unstarted):
                self.attempts.dropped(attempts, unstarted=unstarted)
            case Settled(attempts):
                self.attempts.settled(attempts)
            case Chunk() if letter.payload is not None:
                self.receiver.take(letter.sender.id, letter.message, letter.payload, now)
            case Get():
                self.sender.serving.grant(letter.sender.id, letter.message)
            case Error(code="gone"):
                self.receiver.refused(letter.sender.id, letter.message)
            case _:
                pass

    def beat(self) -> None:
        self.attempts.tell_again(self.clock.now)
        self._end_overrun()
        self.say(self.attempts.heartbeat())
        if self.draining:
            self.say(Bye(draining=True))

    def turn(self) -> None:
        now = self.clock.now
        self._supply()
        for held in self.attempts.next_fetches():
            self._fetch(held, now)
        self._give_work()
        self.receiver.tick(now)
        self.sender.pump()
        if self.welcomed:
            ends = [held.end for held in self.attempts.untold(now) if held.end is not None]
            for page in end_pages(ends):
                self.say(Result(tuple(page)))
        self._forget()
        if self.alive and self.draining and not self.attempts.busy:
            self.leave()

    # ---- slots ----------------------------------------------------------------------

    def _end_overrun(self) -> None:
        running = {slot.name: slot.runs for slot in self.slots.values()}
        predicted = {one.id: one.item.seconds for one in self.attempts.held.values()}
        for name in self.limits.overrun(running, predicted, self.clock.now):
            self.kill_slot(name, code="hung")

    def kill_slot(self, name: str, *, code: str = "crashed") -> None:
        """End a slot's process; another takes its place."""
        slot = self.slots.pop(name)
        self.attempts.slot_died(name, slot.runs, code=code)
        self.clock.after(SLOT_START, self._start_slot)
        self._beat_at = float("-inf")
        self.turn()

    def _start_slot(self) -> None:
        if not self.alive:
            return
        self._started += 1
        slot = FakeSlot(f"slot-{self._started}")
        self.slots[slot.name] = slot
        self.attempts.slot_ready(slot.name)
        self._beat_at = float("-inf")
        self.turn()

    def _give_work(self) -> None:
        for name, given in self.attempts.next_work().items():
            slot = self.slots[name]
            slot.queue.extend(given)
            self._run_next(slot)

    def _run_next(self, slot: FakeSlot) -> None:
        if slot.running is None and slot.queue:
            slot.running = slot.queue.popleft()
            self.ran.append(slot.running.item.task.id)
            seconds = self._work(slot.running.item.task.id).seconds * self.slowness
            self.clock.after(seconds, lambda: self._finish(slot))

    def _finish(self, slot: FakeSlot) -> None:
        held = slot.running
        if not self.alive or self.slots.get(slot.name) is not slot or held is None:
            return
        if self.frozen:
            self.clock.after(0.05, lambda: self._finish(slot))
            return
        work = self._work(held.item.task.id)
        if work.kills or self.deadly:
            self.kill_slot(slot.name)
            return
        slot.running = None
        self.attempts.ended(slot.name, self._end_of(held, work))
        self._run_next(slot)
        self.turn()

    def _end_of(self, held: Held, work: Work) -> SlotEnd:
        if work.fails:
            return SlotEnd(held.id, work.seconds, code=work.fails, reason="as the test says")
        task = held.item.task.id
        inline = task if work.size <= INLINE_BYTES else None
        size = len(inline) if inline is not None else work.size
        digest = digest_of(task)
        if work.spoils and task not in self.spoilt:
            self.spoilt.add(task)
            digest = digest_of(b"spoilt")
        return SlotEnd(held.id, work.seconds, size, digest, "png", inline)

    # ---- pixels ---------------------------------------------------------------------

    def _fetch(self, held: Held, now: float) -> None:
        task = held.item.task
        key = (task.token, 0)
        older = self._fetching.pop(key, None)
        if older is not None:
            self.receiver.cancel(key)
            self.attempts.unfetchable(older, "unreachable", "another attempt took its place")
        self._fetching[key] = held.id
        fetch = Fetch(token=task.token, attempt=0, size=task.size, heard=now)
        self.receiver.fetch(MemberId(held.work.owner), fetch, Nowhere(), now)

    def _fetched(self, key: Key) -> None:
        if key in self._coming:
            self._take(self.shelf.came(self._coming.pop(key)))
            return
        self.attempts.fetched(self._fetching.pop(key))

    def _unfetchable(self, key: Key, why: str) -> None:
        if key in self._coming:
            self._take(self.shelf.failed(self._coming.pop(key), "unreachable", why))
            return
        self.attempts.unfetchable(self._fetching.pop(key), "unreachable", why)

    def _supply(self) -> None:
        """Fetch what attempts take beside their own pixels, as `references` does, without files."""
        for held in self.attempts.next_lacking():
            owner = MemberId(held.work.owner)
            self.shelf.want(
                held.id,
                {
                    one.digest: shelf.Offer(owner, one.token, one.size)
                    for one in held.work.references
                },
            )
        self._take(self.shelf.steps())

    def _take(self, steps: Iterable[shelf.Step]) -> None:
        for step in steps:
            match step:
                case shelf.Fetch(digest, offer):
                    self._coming[offer.token, 0] = digest
                    fetch = Fetch(offer.token, 0, offer.size, heard=self.clock.now)
                    self.receiver.fetch(offer.owner, fetch, Nowhere(), self.clock.now)
                case shelf.Ready(attempt):
                    self.attempts.supplied(attempt)
                case shelf.Lost(attempt, code, why):
                    self.attempts.unfetchable(attempt, code, why)
                case shelf.Discard():
                    pass

    def _is_over(self, attempt: int) -> bool:
        held = self.attempts.held.get(attempt)
        return held is None or held.phase is Phase.ENDED

    def _forget(self) -> None:
        for held in self.attempts.forgotten:
            for key in [key for key, one in self._fetching.items() if one == held.id]:
                self.receiver.cancel(key)
                del self._fetching[key]
        self.attempts.forgotten.clear()

    def _read(self, key: Key, offset: int, length: int) -> bytes:
        token, attempt = key
        held = self.attempts.held.get(attempt)
        if held is None or held.end is None or held.item.task.token != token:
            raise Gone("no such result is kept here")
        return bytes(min(length, max(0, held.end.size - offset)))
