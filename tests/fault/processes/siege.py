"""A broker with a job in the middle of it, besieged: what it was like before, and that it holds.

The job's slots stand still while the attack goes on, so that it always comes in the middle.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from pixmesh.node.net.address import Address
from pixmesh.node.net.reach import named_broker
from pixmesh.node.net.way import Way
from pixmesh.node.state import StateFolder
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh

from . import hostile
from .trial import Trial, at_work

ROOM = 48 * 1024 * 1024


@dataclass(slots=True)
class Siege:
    """A broker with a job in the middle, and what it was like before."""

    mesh: RealMesh
    broker: Member
    node: Member
    job: Trial
    run: Member
    slots: list[psutil.Process]
    memory: int

    @property
    def network(self) -> Address:
        return self.way.first

    @property
    def way(self) -> Way:
        control, relay = hostile.ports(self.broker)
        told = self.mesh.status().broker
        assert int(told.rsplit(":", 1)[1]) in {control, relay}
        return named_broker(told, StateFolder.open())

    def counts(self) -> tuple[int, int, int, list[tuple[str, int, int]]]:
        """Return everything that somebody who is let in could change."""
        status = self.mesh.status()
        nodes = [(node.name, node.held, node.failed) for node in status.nodes]
        return status.malformed, status.refused, status.owners, nodes

    def lifted(self, room: int = ROOM) -> None:
        """The broker is the same one, no fatter; the job goes on and finishes."""
        assert not self.run.ended
        assert not self.broker.ended, self.broker.said()
        assert self.broker.memory() - self.memory < room
        for slot in self.slots:
            slot.resume()
        self.job.judge(self.run)
        assert not self.broker.ended, self.broker.said()
        assert not self.node.ended, self.node.said()
        assert "Traceback" not in self.broker.said() + self.node.said() + self.run.said()


@contextlib.contextmanager
def besieged(trial: Trial, *, pictures: int = 8, side: int = 24) -> Iterator[Siege]:
    """Have a job stand still in its middle."""
    mesh = trial.mesh
    trial.pictures(pictures, side=side)
    broker = mesh.broker()
    node = mesh.node("calm", slots=1)
    run = trial.begin(nap=0.5)
    at_work(node, 1)
    slots = node.children()
    for slot in slots:
        slot.suspend()
    try:
        eventually(lambda: mesh.status().batches, 10)
        yield Siege(mesh, broker, node, trial, run, slots, broker.memory())
    finally:
        for slot in slots:
            with contextlib.suppress(psutil.NoSuchProcess):
                slot.resume()
