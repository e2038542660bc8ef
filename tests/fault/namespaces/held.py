"""A run whose two tasks are held still on a node away, beside two idle nodes at home.

Whatever becomes of them is a matter of the links alone, however fast the machine is. Lost
ones are suspects, of which a node runs one at a time; hence two idle nodes. These are held
still too as soon as they run one: so the run lasts until a test lets either side go on.
"""

import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field

import psutil

from pixmesh.node.state import StateFolder
from pixmesh.tests.integration.runs import Run, running, seconds_until
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member

from .mesh import HostMesh, way_to


@dataclass(slots=True)
class Held:
    """The run, who holds its tasks, and who is idle; ``still`` are the slots that are stopped."""

    mesh: HostMesh
    broker: Member
    job: Run
    run: Member
    far: Member
    idle: list[Member]
    still: dict[Member, list[psutil.Process]] = field(default_factory=dict)

    @classmethod
    def begin(cls, mesh: HostMesh) -> "Held":
        """Start everything; see that the pixels crossed the wire."""
        job, way = Run(mesh, 2, times=24), way_to(mesh.home)
        broker = mesh.broker()
        with mesh.at(mesh.away):
            far = mesh.node("far", 2, *way)
        run = job.begin(*way)
        held = cls(mesh, broker, job, run, far, [])
        held.hold(far, 2)
        held.idle = mesh.nodes("near", "next", slots=1, more=way)
        assert not held.moved()
        pixels = sum(path.stat().st_size for path in job.sources)
        assert mesh.lan.carried(mesh.away)[1] > pixels, "the pixels took another way"
        return held

    def hold(self, node: Member, tasks: int) -> None:
        """Stop a node's slots while they run so many tasks."""
        running(node, tasks)
        self.still[node] = node.children()
        for slot in self.still[node]:
            slot.suspend()
        if len(node.running()) != tasks:
            self.go_on(node)
            raise AssertionError("a task ended before it could be held")

    def go_on(self, *nodes: Member) -> None:
        """Let the slots of these nodes go on; everybody's, if none is named."""
        for node in nodes or tuple(self.still):
            for slot in self.still.pop(node, ()):
                with suppress(psutil.NoSuchProcess):
                    slot.resume()

    def seconds_until_moved(self, since: float) -> float:
        """Return how long after ``since`` other nodes run the started tasks; hold those nodes."""
        seconds_until(self._moved_and_held)
        return time.monotonic() - since

    def moved(self) -> bool:
        """Whether any task runs on a node at home."""
        return any(node.running() for node in self.idle)

    def _moved_and_held(self) -> bool:
        for node in self.idle:
            if node not in self.still and node.running():
                self.hold(node, 1)
        return all(node in self.still for node in self.idle)

    def is_here(self) -> bool:
        """Whether the broker has the node away, and hears it."""
        view = self.mesh.node_view("far")
        return view is not None and view.state != "late"

    def finish_by_late_results(self) -> None:
        """Let only the node that was lost go on: what it has of old must count, once."""
        assert not self.run.ended
        self.go_on(self.far)
        eventually(lambda: self.run.ended, 30, "late results did not end the run")
        self.go_on()
        self.job.check(self.run)
        assert makers() == {"far"}

    def connections(self) -> tuple[set[str], set[str]]:
        """Return what the broker and the node away have of connections to each other."""
        home, away = self.mesh.home, self.mesh.away
        return (
            home.connections(away, self.broker.pid),
            away.connections(home, self.far.pid),
        )


def makers() -> set[str]:
    """Return the nodes that made the outputs, by the ledger."""
    with closing(sqlite3.connect(StateFolder.open().ledger)) as ledger:
        return {node for (node,) in ledger.execute("SELECT node FROM outputs")}
