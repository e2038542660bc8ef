"""Hypothesis plays a mesh's members against the scheduler: whatever they say, it stays whole."""

from collections.abc import Callable
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec import structs

from pixmesh.broker.leases import BEAT, LEASE
from pixmesh.broker.messages import (
    Assign,
    AssignItem,
    Bye,
    Drop,
    End,
    HeldItem,
    HeldTask,
    Hello,
    MemberId,
    Message,
    Phase,
    Result,
    Settled,
    State,
)
from pixmesh.broker.orders import drain, resume
from pixmesh.broker.outgoing import Evict, Send
from pixmesh.broker.scheduler import Disconnected, Joined, Received, Scheduler, Stalled, Turn

from .records import end_item, hello, item, submit, task_id

NODES = [MemberId(f"node{number}...".encode()) for number in range(3)]
OWNERS = [MemberId(f"owner{number}..".encode()) for number in range(2)]
TASKS = 12
nodes = st.sampled_from(NODES)
owners = st.sampled_from(OWNERS)
numbers = st.sets(st.integers(1, TASKS), min_size=1, max_size=5)


class Members(RuleBasedStateMachine):
    """Nodes and owners that keep what they were told, and say what they like.

    Whatever a node holds it may end in any way, forget, or tell twice; owners settle, cancel
    and ask again. In the end everybody behaves, and then every task has its end.
    """

    @initialize(seed=st.integers(0, 2**16))
    def begin(self, seed: int) -> None:
        self.now = 100.0
        self.scheduler = Scheduler(random=Random(seed), now=self.now - LEASE)
        self.boots: dict[MemberId, int] = {}
        self.held: dict[MemberId, dict[int, AssignItem]] = {}
        self.ends: dict[MemberId, dict[bytes, int]] = {}
        self.seen: dict[MemberId, int] = {}
        self.seqs: dict[MemberId, int] = {}
        self.settled: set[bytes] = set()

    # ---- the world --------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 0.9, 2.0, 3.5, LEASE + 0.1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.turn()

    @rule(seconds=st.floats(1.0, 20.0))
    def the_loop_stalls(self, seconds: float) -> None:
        self.now += seconds
        self.scheduler.handle(Stalled(seconds), self.now)
        self.turn()

    @rule(member=st.one_of(nodes, owners))
    def a_connection_is_lost(self, member: MemberId) -> None:
        self.scheduler.handle(Disconnected(member), self.now)
        self.turn()

    # ---- nodes ------------------------------------------------------------------------

    @rule(node=nodes, slots=st.integers(1, 3))
    def a_node_starts(self, node: MemberId, slots: int) -> None:
        self.boots[node] = self.boots.get(node, 0) + 1
        self.held[node], self.seen[node] = {}, 0
        self.greet(node, slots)

    @rule(node=nodes)
    @precondition(lambda self: self.held)
    def a_node_greets_again(self, node: MemberId) -> None:
        if node in self.held:
            self.greet(node, 2)

    def greet(self, node: MemberId, slots: int) -> None:
        held = tuple(
            HeldTask(one, Phase.RUNNING, given.task.id, OWNERS[0], 0.1, given.task.memory)
            for one, given in self.held[node].items()
        )
        said = hello("node", node.decode(), boot=self.boots[node], slots=slots)
        self.join(node, structs.replace(said, held=held))
        self.beat(node)

    @rule(node=nodes)
    def a_node_beats(self, node: MemberId) -> None:
        if node in self.held:
            self.beat(node)

    @rule(node=nodes, end=st.sampled_from(list(End)), code=st.sampled_from(["", "disk-full"]))
    def an_attempt_ends(self, node: MemberId, end: End, code: str) -> None:
        if self.held.get(node):
            given = next(iter(self.held[node].values()))
            self.hear(node, Result((end_item(given, end, code=code),)))

    @rule(node=nodes)
    def a_node_forgets_what_it_holds(self, node: MemberId) -> None:
        if self.held.get(node):
            self.held[node].clear()
            self.beat(node)

    @rule(node=nodes, draining=st.booleans())
    def a_node_says_goodbye(self, node: MemberId, draining: bool) -> None:
        self.hear(node, Bye(draining=draining))

    @rule(node=nodes, order=st.sampled_from([drain, resume]))
    def somebody_orders(self, node: MemberId, order: Callable[[Scheduler, str], str]) -> None:
        if node in self.scheduler.nodes:
            order(self.scheduler, node.decode())
            self.turn()

    def beat(self, node: MemberId) -> None:
        held = tuple(HeldItem(one, Phase.RUNNING) for one in self.held[node])
        self.hear(node, State(seen=self.seen[node], held=held, ready=2))

    # ---- owners -----------------------------------------------------------------------

    @rule(owner=owners)
    def an_owner_starts(self, owner: MemberId) -> None:
        self.boots[owner] = self.boots.get(owner, 0) + 1
        self.ends[owner], self.seqs[owner] = {}, 0
        self.join(owner, hello("owner", owner.decode(), boot=self.boots[owner]))

    @rule(owner=owners, wanted=numbers, batch=st.integers(1, 2), heavy=st.booleans())
    def an_owner_asks(self, owner: MemberId, wanted: set[int], batch: int, heavy: bool) -> None:
        if owner in self.ends:
            self.seqs[owner] += 1
            said = submit(seq=self.seqs[owner], batch=batch, needs=("blur",))
            memory = 700 if heavy else 1
            tasks = tuple(item(number, memory=memory) for number in sorted(wanted))
            self.hear(owner, structs.replace(said, tasks=tasks))

    @rule(owner=owners)
    def an_owner_settles(self, owner: MemberId) -> None:
        if self.ends.get(owner):
            attempts = tuple(self.ends[owner].values())
            self.ends[owner].clear()
            self.hear(owner, Settled(attempts))

    @rule(owner=owners, unwanted=numbers, unstarted=st.booleans())
    def an_owner_cancels(self, owner: MemberId, unwanted: set[int], unstarted: bool) -> None:
        tasks = tuple(task_id(number) for number in sorted(unwanted))
        self.hear(owner, Drop(tasks=tasks, unstarted=unstarted))

    @rule(owner=owners)
    def an_owner_beats(self, owner: MemberId) -> None:
        self.hear(owner, State())

    # ---- what is said -----------------------------------------------------------------

    def join(self, member: MemberId, said: Hello) -> None:
        self.scheduler.handle(Joined(member, said), self.now)
        self.turn()

    def hear(self, member: MemberId, message: Message) -> None:
        self.scheduler.handle(Received(member, message), self.now)
        self.turn()

    def turn(self) -> None:
        for command in self.scheduler.handle(Turn(), self.now):
            match command:
                case Send(member, message):
                    self.told(member, message)
                case Evict(member):
                    pass

    def told(self, member: MemberId, message: Message) -> None:
        match message:
            case Assign(seq, _, attempts) if member in self.held:
                self.seen[member] = max(self.seen[member], seq)
                self.held[member].update({given.attempt: given for given in attempts})
            case Settled(attempts) | Drop(attempts=attempts) if member in self.held:
                for attempt in attempts:
                    self.held[member].pop(attempt, None)
            case Result(ends) if member in self.ends:
                self.ends[member].update({end.task: end.attempt for end in ends})
            case _:
                pass

    # ---- what must hold ---------------------------------------------------------------

    @invariant()
    def it_does_not_contradict_itself(self) -> None:
        if hasattr(self, "scheduler"):
            self.scheduler.check_invariants()

    def teardown(self) -> None:
        """Everybody behaves from now on: then every task ends, and is settled."""
        if not hasattr(self, "scheduler"):
            return
        for node in NODES:
            self.a_node_starts(node, 2)
            resume(self.scheduler, node.decode())
        for _ in range(200):
            if not any(owner.tasks for owner in self.scheduler.owners.values()):
                break
            self.behave()
        left = [task for owner in self.scheduler.owners.values() for task in owner.tasks.values()]
        assert left == [], "tasks that never end"
        assert self.scheduler.tasks.attempts == {}

    def behave(self) -> None:
        self.now += BEAT
        for node in NODES:
            ends = tuple(end_item(given, End.DONE) for given in self.held[node].values())
            self.hear(node, Result(ends))
            self.beat(node)
        for owner in OWNERS:
            if owner in self.ends:
                self.an_owner_beats(owner)
                self.an_owner_settles(owner)


Members.TestCase.settings = settings(max_examples=150, stateful_step_count=60)
TestMembers = Members.TestCase
