"""What earlier systems did: each task is dealt to a node at once, and queues there.

Two rules for whom: the next in turn, or who last said that its CPU does least. Who is not
heard for a lease has its tasks dealt anew. Only nodes with the operation are dealt to.
"""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from random import Random

from ...broker.leases import LEASE
from ...broker.messages import (
    Assign,
    AssignItem,
    Load,
    MemberId,
    Message,
    Result,
    Settled,
    State,
    Submit,
    TaskItem,
    Window,
    Work,
)
from ...broker.outgoing import Command, Send
from ...broker.scheduler import Event, Joined, Received, Turn
from ...broker.windows import WINDOW_BYTES, WINDOW_TASKS

WINDOW = Window(seen=0, tasks=WINDOW_TASKS, held=0, bytes=WINDOW_BYTES)
LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Task:
    """What is dealt."""

    item: TaskItem
    work: Work
    needs: frozenset[str]


@dataclass(slots=True, eq=False)
class Hand:
    """A node, and the tasks in its hand."""

    id: MemberId
    has: frozenset[str]
    heard: float
    seq: int = 0
    cpu: int = 0
    tasks: dict[int, Task] = field(default_factory=dict)


class Dealer(ABC):
    """Deals. Whom the next task is dealt to is for a subclass to say."""

    def __init__(self) -> None:
        self._hands: dict[MemberId, Hand] = {}
        self._undealt: list[Task] = []
        self._said: list[Command] = []
        self._attempts = count(1)
        self._look_at = float("-inf")

    @abstractmethod
    def came(self, hand: Hand) -> None:
        """A node is here."""

    @abstractmethod
    def went(self, hand: Hand) -> None:
        """A node is gone."""

    @abstractmethod
    def pick(self, needs: frozenset[str]) -> Hand | None:
        """Return whom the next task is dealt to, if anyone has what it needs."""

    def reported(self, hand: Hand, cpu: int) -> None:
        """Note what a node says that its CPU does, in percent."""
        hand.cpu = cpu

    def next_deadline(self) -> float:
        """Return that heartbeats make turns enough."""
        return float("inf")

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take an event in; return what is to be said."""
        match event:
            case Joined(member, hello) if hello.role == "node":
                self._lose(member)
                hand = self._hands[member] = Hand(member, frozenset(hello.has), now)
                self.came(hand)
            case Joined(member, _):
                self._said.append(Send(member, WINDOW))
            case Received(member, message) if member in self._hands:
                self._from_node(self._hands[member], message, now)
            case Received(member, Submit() as message):
                self._from_owner(member, message)
            case Turn():
                return self._turn(now)
            case _:
                pass
        return []

    def _from_node(self, hand: Hand, message: Message, now: float) -> None:
        hand.heard = now
        match message:
            case State(load=Load(cpu=cpu)):
                self.reported(hand, round(100 * cpu))
            case Result(ends):
                for end in ends:
                    hand.tasks.pop(end.attempt, None)
                    self._said.append(Send(MemberId(end.owner), Result((end,))))
                    self._said.append(Send(hand.id, Settled((end.attempt,))))
            case _:
                pass

    def _from_owner(self, owner: MemberId, message: Submit) -> None:
        work = Work(owner=owner, recipe=message.recipe, output="")
        needs = frozenset(message.needs)
        self._undealt += (Task(item, work, needs) for item in message.tasks)

    def _turn(self, now: float) -> list[Command]:
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            for hand in list(self._hands.values()):
                if now - hand.heard >= LEASE:
                    self._lose(hand.id)
        undealt, self._undealt = self._undealt, []
        for task in undealt:
            self._deal(task)
        said, self._said = self._said, []
        return said

    def _deal(self, task: Task) -> None:
        hand = self.pick(task.needs)
        if hand is None:
            self._undealt.append(task)
            return
        attempt = next(self._attempts)
        hand.tasks[attempt] = task
        hand.seq += 1
        item = AssignItem(attempt, 0, task.item, task.item.seconds)
        self._said.append(Send(hand.id, Assign(hand.seq, (task.work,), (item,))))

    def _lose(self, member: MemberId) -> None:
        """A node is gone, if it was here: all that it had is dealt anew."""
        hand = self._hands.pop(member, None)
        if hand is not None:
            self._undealt += hand.tasks.values()
            self.went(hand)


class RoundRobin(Dealer):
    """Each task to the next node in turn that has the operation."""

    def __init__(self) -> None:
        super().__init__()
        self._circle: deque[Hand] = deque()

    def came(self, hand: Hand) -> None:
        """Let it sit down at the end."""
        self._circle.append(hand)

    def went(self, hand: Hand) -> None:
        """Let it leave the circle."""
        self._circle.remove(hand)

    def pick(self, needs: frozenset[str]) -> Hand | None:
        """Return the next in turn; who is passed over has had its turn."""
        for _ in range(len(self._circle)):
            hand = self._circle[0]
            self._circle.rotate(-1)
            if needs <= hand.has:
                return hand
        return None


class LeastLoaded(Dealer):
    """Each task to the node whose CPU last did least, as it said; among equals by lot."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._by_cpu: dict[frozenset[str], list[list[Hand]]] = {}

    def came(self, hand: Hand) -> None:
        """Take it for idle until it says otherwise."""
        self._file(hand, 0)

    def went(self, hand: Hand) -> None:
        """Let it be picked no more."""
        self._by_cpu[hand.has][hand.cpu].remove(hand)

    def reported(self, hand: Hand, cpu: int) -> None:
        """File it by what it says."""
        if cpu != hand.cpu:
            self.went(hand)
            self._file(hand, cpu)

    def pick(self, needs: frozenset[str]) -> Hand | None:
        """Return one of those that do least."""
        able = [by_cpu for has, by_cpu in self._by_cpu.items() if needs <= has]
        for level in range(101):
            least = [hands for by_cpu in able if (hands := by_cpu[level])]
            if least:
                weights = [len(hands) for hands in least]
                (hands,) = self._random.choices(least, weights)
                return self._random.choice(hands)
        return None

    def _file(self, hand: Hand, cpu: int) -> None:
        hand.cpu = cpu
        by_cpu = self._by_cpu.setdefault(hand.has, [[] for _ in range(101)])
        by_cpu[cpu].append(hand)
