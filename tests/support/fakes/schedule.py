"""One fault schedule from one seed: work, a bad network, deaths and freezes, then peace.

``run_schedule(seed)`` is a whole test; a failing seed replays with the same call.
"""

from collections.abc import Callable
from functools import partial
from random import Random

from pixmesh.broker.messages import MemberId
from pixmesh.node.owner.job import Job

from .mesh import VirtualMesh, outcomes_of
from .net import BROKER, Faults
from .node import FakeNode, Work
from .owner import FakeOwner, make_job

TROUBLE = 12.0
PEACE = 120.0
LARGE = 300_000


class Schedule:
    """A mesh with its work, and the trouble that the seed makes."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"schedule {seed}")
        self.mesh = VirtualMesh(seed, frames=seed % 10 == 0)
        self.jobs: dict[str, list[Job]] = {}
        self.lives: dict[str, list[FakeOwner]] = {}
        self.log: list[str] = []
        for number in range(self.random.randint(1, 4)):
            self.mesh.node(f"node{number}", slots=self.random.randint(1, 3))
        for number in range(self.random.randint(1, 2)):
            self._add_owner(f"owner{number}", first=1000 * number)
        worst = self.random.choice((0.0, 0.02, 0.1, 0.3))
        self.mesh.net.faults = Faults(
            lost=self.random.random() * worst,
            doubled=self.random.random() * worst,
            late=self.random.random() * worst,
            latest=self.random.choice((0.01, 0.5, 3.0)),
        )
        for _ in range(self.random.randint(0, 6)):
            action = self.random.choice(self._troubles())
            self.mesh.clock.after(self.random.uniform(0.0, TROUBLE), action)
        self.mesh.clock.after(TROUBLE, self._make_peace)

    def run(self) -> None:
        """Let it all happen; then every job has one outcome and every table is empty."""
        self.mesh.run(TROUBLE)
        self.mesh.finish(most=PEACE)
        for name, jobs in self.jobs.items():
            for job in jobs:
                told = outcomes_of(job, self.lives[name])
                assert len(told) == 1, f"{job.name} of {name} has {len(told)} outcomes: {told}"

    # ---- work -----------------------------------------------------------------------

    def _add_owner(self, name: str, *, first: int) -> None:
        count = self.random.randint(1, 25)
        self.jobs[name] = [self._job(first + number) for number in range(count)]
        owner = self.mesh.owner(name)
        self.lives[name] = [owner]
        for job in self.jobs[name]:
            self.mesh.clock.after(self.random.uniform(0.0, 3.0), partial(self._ask, name, job))

    def _ask(self, name: str, job: Job) -> None:
        """Submit a job to the owner's life of this moment."""
        owner = self.lives[name][-1]
        if job.id not in owner.table.entries and not outcomes_of(job, self.lives[name]):
            owner.submit([job])

    def _job(self, number: int) -> Job:
        large = self.random.random() < 0.15
        job = make_job(number, size=LARGE if large else 100)
        chance = self.random.random()
        self.mesh.work[job.id] = Work(
            seconds=self.random.choice((0.001, 0.02, 0.5, 2.0)),
            size=LARGE if self.random.random() < 0.15 else 0,
            kills=chance < 0.05,
            fails="failed" if chance > 0.95 else "",
        )
        return job

    # ---- trouble --------------------------------------------------------------------

    def _troubles(self) -> list[Callable[[], None]]:
        return [
            self._node_dies,
            self._node_freezes,
            self._slot_dies,
            self._broker_freezes,
            self._broker_restarts,
            self._owner_restarts,
            self._owner_freezes,
            self._link_is_cut,
        ]

    def _note(self, what: str) -> None:
        self.log.append(f"{self.mesh.clock.now:.3f} {what}")

    def _some_node(self) -> FakeNode:
        return self.mesh.nodes[self.random.choice(sorted(self.mesh.nodes))]

    def _node_dies(self) -> None:
        node = self._some_node()
        self._note(f"{node.name} dies")
        self.mesh.kill(node)
        self.mesh.clock.after(self.random.choice((0.1, 1.0, 8.0)), lambda: self._revive(node.name))

    def _revive(self, name: str) -> None:
        if not self.mesh.nodes[name].alive:
            self.mesh.node(name, slots=self.random.randint(1, 3))

    def _node_freezes(self) -> None:
        node = self._some_node()
        self._note(f"{node.name} freezes")
        node.freeze(self.random.choice((0.5, 2.0, 4.0, 10.0)))

    def _slot_dies(self) -> None:
        node = self._some_node()
        if node.alive and node.slots and not node.frozen:
            self._note(f"a slot of {node.name} dies")
            node.kill_slot(self.random.choice(sorted(node.slots)))

    def _broker_freezes(self) -> None:
        self._note("the broker freezes")
        self.mesh.broker.freeze(self.random.choice((1.5, 5.0, 15.0)))

    def _broker_restarts(self) -> None:
        self._note("the broker restarts")
        self.mesh.restart_broker(self.random.choice((0.05, 1.0, 8.0)))

    def _owner_restarts(self) -> None:
        name = self.random.choice(sorted(self.lives))
        self._note(f"{name} restarts")
        self.lives[name].append(self.mesh.owner(name))
        for job in self.jobs[name]:
            self._ask(name, job)

    def _owner_freezes(self) -> None:
        name = self.random.choice(sorted(self.lives))
        self._note(f"{name} freezes")
        self.lives[name][-1].freeze(self.random.choice((0.5, 4.0, 10.0)))

    def _link_is_cut(self) -> None:
        node = self._some_node()
        link = frozenset((node.id, BROKER))
        self._note(f"{node.name} is cut off")
        self.mesh.net.cut.add(link)
        self.mesh.clock.after(self.random.choice((1.0, 4.0, 9.0)), lambda: self._heal(link))

    def _heal(self, link: frozenset[MemberId]) -> None:
        self.mesh.net.cut.discard(link)

    def _make_peace(self) -> None:
        self.mesh.net.faults = Faults()
        self.mesh.net.cut.clear()
        if not self.mesh.broker.alive:
            self.mesh.restart_broker()
        for name in self.mesh.nodes:
            self._revive(name)


def run_schedule(seed: int) -> Schedule:
    """Run one schedule to its end."""
    schedule = Schedule(seed)
    schedule.run()
    return schedule
