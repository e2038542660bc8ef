"""A broker, nodes and owners on one virtual clock, from one seed."""

from collections.abc import Callable
from random import Random

from pixmesh.broker.history import Note
from pixmesh.node.owner.job import Failure, Job, Outcome, Result
from pixmesh.tests.support.clock import Clock

from .broker import FakeBroker
from .desk import Desk
from .net import Net
from .node import HAS, FakeNode, Work
from .owner import FakeOwner

NOTICED = 0.002


class VirtualMesh:
    """The whole mesh. What happens follows from the seed and from what the test does.

    ``skew`` says by how many seconds the clock of a member that starts from now on is ahead.
    """

    def __init__(self, seed: int = 0, *, frames: bool = False, check_every: int = 1) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.net = Net(self.clock, frames=frames)
        self.history: list[dict[str, object]] = []
        self.skew: dict[str, float] = {}
        self._spoilt: set[bytes] = set()
        self.work: dict[bytes, Work] = {}
        self.usual = Work()
        self.nodes: dict[str, FakeNode] = {}
        self.owners: dict[str, FakeOwner] = {}
        self._check_every = check_every
        self._boots = 0
        self.broker = self._new_broker()

    # ---- members --------------------------------------------------------------------

    def node(
        self,
        name: str,
        *,
        slots: int = 1,
        has: tuple[str, ...] = HAS,
        memory: int = 1 << 30,
        key: str = "",
    ) -> FakeNode:
        """Start a node; one of this name that still lives dies first."""
        self.kill(self.nodes.get(name))
        self._boots += 1
        node = FakeNode(
            name,
            self.net,
            boot=self._boots,
            slots=slots,
            work=self.work_of,
            has=has,
            memory=memory,
            note=self._note(f"node-{name}-{self._boots}"),
            spoilt=self._spoilt,
            clock=self._clock_of(name),
            key=key,
        )
        self.nodes[name] = node
        return node

    def owner(
        self,
        name: str = "owner",
        *,
        desk: Desk | None = None,
        ended: Callable[[], None] = lambda: None,
        key: str = "",
    ) -> FakeOwner:
        """Start an owner; one of this name that still lives dies first."""
        self.kill(self.owners.get(name))
        self._boots += 1
        note = self._note(f"owner-{name}-{self._boots}")
        owner = FakeOwner(
            name,
            self.net,
            boot=self._boots,
            desk=desk,
            note=note,
            ended=ended,
            clock=self._clock_of(name),
            key=key,
        )
        self.owners[name] = owner
        return owner

    def _clock_of(self, name: str) -> Clock:
        return self.clock.skewed(self.skew.get(name, 0.0))

    def work_of(self, task: bytes) -> Work:
        return self.work.get(task, self.usual)

    def kill(self, member: FakeNode | FakeOwner | None) -> None:
        """End a process; its connection goes with it, and the broker's monitor sees that."""
        if member is not None and member.alive:
            member.die()
            self.clock.after(NOTICED, lambda: self.broker.disconnected(member))

    def restart_broker(self, away: float = 0.0) -> None:
        """End the broker; another one begins with empty tables."""
        self.broker.die()
        self.clock.after(away, self._begin_broker)

    def _begin_broker(self) -> None:
        if not self.broker.alive:
            self.broker = self._new_broker()

    def _new_broker(self) -> FakeBroker:
        self._boots += 1
        note = self._note(f"broker-{self._boots}")
        return FakeBroker(self.net, self.random, check_every=self._check_every, note=note)

    def _note(self, member: str) -> Note:
        """Return where a life of a member notes what it does."""

        def note(what: str, /, **facts: object) -> None:
            self.history.append({"at": self.clock.now, "member": member, "what": what, **facts})

        return note

    # ---- time -----------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def run_until(self, holds: Callable[[], bool], *, most: float = 60.0) -> None:
        assert self.clock.run(holds, most=most), f"not within {most} virtual seconds"

    def finish(self, *, most: float = 60.0) -> None:
        """Let every job end, and every table empty."""
        self.run_until(lambda: all(owner.done for owner in self.owners.values()), most=most)
        self.run_until(lambda: not self.left_over(), most=most)

    def left_over(self) -> list[str]:
        """Name what is still in anybody's table."""
        scheduler = self.broker.scheduler
        found = [
            f"{owner.name} has {len(owner.table.entries)} jobs"
            for owner in self.owners.values()
            if owner.alive and owner.table.entries
        ]
        found += [
            f"{node.name} holds {len(node.attempts.held)} attempts"
            for node in self.nodes.values()
            if node.alive and node.attempts.held
        ]
        if scheduler.tasks.attempts:
            found.append(f"the broker has {len(scheduler.tasks.attempts)} attempts")
        tasks = sum(len(owner.tasks) for owner in scheduler.owners.values())
        return found + ([f"the broker has {tasks} tasks"] if tasks else [])


def outcomes_of(job: Job, lives: list[FakeOwner]) -> list[Outcome]:
    """Return every outcome that a job was told, over all lives of its owner."""
    return [outcome for owner in lives for outcome in owner.outcomes.get(job.id, [])]


def results(owner: FakeOwner) -> list[Result]:
    return [one for told in owner.outcomes.values() for one in told if isinstance(one, Result)]


def failures(owner: FakeOwner) -> list[Failure]:
    return [one for told in owner.outcomes.values() for one in told if isinstance(one, Failure)]
