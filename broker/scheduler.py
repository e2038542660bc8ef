"""The matchmaker: which task is where, and what follows from each event.

    handle(event, now) -> commands        next_deadline() -> when to call again

An event is a member coming in, a message of a member, a lost connection, a stall of the
loop, or the end of a turn. Facts are gathered while the loop drains its sockets; the
turn's end judges leases, places waiting tasks and returns everything there is to say.

No sockets, clocks, threads or logs here: ``now`` is a monotonic float, randomness is
handed in. A task's own transitions are in ``lifecycle``.
"""

from collections.abc import Iterator
from operator import attrgetter
from random import Random
from typing import assert_never

from msgspec import Struct

from . import leases, placement, stocking, stragglers
from .chronicle import Chronicle
from .estimate import Estimate
from .history import Note as History
from .history import ignore
from .horizon import Horizon
from .intake import Intake
from .leases import Lease
from .lifecycle import Lifecycle
from .messages import (
    Ask,
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
)
from .nodes import Node
from .outgoing import Command, Outgoing, task_id_pages
from .placement import Choice
from .pool import Pool
from .reconcile import Reconciler
from .seal import Seal
from .stocking import Stocking, has_of
from .tasks import Attempt, Owner

TELL_PLACED = 0.25

_by_id = attrgetter("id")  # a set of nodes has no order; one seed is to give one run


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
    """The broker's state machine. One per broker; it keeps nothing on disk.

    Without a ``seal`` every node is believed what it holds: they are all of one user.
    """

    def __init__(
        self,
        *,
        random: Random,
        now: float,
        note: History = ignore,
        estimate: Estimate | None = None,
        seal: Seal | None = None,
    ) -> None:
        self.nodes: dict[MemberId, Node] = {}
        self.owners: dict[MemberId, Owner] = {}
        self.chronicle = Chronicle(now)
        self._note = note
        self._due = float("inf")
        self._tell_placed_at = float("inf")
        self._look_at = self._stock_at = now
        self._stocking = Stocking()
        self._out = Outgoing()
        self._pool = Pool(random)
        self.tasks = Lifecycle(
            owners=self.owners,
            nodes=self.nodes,
            out=self._out,
            random=random,
            note=note,
            estimate=estimate,
            seal=seal,
            chronicle=self.chronicle,
        )
        self._horizon = Horizon(
            batches=self.tasks.fairness,
            nodes=self.nodes,
            estimate=self.tasks.estimate,
            random=random,
        )
        self._intake = Intake(owners=self.owners, nodes=self.nodes, tasks=self.tasks, note=note)
        self._reconciler = Reconciler(tasks=self.tasks, owners=self.owners, out=self._out)

    @property
    def started(self) -> float:
        """When it began, on the caller's clock; what it was away for does not count."""
        return self.chronicle.started

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

    def tell(self, owner: Owner, note: Note) -> None:
        """Have an owner told something at the next turn."""
        self._out.say(owner.id, note)

    def next_deadline(self) -> float:
        """Return when a Turn is due though nothing happens, or earlier; infinity for never."""
        return min(self._due, self._tell_placed_at)

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
            self._lose(node, "started anew", now)
            node = None
        if node is None:
            node = Node(member, hello, Lease(now), frozenset(hello.has))
            node.quarantined = self.tasks.quarantine.nodes.get(member, "")
            self.nodes[member] = node
            self._note("joined", node=member, name=hello.name, memory=hello.memory)
            self.chronicle.came(hello.name, hello.slots, now)
            self.tasks.aside.node_came()
        node.lease.renew(now)
        self._reconciler.came(node, hello, now, young=self._young(now))

    def _owner_joined(self, member: MemberId, hello: Hello, now: float) -> None:
        owner = self.owners.get(member)
        if owner is not None and owner.hello.boot != hello.boot:
            self._forget_owner(owner)
            owner = None
        if owner is None:
            owner = self.owners[member] = Owner(member, hello, Lease(now))
        owner.lease.renew(now)
        self._out.say(owner.id, self._intake.window(owner))

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
        self.tasks.awaited.extend(seconds)
        self.chronicle.started += seconds

    def _reckon(self) -> None:
        """Note when the next lease ends; members heard since only make it later."""
        ends = (lease.deadline() for lease in self._leases())
        self._due = min(self.tasks.awaited.deadline(), min(ends, default=float("inf")))

    def _leases(self) -> list[Lease]:
        nodes = [node.lease for node in self.nodes.values()]
        return nodes + [owner.lease for owner in self.owners.values()]

    def _lose(self, node: Node, why: str, now: float, *, suspects: bool = True) -> None:
        """A node is gone: what it held goes elsewhere, owners are told.

        All that it had not ended may have been started, so any of it may have cost the
        node: ``suspects``, unless the node said goodbye.
        """
        del self.nodes[node.id]
        self._note("gone", node=node.id, why=why)
        self._pool.discard(node)
        self.tasks.node_went(node)
        self._out.unassign(node.id)
        told: dict[tuple[MemberId, int], int] = {}
        for attempt in [*node.active.values(), *node.ended.values()]:
            batch = attempt.task.batch
            key = (batch.owner.id, batch.number)
            told[key] = told.get(key, 0) + 1
            self.tasks.lost(attempt, now, suspect=suspects and attempt.end is None)
        self._tell_people(node, why, sum(told.values()), now, said=not suspects)
        for (owner, number), count in told.items():
            text = f"{node.hello.name} {why}: {count} of its tasks go elsewhere"
            self._out.say(owner, Note(code="lost", text=text, batch=number, node=node.id))

    def _tell_people(self, node: Node, why: str, moved: int, now: float, *, said: bool) -> None:
        """Note that a node is gone, as it ``said`` or not."""
        if said:
            self.chronicle.left(node.hello.name, moved, now)
        else:
            self.chronicle.lost(node.hello.name, node.hello.slots, why, moved, now)

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
            self._from_owner(owner, message, now)

    def _from_node(self, node: Node, message: Message, now: float) -> None:
        match message:
            case Result(ends):
                young = self._young(now)
                for end in ends:
                    self.tasks.ended(node, end, now, young=young)
            case State():
                if node.beats(message, now):
                    self._has(node, message, now)
                    self._reconciler.beats(node, message, now, young=self._young(now))
                self._out.say(node.id, State())
            case Bye(draining=True):
                node.draining = True
                self.tasks.changed.add(node)
            case Bye():
                self._lose(node, "left", now, suspects=False)
                self._out.evict(node.id)
            case _:
                pass

    def _has(self, node: Node, state: State, now: float) -> None:
        """Note whose weights a node has, and what it has ready: it is filed by that."""
        models = frozenset(state.models)
        if models != node.models:
            self.chronicle.stocked(node.hello.name, models - node.models, now)
            node.models = models
            self._stock_at = now
        has = has_of(node.hello.has, models.difference(state.cold))
        if has != node.has:
            self._pool.discard(node)
            node.has = has
            self.tasks.changed.add(node)
            self.tasks.aside.node_came()

    def _from_owner(self, owner: Owner, message: Message, now: float) -> None:
        match message:
            case Submit():
                if message.batch not in owner.batches:
                    self._stock_at = now  # it may need what only weights are missing for
                self._intake.submit(owner, message, now, young=self._young(now))
                self._reckon_awaited()
            case Settled(attempts):
                for attempt in attempts:
                    self.tasks.settle(owner, AttemptId(attempt))
            case Drop():
                for task_id in message.tasks:
                    self.tasks.cancel(owner, TaskId(task_id), unstarted=message.unstarted)
            case State():
                owner.beats(message, now)
                for task in owner.unsettled.values():
                    self.tasks.tell_again(task)
                self._out.say(owner.id, self._intake.window(owner))
            case Bye():
                self._forget_owner(owner)
                self._out.evict(owner.id)
            case _:
                pass

    def _reckon_awaited(self) -> None:
        if self.tasks.awaited.nodes:
            self._due = min(self._due, self.tasks.awaited.deadline())

    def _young(self, now: float) -> bool:
        """Whether members of a broker before this one may still be on their way."""
        return now - self.started < leases.LEASE

    # ---- the turn -----------------------------------------------------------------

    def _turn(self, now: float) -> list[Command]:
        if now >= self._due:
            self._judge(now)
        if self.tasks.aside:
            self._place_aside(now)
        self._update_pool()
        if self.tasks.fairness:
            self._place(now)
        if now >= self._stock_at:
            self._stock_at = now + stocking.LOOK_EVERY
            self._look_at_models(now)
        if now >= self._look_at and not self.tasks.fairness:
            self._look_at = now + stragglers.LOOK_EVERY
            self._copy_stragglers(now)
        if now >= self._tell_placed_at:
            self._tell_placed_at = float("inf")
            self._tell_placed()
        elif self.tasks.fresh and self._tell_placed_at == float("inf"):
            self._tell_placed_at = now + TELL_PLACED
        return self._out.flush(self.nodes)

    def _look_at_models(self, now: float) -> None:
        """Send for those that tasks wait for; have those go whose memory they wait for."""
        for node, model, holder in self._stocking.errands(self.nodes, self.tasks.waiting(), now):
            self._out.say(node.id, Ask(what="weights", about=model, holder=holder))
        for node in self.tasks.aside.cramped():
            self._out.say(node.id, Ask(what="room"))

    def _judge(self, now: float) -> None:
        for node in [node for node in self.nodes.values() if node.lease.lapsed(now)]:
            why = "lost its connection" if node.lease.cut is not None else "went silent"
            self._lose(node, why, now)
            self._out.evict(node.id)
        for owner in [owner for owner in self.owners.values() if owner.lease.lapsed(now)]:
            self._forget_owner(owner)
            self._out.evict(owner.id)
        for task in self.tasks.awaited.overdue(now):
            self.tasks.wait(task, first=True)
        self._reckon()

    def _update_pool(self) -> None:
        """File the nodes to which something happened by whether they have room."""
        for node in sorted(self.tasks.changed, key=_by_id):
            if self.nodes.get(node.id) is node and placement.has_room(node):
                self._pool.put(node)
            else:
                self._pool.discard(node)
        self.tasks.changed.clear()

    def _place_aside(self, now: float) -> None:
        """Give tasks set aside to nodes that are free for them; nodes may be kept for others."""
        for task, node in self.tasks.aside.ready(now):
            self.tasks.take_out(task)
            recipe, declared = task.batch.work.recipe, task.item.seconds
            predicted = self.tasks.estimate.predict(node.id, recipe, declared)
            self.tasks.assign(task, Choice(node, predicted), now)
        self._update_pool()

    def _place(self, now: float) -> None:
        blocked: set[int] = set()
        while self._pool and (batch := self.tasks.fairness.next(blocked)) is not None:
            nodes = [n for n in self._pool.draw(batch.needs) if not n.lease.suspect(now)]
            if not nodes:
                blocked.add(id(batch))
                continue
            task, choice = self._horizon.pick(batch, nodes, now)
            self.tasks.fairness.take(task, choice.predicted if choice is not None else 0.0)
            if choice is not None:
                self.tasks.assign(task, choice, now)
                self._update_pool()
            else:
                self.tasks.set_aside(task)
                self._place_aside(now)

    def _copy_stragglers(self, now: float) -> None:
        """While slots idle, try elsewhere what would end much sooner there."""
        if not any(node.occupied < node.ready for node in self._pool):
            return
        for left, attempt in stragglers.stragglers(self._active(), self.tasks.estimate, now):
            drawn = self._pool.draw(attempt.task.batch.needs)
            idle = [n for n in drawn if n.occupied < n.ready and not n.lease.suspect(now)]
            nodes = [n for n in idle if n is not attempt.node]
            choice = placement.choose(attempt.task, nodes, estimate=self.tasks.estimate)
            if choice is not None and choice.finish * stragglers.SAVES < left:
                self.tasks.assign(attempt.task, choice, now)
                self._update_pool()

    def _active(self) -> Iterator[Attempt]:
        return (attempt for node in self.nodes.values() for attempt in node.active.values())

    def _tell_placed(self) -> None:
        """Tell owners where their tasks are: should the broker die, they tell the next one."""
        told: dict[tuple[MemberId, MemberId], list[TaskId]] = {}
        for attempt in self.tasks.fresh.values():
            key = (attempt.task.batch.owner.id, attempt.node.id)
            told.setdefault(key, []).append(attempt.task.id)
        self.tasks.fresh.clear()
        for (owner, node), tasks in told.items():
            for page in task_id_pages(tasks):
                self._out.say(owner, Note(code="placed", node=node, tasks=page))

    # ---- what must always hold ----------------------------------------------------

    def check_invariants(self) -> None:
        """Raise AssertionError when the state contradicts itself; for tests."""
        from .invariants import check

        check(self)
