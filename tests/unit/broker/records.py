"""Scheduler's records and events in few words."""

from random import Random

from pixmesh.broker import wire
from pixmesh.broker.leases import Lease
from pixmesh.broker.messages import (
    Assign,
    AssignItem,
    End,
    EndItem,
    Hello,
    MemberId,
    Message,
    Result,
    State,
    Submit,
    TaskId,
    TaskItem,
    Work,
)
from pixmesh.broker.nodes import Node
from pixmesh.broker.outgoing import Command, Send
from pixmesh.broker.scheduler import Joined, Received, Scheduler, Turn
from pixmesh.broker.tasks import Attempt, Batch, Owner, Task

OWNER = MemberId(b"owner...")
NODE = MemberId(b"node....")
OTHER = MemberId(b"other...")
THIRD = MemberId(b"third...")
LATER = 100.0


def hello(role: str, name: str, *, boot: int = 1, slots: int = 1, memory: int = 1000) -> Hello:
    return Hello(
        role=role,
        name=name,
        key=name.encode().ljust(32, b"."),
        boot=boot.to_bytes(8, "big"),
        lowest=wire.LOWEST_VERSION,
        highest=wire.HIGHEST_VERSION,
        slots=slots,
        memory=memory,
        has=("blur",),
    )


def task_id(number: int) -> TaskId:
    return TaskId(number.to_bytes(16, "big"))


def item(number: int, *, seconds: float = 0.01, memory: int = 1) -> TaskItem:
    return TaskItem(
        id=task_id(number),
        token=bytes(16),
        size=10,
        digest=bytes(32),
        seconds=seconds,
        memory=memory,
    )


def submit(*numbers: int, seq: int = 1, batch: int = 1, needs: tuple[str, ...] = ()) -> Submit:
    tasks = tuple(item(number) for number in numbers)
    return Submit(seq=seq, batch=batch, recipe="blur", output="", tasks=tasks, needs=needs)


def owner_record(member: MemberId = OWNER) -> Owner:
    return Owner(member, hello("owner", "studio"), Lease(0.0))


def batch_record(number: int = 1, *, priority: int = 0, needs: tuple[str, ...] = ()) -> Batch:
    owner = owner_record()
    work = Work(owner=owner.id, recipe="blur", output="")
    return Batch(owner, number, work, frozenset(needs), priority, label="")


def node_record(member: MemberId = NODE, *, ready: int = 1, memory: int = 1000) -> Node:
    said = hello("node", member.decode(), slots=ready, memory=memory)
    return Node(member, said, Lease(0.0), frozenset({"blur"}), ready=ready)


def load(node: Node, *, seconds: float, memory: int = 1, count: int = 1) -> None:
    """Let a node hold attempts of so many predicted seconds each."""
    for _ in range(count):
        number = len(node.active) + 1
        task = Task(item(number, memory=memory), batch_record())
        node.take(Attempt(number, task, node, 1, seconds, seconds, 0.0))  # type: ignore[arg-type]


class Talk:
    """A scheduler, what is said to it, and what it says; invariants hold after each word."""

    def __init__(self, *, now: float = LATER) -> None:
        self.scheduler = Scheduler(random=Random(1), now=0.0)
        self.now = now
        self.said: list[Command] = []

    def node(self, member: MemberId = NODE, *, slots: int = 1, boot: int = 1) -> None:
        self.join(member, hello("node", member.decode(), slots=slots, boot=boot))
        self.hear(member, State(ready=slots))

    def owner(self, member: MemberId = OWNER, *, boot: int = 1) -> None:
        self.join(member, hello("owner", member.decode(), boot=boot))

    def join(self, member: MemberId, said: Hello) -> list[Command]:
        self.scheduler.handle(Joined(member, said), self.now)
        return self.turn()

    def hear(self, member: MemberId, message: Message) -> list[Command]:
        self.scheduler.handle(Received(member, message), self.now)
        return self.turn()

    def turn(self) -> list[Command]:
        self.scheduler.check_invariants()
        commands = self.scheduler.handle(Turn(), self.now)
        self.scheduler.check_invariants()
        self.said += commands
        return commands

    def ends(self, attempt: AssignItem, end: End, *, node: MemberId = NODE) -> list[Command]:
        """Let a node report how an attempt ended."""
        return self.hear(node, Result((end_item(attempt, end),)))

    def result(self, attempt: Attempt, end: End) -> Result:
        """Return a node's word on how an attempt ended."""
        given = AssignItem(attempt.id, 0, attempt.task.item, 0.0)
        return Result((end_item(given, end),))

    def assigned(self, node: MemberId = NODE) -> list[AssignItem]:
        """Return every attempt that a node was ever given."""
        sent = [one.message for one in self.said if isinstance(one, Send) and one.member == node]
        return [one for said in sent if isinstance(said, Assign) for one in said.attempts]

    def told(self, owner: MemberId = OWNER) -> list[EndItem]:
        """Return every end that an owner was ever told."""
        sent = [one.message for one in self.said if isinstance(one, Send) and one.member == owner]
        return [end for said in sent if isinstance(said, Result) for end in said.ends]

    def heard_by(self, member: MemberId) -> list[Message]:
        return [one.message for one in self.said if isinstance(one, Send) and one.member == member]

    @property
    def tasks(self) -> int:
        return sum(len(owner.tasks) for owner in self.scheduler.owners.values())


def end_item(attempt: AssignItem, end: End, *, code: str = "", owner: MemberId = OWNER) -> EndItem:
    done = end is End.DONE
    return EndItem(
        attempt=attempt.attempt,
        task=attempt.task.id,
        owner=owner,
        end=end,
        seconds=0.01,
        digest=bytes(32) if done else None,
        code=code or ("" if done else end.name.lower()),
        reason="" if done else "as the test says",
    )
