"""The matchmaker: which task is where, and what follows from each event.

    handle(event, now) -> commands        next_deadline() -> when to call again

An event is a member coming in, a message of a member, a lost connection, a stall of the
loop, or the end of a turn. Facts are gathered while the loop drains its sockets; the
turn's end judges leases, places waiting tasks and returns everything there is to say.

No sockets, clocks, threads or logs here: ``now`` is a monotonic float, randomness is
handed in. A task's own transitions are in ``lifecycle``.
"""

from random import Random
from typing import assert_never

from msgspec import Struct

from . import leases, placement
from .leases import Lease
from .lifecycle import WINDOW_TASKS, Lifecycle
from .messages import (
    AttemptId,
    Bye,
    Drop,
    Hello,
    MemberId,
    Message,
    Note,
    Result,
    Settled,
    State,
    Submit,
    TaskId,
    Window,
)
from .outgoing import Command, Outgoing
from .tasks import Node, Owner

LOST_AFTER = 3.0  # an ASSIGN that a node does not know of by then never arrived


class Joined(Struct, frozen=True):
    """A member was let in, for the first time or again."""

    member: MemberId
    hello: Hello


class Received(Struct, frozen=True):
    """A member with a session said something."""

    member: MemberId
    message: Message


class Disconnected(Struct, frozen=True):
    """A member's connection is gone."""

    member: MemberId


class Stalled(Struct, frozen=True):
    """The loop itself was away for so many seconds: nobody was listening."""

    seconds: float


class Turn(Struct, frozen=True):
    """The loop has drained its sockets."""


Event = Joined | Received | Disconnected | Stalled | Turn


