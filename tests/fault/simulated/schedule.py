"""A schedule: what happens to a whole mesh and when, as plain events that can be kept and cut.

    node NAME SLOTS         a node starts, or starts anew
    kill NAME               it ends without a word
    slot NAME NUMBER        one of its slots dies
    drain NAME              it finishes what it has, and leaves
    ask OWNER JOB...        jobs are asked
    cancel OWNER JOB...     and taken back
    restart OWNER AWAY      its process ends; the same command again after so many seconds
    crash OWNER STEP POWER  the same, at that step of its commits; POWER forgets what was not synced
    freeze NAME SECONDS     node, owner or broker stands still
    broker AWAY             the broker ends, and another begins after so many seconds
    cut FROM TO SECONDS     nothing passes that way
    noise SECONDS LOST DOUBLED LATE LATEST SEED     messages suffer by lot
    copies FROM TO KIND NTH LATE...     one message arrives so late, as often; or never

After the last event there is peace: everybody comes back, the network is well. Then every job
must have its outcome, once, and every table be empty; the checker judges the histories.
What a job does to a slot follows from its number.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple, cast

from pixmesh.node.owner.job import Job
from pixmesh.tests.fault import checker
from pixmesh.tests.support.fakes.desk import Desk, destination_of
from pixmesh.tests.support.fakes.mesh import VirtualMesh
from pixmesh.tests.support.fakes.net import Noise, Which
from pixmesh.tests.support.fakes.node import FakeNode, Work
from pixmesh.tests.support.fakes.owner import FakeOwner, make_job

Argument = str | float
PEACE = 600.0
LARGE = 300_000
MEMORY = 1 << 30
LONGEST_FREEZE = 16.0
OUTCOMES = frozenset({"done", "failed", "cancelled"})


class Event(NamedTuple):
    """Something happens at a moment (seconds)."""

    at: float
    what: str
    arguments: tuple[Argument, ...] = ()

    def __str__(self) -> str:
        return " ".join([f"{self.at:g}", self.what, *map(str, self.arguments)])


def read(text: str) -> list[Event]:
    """Read events as ``Event`` writes them, one a line."""
    lines = [line.split() for line in text.strip().splitlines()]
    return [Event(float(at), what, tuple(map(_argument, words))) for at, what, *words in lines]


def _argument(word: str) -> Argument:
    try:
        return float(word)
    except ValueError:
        return word


def work_of(number: int) -> Work:
    """Return what a job does to the slot that runs it."""
    return Work(
        seconds=1e9 if number % 97 == 50 else (0.001, 0.02, 0.5, 2.0)[number % 4],
        size=LARGE if number % 9 == 4 else 0,
        kills=number % 20 == 13,
        fails="failed" if number % 20 == 17 else "",
        spoils=number % 23 == 7,
    )


def job_of(owner: str, number: int) -> Job:
    size = LARGE if number % 7 == 3 else 100
    memory = MEMORY * 6 // 10 if number % 11 == 5 else 1
    return make_job(number, size=size, seconds=0.01, memory=memory, salt=owner)


class Simulation:
    """A schedule at work. ``run`` raises AssertionError for what must not be."""

    def __init__(self, events: Iterable[Event], *, frames: bool = False) -> None:
        self.events = sorted(events)
        self.mesh = VirtualMesh(0, frames=frames, check_every=8)
        self.desks: dict[str, Desk] = {}
        self.asked: dict[str, dict[int, Job]] = {}
        self.cancelled: set[bytes] = set()
        self._slots: dict[str, int] = {}
        self._power = Random(1)
        self._framed: Counter[bytes] = Counter()

    def run(self) -> None:
        """Let it all happen, make peace, and judge."""
        for event in self.events:
            if event.what == "copies":
                self._copies(*event.arguments)
            else:
                self.mesh.clock.after(event.at, self._action(event))
        self.mesh.run(self.events[-1].at + 0.001 if self.events else 0.0)
        self._make_peace()
        self.mesh.finish(most=PEACE)
        self._judge()

    def _action(self, event: Event) -> Callable[[], None]:
        do: Callable[..., None] = getattr(self, "_" + event.what)
        return lambda: do(*event.arguments)

    def _judge(self) -> None:
        for name, desk in self.desks.items():
            ledger = [(str(path), state.value) for path, state in desk.ledger.history]
            files = {str(path): desk.disk.digest(path) for path in desk.disk.names}
            wanted = {str(destination_of(job)): job for job in self.asked[name].values()}
            checker.check_ledger(ledger, wanted)
            checker.check_files(
                files,
                done=[path for path, state in dict(ledger).items() if state == "done"],
                right={path: checker.digest(job.id) for path, job in wanted.items()},
            )
            for number, job in self.asked[name].items():
                self._judge_job(number, job, dict(ledger)[str(destination_of(job))])
        checker.check_history(self.mesh.history)

    def _judge_job(self, number: int, job: Job, state: str) -> None:
        work = work_of(number)
        hopeless = bool(work.kills or work.fails or work.seconds > 100)
        allowed = {"failed" if hopeless else "done"}
        if job.id in self.cancelled:
            allowed.add("cancelled")
        if self._framed[job.id] >= checker.MOST_BLAME:  # nobody can tell it from a guilty one
            allowed.add("failed")
        assert state in allowed, f"job {number} is {state}, wanted {allowed}"

    # ---- events ---------------------------------------------------------------------

    def _node(self, name: str, slots: float) -> None:
        self._slots[name] = int(slots)
        self.mesh.node(name, slots=int(slots), memory=MEMORY)

    def _kill(self, name: str) -> None:
        self.mesh.kill(self.mesh.nodes.get(name))

    def _slot(self, name: str, number: float) -> None:
        node = self.mesh.nodes.get(name)
        if node is not None and node.alive and node.slots and not node.frozen:
            names = sorted(node.slots)
            name = names[int(number) % len(names)]
            running = node.slots[name].running
            if running is not None:
                self._framed[running.item.task.id] += 1
            node.kill_slot(name)

    def _drain(self, name: str) -> None:
        node = self.mesh.nodes.get(name)
        if node is not None and node.alive and not node.frozen:
            node.drain()

    def _ask(self, name: str, *numbers: float) -> None:
        asked = self.asked.setdefault(name, {})
        for number in map(int, numbers):
            asked[number] = job_of(name, number)
            self.mesh.work[asked[number].id] = work_of(number)
        owner = self.mesh.owners.get(name)
        if owner is None:
            self._begin(name)
        elif owner.alive and not owner.frozen:
            known = owner.table.entries.keys() | owner.outcomes.keys()
            owner.submit([job for job in asked.values() if job.id not in known])

    def _begin(self, name: str) -> None:
        """Start an owner's command: it asks for everything that is not done."""
        desk = self.desks.setdefault(name, Desk())
        owner = self.mesh.owner(name, desk=desk, ended=lambda: self._ended(name))
        owner.submit(list(self.asked[name].values()))

    def _ended(self, name: str) -> None:
        """A machine ended in the middle of a commit; it comes back."""
        self.desks[name].crashed()
        owner = self.mesh.owners[name]
        self.mesh.clock.after(0.002, lambda: self.mesh.broker.disconnected(owner))
        self.mesh.clock.after(1.0, lambda: self._begin(name))

    def _cancel(self, name: str, *numbers: float) -> None:
        owner = self.mesh.owners.get(name)
        if owner is None or not owner.alive or owner.frozen:
            return
        jobs = [self.asked[name][int(number)] for number in numbers if number in self.asked[name]]
        self.cancelled |= {job.id for job in jobs}
        owner.cancel(jobs, only_unstarted=len(jobs) % 2 == 0)

    def _restart(self, name: str, away: float) -> None:
        owner = self.mesh.owners.get(name)
        if owner is not None and owner.alive:
            self.mesh.kill(owner)
            self.mesh.clock.after(away, lambda: self._begin_if_gone(name, owner))

    def _begin_if_gone(self, name: str, owner: FakeOwner) -> None:
        if self.mesh.owners[name] is owner:
            self._begin(name)

    def _crash(self, name: str, step: float, power: float) -> None:
        desk = self.desks.get(name)
        if desk is None or desk.clockwork.last is not None:
            return
        desk.clockwork.last = desk.clockwork.steps + 1 + int(step)
        desk.clockwork.after = step % 2 == 0
        if power:
            desk.power_fails = self._power

    def _freeze(self, name: str, seconds: float) -> None:
        if name == "broker":
            self.mesh.broker.freeze(seconds)
        else:
            member = self.mesh.nodes.get(name) or self.mesh.owners.get(name)
            if member is not None and not member.frozen:
                member.freeze(seconds)

    def _broker(self, away: float) -> None:
        if self.mesh.broker.alive:
            self.mesh.restart_broker(away)

    def _cut(self, sender: str, receiver: str, seconds: float) -> None:
        way = (sender, receiver)
        self.mesh.net.cut.add(way)
        self.mesh.clock.after(seconds, lambda: self.mesh.net.cut.discard(way))

    def _noise(self, seconds: float, *lot: float) -> None:
        lost, doubled, late, latest, seed = lot
        noise = Noise(lost, doubled, late, latest, int(seed))
        self.mesh.net.noise = noise
        self.mesh.clock.after(seconds, lambda: self._quiet(noise))

    def _quiet(self, noise: Noise) -> None:
        if self.mesh.net.noise is noise:
            self.mesh.net.noise = None

    def _copies(self, *arguments: Argument) -> None:
        sender, receiver, kind, nth, *late = arguments
        which = Which(str(sender), str(receiver), str(kind), int(cast(float, nth)))
        self.mesh.net.copies[which] = tuple(cast(list[float], late))

    def _make_peace(self) -> None:
        self.mesh.net.noise = None
        self.mesh.net.cut.clear()
        for desk in self.desks.values():
            desk.clockwork.last = None
        if not self.mesh.broker.alive:
            self.mesh.restart_broker()
        for name, slots in self._slots.items():
            self._revive(self.mesh.nodes[name], name, slots)
        self._node("peace", 2)
        for name, owner in list(self.mesh.owners.items()):
            if not owner.alive:
                self._begin(name)
        self.mesh.run(LONGEST_FREEZE)
        for name in self.asked:
            self._ask(name)

    def _revive(self, node: FakeNode, name: str, slots: int) -> None:
        if not node.alive:
            self._node(name, slots)
