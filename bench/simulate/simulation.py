"""One world, one policy, on a virtual clock: what came of it.

Owns the broker's loop: messages are handled as they come, the turn follows a
millisecond later, as in ``broker/server``. The policy is the real scheduler or a
baseline; either is handed events and returns commands.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from ...broker.leases import BEAT
from ...broker.messages import Assign, MemberId, Message
from ...broker.outgoing import Command, Send
from ...broker.scheduler import Event, Turn
from .agenda import Agenda
from .members import SimulatedNode, SimulatedOwner
from .world import World

EARLY = -2.0  # nodes come in before the work does
LOOP = 0.001  # a turn of the broker's loop
LONGEST = 40_000.0  # simulated seconds, and it never ends


class Policy(Protocol):
    """Who decides which task goes where."""

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take an event in; return what is to be said."""
        ...

    def next_deadline(self) -> float:
        """Return when a turn is due though nothing happens."""
        ...


@dataclass(slots=True)
class Run:
    """What came of a run. ``turns`` and ``events`` are seconds of the policy's own time."""

    makespan: float = 0.0
    assigned: int = 0
    turns: float = 0.0
    events: float = 0.0


class Simulation:
    """The members of a world, and a policy between them."""

    def __init__(
        self, world: World, policy: Callable[[Callable[[], float]], Policy], *, seed: int
    ) -> None:
        self._agenda = Agenda(EARLY)
        self._policy = policy(lambda: self._agenda.now)
        self._turn_at = float("inf")
        self._run = Run()
        costs = [cost for batch in world.batches for cost in batch.costs]

        def cost(task: bytes) -> float:
            return costs[int.from_bytes(task, "big")]

        self._nodes = [
            SimulatedNode(machine, agenda=self._agenda, cost=cost, say=self._say)
            for machine in world.machines
        ]
        self._owners = [
            SimulatedOwner(ask, agenda=self._agenda, say=self._say) for ask in world.asks
        ]
        members: list[SimulatedNode | SimulatedOwner] = [*self._nodes, *self._owners]
        self._members = {member.id: member for member in members}
        self._begin(Random(seed))

    def run(self, *, end: float = LONGEST, decisions: float = float("inf")) -> Run:
        """Go on until every owner has every result, or it is late, or so much was decided.

        A run that did not get that far has an endless makespan.
        """
        self._agenda.run(lambda: self._is_done() or self._run.assigned >= decisions, end=end)
        self._run.makespan = self._agenda.now if self._is_done() else float("inf")
        return self._run

    def _begin(self, random: Random) -> None:
        for node in self._nodes:
            node.live(EARLY + BEAT * random.random())
        for owner in self._owners:
            owner.live()

    def _is_done(self) -> bool:
        return all(owner.done for owner in self._owners)

    # ---- the broker's loop ------------------------------------------------------------

    def _say(self, event: Event, delay: float) -> None:
        self._agenda.at(self._agenda.now + delay, self._hear, event)

    def _hear(self, event: Event) -> None:
        began = time.thread_time()
        self._policy.handle(event, self._agenda.now)
        self._run.events += time.thread_time() - began
        self._turn_by(self._agenda.now + LOOP)

    def _turn_by(self, when: float) -> None:
        if when < self._turn_at:
            self._turn_at = when
            self._agenda.at(when, self._turn, when)

    def _turn(self, when: float) -> None:
        if when != self._turn_at:
            return
        now = self._agenda.now
        began = time.thread_time()
        commands = self._policy.handle(Turn(), now)
        self._run.turns += time.thread_time() - began
        for command in commands:
            if isinstance(command, Send):
                self._send(command.member, command.message)
        self._turn_at = float("inf")
        self._turn_by(max(self._policy.next_deadline(), now + LOOP))

    def _send(self, member: MemberId, message: Message) -> None:
        if isinstance(message, Assign):
            self._run.assigned += len(message.attempts)
        to = self._members[member]
        self._agenda.at(self._agenda.now + to.delay, to.heard, message)
