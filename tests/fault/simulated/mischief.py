"""Mischief: members that say anything at all in messages of the right shape, from one seed.

They know every attempt they were given and some that they were not, speak as both roles in
turn, and use the extremes of every number. What the broker says back must be readable.
"""

from random import Random

import msgspec

from pixmesh.broker import wire
from pixmesh.broker.members import Refused
from pixmesh.broker.messages import (
    Assign,
    Bye,
    Drop,
    End,
    EndItem,
    FolderItem,
    HeldItem,
    HeldTask,
    Hello,
    MemberId,
    Message,
    Phase,
    Result,
    Settled,
    State,
    Submit,
    TaskItem,
)
from pixmesh.broker.outgoing import Send
from pixmesh.broker.scheduler import Disconnected, Joined, Received, Scheduler, Stalled, Turn
from pixmesh.broker.seal import Seal
from pixmesh.broker.status import snapshot
from pixmesh.broker.why import why

IDS = [MemberId(bytes([number]) * 8) for number in range(4)]
TASKS = [bytes([number]) * 16 for number in range(12)]
COUNTS = (0, 1, 2**20, 2**48)
SECONDS = (0.0, 5e-324, 1e-9, 1.0, 1e9)
CODES = ("", "memory", "disk-full", "draining", "dropped", "lost", "\x1b[2J")
WORDS = ("", "x", "\x1b[2J", "é" * 60)
KNOWN = 12
FOLDERS = tuple(FolderItem(one, one, *COUNTS, 1, paused=one) for one in WORDS)


class Mischief:
    """A broker's scheduler, and everything that its members have heard."""

    def __init__(self, seed: int) -> None:
        self.lot = Random(seed)
        self.now = self.lot.choice([0.0, 100.0])
        self.scheduler = Scheduler(random=Random(seed), now=0.0, seal=Seal(b"the broker's"))
        self.known: dict[int, tuple[bytes, MemberId]] = {1: (TASKS[0], IDS[0])}

    def step(self) -> None:
        """Let one member do something, and the broker answer."""
        self.now += self.lot.choice([0.0] * 8 + [0.01, 0.3, 1.0, 3.5])
        who, chance = self.lot.choice(IDS), self.lot.random()
        if chance < 0.08:
            self.scheduler.handle(Joined(who, self._hello()), self.now)
        elif chance < 0.1:
            self.scheduler.handle(Disconnected(who), self.now)
        elif chance < 0.11:
            self.scheduler.handle(Stalled(9.0), self.now)
        else:
            said, _ = wire.decode(wire.encode(self._message()))
            self.scheduler.handle(Received(who, said), self.now)
        self._hear()
        self._look()

    def _hear(self) -> None:
        for command in self.scheduler.handle(Turn(), self.now):
            if isinstance(command, Send):
                message, _ = wire.decode(wire.encode(command.message))
                if isinstance(message, Assign):
                    self._given(message)
        for attempt in list(self.known)[:-KNOWN]:
            del self.known[attempt]

    def _given(self, message: Assign) -> None:
        for one in message.attempts:
            owner = MemberId(message.works[one.work].owner)
            self.known[one.attempt] = (one.task.id, owner)

    def _look(self) -> None:
        self.scheduler.check_invariants()
        told = snapshot(self.scheduler, self.now, broker="here", version="1")
        msgspec.json.encode(told)
        for about in ("x", TASKS[1].hex()[:6], "\x1b[2J"):
            try:
                why(self.scheduler, about, self.now)
            except Refused:
                continue

    # ---- what is said ---------------------------------------------------------------

    def _hello(self) -> Hello:
        pick = self.lot.choice
        return Hello(
            role=pick(["node", "node", "owner"]),
            name="mallory",
            key=bytes(32),
            boot=pick([b"one.....", b"one.....", b"another."]),
            lowest=1,
            highest=1,
            slots=pick([0, 1, 4096]),
            memory=pick(COUNTS),
            has=("blur",),
            held=tuple(self._held() for _ in range(self.lot.randrange(4))),
        )

    def _message(self) -> Message:
        pick = self.lot.choice
        some = range(self.lot.randrange(6))
        match self.lot.randrange(9):
            case 0 | 1 | 2:
                held = tuple(HeldItem(one, pick(list(Phase))) for one in self.known)
                ready, memory = pick(COUNTS), pick([None, *COUNTS])
                return State(pick(COUNTS), held, None, ready, memory, 0, FOLDERS)
            case 3 | 4:
                return Result(tuple(self._end() for _ in some))
            case 5 | 6:
                tasks = tuple(self._item() for _ in some)
                needs = pick([(), ("blur",), ("nobody has it",)])
                return Submit(
                    pick(COUNTS), pick([0, 1]), pick(WORDS), "", tasks, needs, pick((-100, 100))
                )
            case 7:
                dropped = tuple(pick(TASKS) for _ in some)
                return Drop(tuple(self.known), dropped, pick([True, False]))
            case _:
                last: list[Message] = [Settled(tuple(self.known)), Bye(), Bye(draining=True)]
                return pick(last)

    def _held(self) -> HeldTask:
        pick = self.lot.choice
        attempt, (task, owner) = pick(list(self.known.items()))
        return HeldTask(attempt, pick(list(Phase)), task, owner, pick(SECONDS), pick(COUNTS))

    def _item(self) -> TaskItem:
        pick = self.lot.choice
        inline = pick([None, b"", b"x"])
        seconds, memory, last = pick(SECONDS), pick([0, 1, 2**48]), pick([None, *IDS])
        return TaskItem(
            pick(TASKS), bytes(16), 1, bytes(32), seconds, memory, inline, pick(WORDS), last
        )

    def _end(self) -> EndItem:
        pick = self.lot.choice
        attempt, (task, owner) = pick(list(self.known.items()))
        return EndItem(
            attempt=attempt,
            task=task,
            owner=owner,
            end=pick([End.DONE, *End]),
            seconds=pick(SECONDS),
            size=pick(COUNTS),
            code=pick(CODES),
            reason=pick(WORDS),
            inline=pick([None, b"x"]),
        )