class Scheduler:
    """The broker's state machine. One per broker; it keeps nothing on disk."""

    def __init__(self, *, random: Random, now: float) -> None:
        self.nodes: dict[MemberId, Node] = {}
        self.owners: dict[MemberId, Owner] = {}
        self.started = now
        self._due = float("inf")
        self._random = random
        self._out = Outgoing()
        self.tasks = Lifecycle(owners=self.owners, out=self._out, random=random)

    def handle(self, event: Event, now: float) -> list[Command]:
        """Take one event in; return what is to be done."""
        match event:
            case Received(member, message):
                self._received(member, message, now)
            case Turn():
                return self._turn(now)
            case Joined(member, hello):
                self._joined(member, hello, now)
            case Disconnected(member):
                self._disconnected(member, now)
            case Stalled(seconds):
                self._forgive(seconds)
            case _:
                assert_never(event)
        return []

    def next_deadline(self) -> float:
        """Return when a Turn is due though nothing happens, or earlier; infinity for never."""
        return self._due

    # ---- members ------------------------------------------------------------------

    def _joined(self, member: MemberId, hello: Hello, now: float) -> None:
        if hello.role == "node":
            self._node_joined(member, hello, now)
        else:
            self._owner_joined(member, hello, now)
        self._reckon()

    def _node_joined(self, member: MemberId, hello: Hello, now: float) -> None:
        node = self.nodes.get(member)
        if node is not None and node.hello.boot != hello.boot:
            self._lose(node, "started anew")
            node = None
        if node is None:
            node = Node(member, hello, Lease(now), frozenset(hello.has))
            self.nodes[member] = node
        node.lease.renew(now)
        self._reconcile(node, State(seen=node.seq, held=hello.held), now)

    def _owner_joined(self, member: MemberId, hello: Hello, now: float) -> None:
        owner = self.owners.get(member)
        if owner is not None and owner.hello.boot != hello.boot:
            self._forget_owner(owner)
            owner = None
        if owner is None:
            owner = self.owners[member] = Owner(member, hello, Lease(now))
        owner.lease.renew(now)
        self._say_window(owner)

    def _disconnected(self, member: MemberId, now: float) -> None:
        found = self.nodes.get(member) or self.owners.get(member)
        if found is not None:
            found.lease.disconnect(now)
            self._reckon()

    def _forgive(self, seconds: float) -> None:
        """Nobody was listening for so long: that silence says nothing."""
        for lease in self._leases():
            lease.extend(seconds)
        for attempt in self.tasks.attempts.values():
            attempt.given += seconds

    def _reckon(self) -> None:
        """Note when the next lease ends; members heard since only make it later."""
        self._due = min((lease.deadline() for lease in self._leases()), default=float("inf"))

    def _leases(self) -> list[Lease]:
        nodes = [node.lease for node in self.nodes.values()]
        return nodes + [owner.lease for owner in self.owners.values()]

    def _lose(self, node: Node, why: str) -> None:
        """A node is gone: what it held goes elsewhere, owners are told."""
        del self.nodes[node.id]
        self.tasks.estimate.forget(node.id)
        self._out.unassign(node.id)
        told: dict[tuple[MemberId, int], int] = {}
        for attempt in [*node.active.values(), *node.ended.values()]:
            batch = attempt.task.batch
            key = (batch.owner.id, batch.number)
            told[key] = told.get(key, 0) + 1
            self.tasks.requeue(attempt)
        for (owner, number), count in told.items():
            text = f"{node.hello.name} {why}: {count} of its tasks go elsewhere"
            self._out.say(owner, Note(code="lost", text=text, batch=number))

    def _forget_owner(self, owner: Owner) -> None:
        """An owner is gone for good: nobody waits for its tasks any more."""
        for task in list(owner.tasks.values()):
            self.tasks.remove(task)
        del self.owners[owner.id]

    # ---- messages -----------------------------------------------------------------

    def _received(self, member: MemberId, message: Message, now: float) -> None:
        node = self.nodes.get(member)
        if node is not None:
            node.lease.renew(now)
            self._from_node(node, message, now)
            return
        owner = self.owners.get(member)
        if owner is not None:
            owner.lease.renew(now)
            self._from_owner(owner, message)

    def _from_node(self, node: Node, message: Message, now: float) -> None:
        match message:
            case Result(ends):
                for end in ends:
                    self.tasks.ended(node, end, young=self._young(now))
            case State():
                node.ready = message.ready
                node.load = message.load or node.load
                self._reconcile(node, message, now)
                self._out.say(node.id, State())
            case Bye(draining=True):
                node.draining = True
            case Bye():
                self._lose(node, "left")
                self._out.evict(node.id)
            case _:
                pass

    def _from_owner(self, owner: Owner, message: Message) -> None:
        match message:
            case Submit():
                self.tasks.submit(owner, message)
            case Settled(attempts):
                for attempt in attempts:
                    self.tasks.settle(owner, AttemptId(attempt))
            case Drop():
                for task_id in message.tasks:
                    self.tasks.cancel(owner, TaskId(task_id), unstarted=message.unstarted)
            case State():
                for task in owner.unsettled.values():
                    if task.end is not None:
                        self._out.end(owner.id, task.end)
                self._say_window(owner)
            case Bye():
                self._forget_owner(owner)
                self._out.evict(owner.id)
            case _:
                pass

    def _say_window(self, owner: Owner) -> None:
        """Answer an owner's heartbeat: how far its SUBMITs were seen, its room, its tasks."""
        window = Window(seen=owner.seen, tasks=WINDOW_TASKS, held=len(owner.tasks))
        self._out.say(owner.id, window)

    # ---- reconciliation -------------------------------------------------------------

    def _reconcile(self, node: Node, state: State, now: float) -> None:
        """Compare what the node says it holds with what the broker believes."""
        held = {AttemptId(item.attempt): item.phase for item in state.held}
        for attempt in list(node.active.values()):
            phase = held.get(attempt.id)
            if phase is not None:
                attempt.phase = phase
            elif 0 < attempt.seq <= state.seen or now - attempt.given >= LOST_AFTER:
                self.tasks.requeue(attempt)
        for attempt in [one for one in node.ended.values() if one.id not in held]:
            self.tasks.requeue(attempt)
        if self._young(now):
            return
        for attempt_id in held:
            if attempt_id not in self.tasks.attempts:
                self._out.drop(node.id, attempt_id, unstarted=False)

    def _young(self, now: float) -> bool:
        """Whether members of a broker before this one may still be on their way."""
        return now - self.started < leases.LEASE

    # ---- the turn -----------------------------------------------------------------

    def _turn(self, now: float) -> list[Command]:
        if now >= self._due:
            self._judge(now)
        if self.tasks.fairness:
            self._place(now)
        return self._out.flush(self.nodes)

    def _judge(self, now: float) -> None:
        for node in [node for node in self.nodes.values() if node.lease.lapsed(now)]:
            why = "lost its connection" if node.lease.cut is not None else "went silent"
            self._lose(node, why)
            self._out.evict(node.id)
        for owner in [owner for owner in self.owners.values() if owner.lease.lapsed(now)]:
            self._forget_owner(owner)
            self._out.evict(owner.id)
        self._reckon()

    def _place(self, now: float) -> None:
        roomy = {n.id: n for n in self.nodes.values() if placement.has_room(n, now)}
        blocked: set[int] = set()
        while roomy and (batch := self.tasks.fairness.next(blocked)) is not None:
            choice = placement.choose(
                batch.queue[0], roomy.values(), estimate=self.tasks.estimate, random=self._random
            )
            if choice is None:
                blocked.add(id(batch))
                continue
            task = self.tasks.fairness.take(batch, choice.predicted)
            self.tasks.assign(task, choice, now)
            if not placement.has_room(choice.node, now):
                del roomy[choice.node.id]

    # ---- what must always hold ----------------------------------------------------

    def check_invariants(self) -> None:
        """Raise AssertionError when the state contradicts itself; for tests."""
        from .invariants import check

        check(self)
