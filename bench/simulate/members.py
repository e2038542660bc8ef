"""Members of a mesh on a virtual clock, who say what the protocol has them say.

A node honours ASSIGN, DROP and SETTLED, tells STATE each second and RESULT at the end of
an attempt; an owner keeps within its WINDOW and settles each result at once. Pixels do
not travel, and no message is lost but those of a node that is down. Slots only take time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...broker import wire
from ...broker.leases import BEAT
from ...broker.messages import (
    Assign,
    AssignItem,
    Drop,
    End,
    EndItem,
    HeldItem,
    Hello,
    Load,
    MemberId,
    Message,
    Phase,
    Result,
    Settled,
    State,
    Submit,
    Window,
    Work,
)
from ...broker.scheduler import Event, Joined, Received
from .agenda import Agenda
from .machine import NEVER, Machine
from .world import Ask, Batch

PAGE = 256  # tasks in a SUBMIT
MEMORY = 1 << 40

Say = Callable[[Event, float], None]


@dataclass(slots=True, eq=False)
class Held:
    """An attempt that a node holds; ``dropped`` while it ran."""

    item: AssignItem
    work: Work
    phase: Phase = Phase.READY
    started: float = 0.0
    dropped: bool = False


class SimulatedNode:
    """A machine's agent and slots, in one life after another.

    ``cost`` tells the reference seconds that a task takes, ``say`` lets the broker hear
    something after the node's delay.
    """

    def __init__(
        self, machine: Machine, *, agenda: Agenda, cost: Callable[[bytes], float], say: Say
    ) -> None:
        self.id = member_id(machine.name)
        self.delay = machine.delay
        self._machine = machine
        self._agenda = agenda
        self._cost = cost
        self._say = say
        self._life = 0
        self._up = False
        self._seen = 0
        self._held: dict[int, Held] = {}
        self._waiting: dict[int, Held] = {}
        self._busy = 0

    def live(self, beat: float) -> None:
        """Come in, tell STATE from ``beat`` on, and go down when that is drawn."""
        self._begin(beat)
        if self._machine.down < NEVER:
            self._agenda.at(self._machine.down, self._go_down)
        if self._machine.back < NEVER:
            self._agenda.at(self._machine.back, self._begin, self._machine.back)

    def heard(self, message: Message) -> None:
        """Take in what the broker says; a node that is down hears nothing."""
        if not self._up:
            return
        match message:
            case Assign(seq, works, attempts):
                self._seen = max(self._seen, seq)
                for item in attempts:
                    held = self._held[item.attempt] = Held(item, works[item.work])
                    self._waiting[item.attempt] = held
                self._start()
            case Drop(attempts):
                for attempt in attempts:
                    self._drop(attempt)
            case Settled(attempts):
                for attempt in attempts:
                    self._held.pop(attempt, None)
            case _:
                pass

    # ---- its lives ------------------------------------------------------------------

    def _begin(self, beat: float) -> None:
        self._life += 1
        self._up = True
        hello = _hello("node", self._machine.name, self._life, self._machine)
        self._say(Joined(self.id, hello), self.delay)
        self._agenda.at(beat, self._beat, self._life)

    def _go_down(self) -> None:
        self._up = False
        self._seen = self._busy = 0
        self._held.clear()
        self._waiting.clear()

    def _beat(self, life: int) -> None:
        if not self._up or life != self._life:
            return
        now = self._agenda.now
        others, busy = self._machine.others(now), self._busy / self._machine.slots
        state = State(
            seen=self._seen,
            held=tuple(HeldItem(attempt, one.phase) for attempt, one in self._held.items()),
            load=Load(cpu=others + (1 - others) * busy, cpu_others=others),
            ready=self._machine.slots,
        )
        self._say(Received(self.id, state), self.delay)
        self._agenda.at(now + BEAT, self._beat, life)

    # ---- attempts -------------------------------------------------------------------

    def _start(self) -> None:
        """Give slots that are free what waits, in order."""
        while self._waiting and self._busy < self._machine.slots:
            held = self._waiting.pop(next(iter(self._waiting)))
            held.phase, held.started = Phase.RUNNING, self._agenda.now
            self._busy += 1
            taste = self._machine.tastes.get(held.work.recipe, 1.0)
            work = self._cost(held.item.task.id) * taste
            self._agenda.at(self._machine.ends(held.started, work), self._end, held, self._life)

    def _end(self, held: Held, life: int) -> None:
        if not self._up or life != self._life:
            return
        self._busy -= 1
        item = held.item
        if held.dropped:
            del self._held[item.attempt]
        else:
            held.phase = Phase.ENDED
            end = EndItem(
                attempt=item.attempt,
                task=item.task.id,
                owner=held.work.owner,
                end=End.DONE,
                seconds=self._agenda.now - held.started,
            )
            self._say(Received(self.id, Result((end,))), self.delay)
        self._start()

    def _drop(self, attempt: int) -> None:
        """What runs is finished, without a word; all else is forgotten."""
        held = self._held.get(attempt)
        if held is not None and held.phase is Phase.RUNNING:
            held.dropped = True
        elif held is not None:
            del self._held[attempt]
            self._waiting.pop(attempt, None)


class SimulatedOwner:
    """Who asks for the work."""

    def __init__(self, ask: Ask, *, agenda: Agenda, say: Say) -> None:
        self.id = member_id(ask.name)
        self.delay = 0.001
        self.settled = 0
        self._ask = ask
        self._agenda = agenda
        self._say = say
        self._pages = _pages(ask.batch)
        self._asked = 0
        self._window = 0

    @property
    def done(self) -> bool:
        """Whether it has every result."""
        return self.settled == len(self._ask.batch.costs)

    def live(self) -> None:
        """Come in when it is time, and ask."""
        self._agenda.at(self._ask.starts, self._begin)

    def heard(self, message: Message) -> None:
        """Take in what the broker says."""
        match message:
            case Window(tasks=tasks):
                self._window = tasks
            case Result(ends):
                self._settle(ends)
            case _:
                pass
        self._submit()

    def _begin(self) -> None:
        self._say(Joined(self.id, _hello("owner", self._ask.name, 1)), self.delay)
        self._beat()

    def _beat(self) -> None:
        self._say(Received(self.id, State()), self.delay)
        self._agenda.at(self._agenda.now + BEAT, self._beat)

    def _settle(self, ends: tuple[EndItem, ...]) -> None:
        self.settled += len(ends)
        self._say(Received(self.id, Settled(tuple(end.attempt for end in ends))), self.delay)

    def _submit(self) -> None:
        """Ask for more as long as the window has room for a page."""
        while self._asked - self.settled + PAGE <= self._window:
            page = next(self._pages, None)
            if page is None:
                return
            self._asked += len(page.tasks)
            self._say(Received(self.id, page), self.delay)


def member_id(name: str) -> MemberId:
    """Return the id of a member by its name."""
    return MemberId(name[-8:].encode().rjust(8, b"-"))


def _hello(role: str, name: str, life: int, machine: Machine | None = None) -> Hello:
    return Hello(
        role=role,
        name=name,
        key=name.encode().rjust(32, b"-"),
        boot=life.to_bytes(8, "big"),
        lowest=wire.LOWEST_VERSION,
        highest=wire.HIGHEST_VERSION,
        slots=machine.slots if machine else 0,
        memory=MEMORY,
        has=tuple(sorted(machine.has)) if machine else (),
    )


def _pages(batch: Batch) -> Iterator[Submit]:
    """Walk through a batch, a page at a time."""
    for seq, start in enumerate(range(0, len(batch.costs), PAGE), 1):
        yield Submit(
            seq=seq,
            batch=1,
            recipe=batch.recipe,
            output="",
            tasks=batch.items(start, start + PAGE),
            needs=tuple(batch.needs),
        )
