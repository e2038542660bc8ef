"""2,000 photographs while every member dies, freezes and comes back at random; by hand.

What is judged at the end: every output by its pixels, the ledger, the histories of all lives
of all members, and what a reader of the folder could see at any moment.
"""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from pixmesh.tests.fault import checker
from pixmesh.tests.integration.runs import SOAK_MARKS, Run
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh, free_ports

from .trial import Trial

pytestmark = list(SOAK_MARKS)

PICTURES = 2000
CHAOS_SECONDS = 200.0
NODES = ("atlas", "pi", "tower")
BETWEEN = (0.5, 4.0)
FROZEN = (0.5, 9.0)


@dataclass(slots=True)
class Chaos:
    """A mesh that is hit every few seconds; whoever dies is started again at once."""

    job: Run
    random: random.Random
    port: int = field(default_factory=free_ports)
    blows: Counter[str] = field(default_factory=Counter)
    broker: Member = field(init=False)
    run: Member = field(init=False)
    nodes: dict[str, Member] = field(init=False)

    @property
    def mesh(self) -> RealMesh:
        return self.job.mesh

    def begin(self) -> None:
        self.broker = self.mesh.broker(self.port)
        self.nodes = dict(zip(NODES, self.mesh.nodes(*NODES, more=self._way()), strict=True))
        self._start_owner()

    def _way(self) -> list[str]:
        return ["--broker", f"127.0.0.1:{self.port}"]

    def _start_owner(self) -> None:
        self.run = self.job.begin(*self._way())

    def rage(self, seconds: float) -> None:
        """Hit somebody every few seconds, for so long."""
        over = time.monotonic() + seconds
        kinds = (self.kill_broker, self.kill_node, self.kill_slot, self.kill_owner, self.freeze)
        while time.monotonic() < over:
            _let_pass(self.random.uniform(*BETWEEN))
            assert not self.run.ended, f"the run was over: {self.run.said()}"
            blow = self.random.choice(kinds)
            blow()
            self.blows[blow.__name__] += 1

    def kill_broker(self) -> None:
        self.broker.kill()
        self.broker = self.mesh.broker(self.port)

    def kill_node(self) -> None:
        name = self.random.choice(NODES)
        self.nodes[name].kill()
        self.nodes[name] = self.mesh.node(name, 2, *self._way())

    def kill_slot(self) -> None:
        slots = self.nodes[self.random.choice(NODES)].children()
        if slots:
            self.random.choice(slots).kill()

    def kill_owner(self) -> None:
        self.run.kill()
        self._start_owner()

    def freeze(self) -> None:
        """Stop a member and all its processes; shorter than a lease, or longer."""
        member = self.random.choice([self.broker, self.run, *self.nodes.values()])
        family = [psutil.Process(member.pid), *member.children()]
        for one in family:
            one.suspend()
        _let_pass(self.random.uniform(*FROZEN))
        for one in reversed(family):
            one.resume()


def _let_pass(seconds: float) -> None:
    """Let so much time go by: between two blows there is nothing to wait for."""
    threading.Event().wait(seconds)


@contextmanager
def watched(folder: Path) -> Iterator[dict[str, set[bytes]]]:
    """Read every file as soon as it shows under a final name; yield what was read, by name."""
    seen: dict[str, set[bytes]] = defaultdict(set)
    known: dict[str, tuple[int, int]] = {}
    over = threading.Event()

    def look() -> None:
        for path in folder.glob("[!.]*") if folder.is_dir() else ():
            stat = path.stat()
            if known.get(path.name) != (stat.st_ino, stat.st_size):
                known[path.name] = (stat.st_ino, stat.st_size)
                seen[path.name].add(checker.digest(path.read_bytes()))

    def watch() -> None:
        while not over.wait(0.01):
            look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_while_everything_dies_and_comes_back(trial: Trial, seed: int) -> None:
    job = Run(trial.mesh, PICTURES, times=30)
    chaos = Chaos(job, random.Random(seed))
    chaos.begin()
    with watched(job.out) as seen:
        chaos.rage(CHAOS_SECONDS)
        eventually(lambda: chaos.run.ended, 1500, f"never finished: {chaos.run.said()}")
    job.check(chaos.run)
    checker.check_history(trial.facts())
    final = {path.name: {checker.digest(path.read_bytes())} for path in job.out.iterdir()}
    assert dict(seen) == final
    assert len(final) == PICTURES
    assert sum(chaos.blows.values()) >= CHAOS_SECONDS / 15
