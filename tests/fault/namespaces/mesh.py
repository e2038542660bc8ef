"""A mesh on two hosts of a Lan: every member is a process in the namespace of its host.

They share the file system, and with it the state folder, since joining by ticket is not
built: whose keys are known needs no network here. A test asks the broker by its local door.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from pixmesh.tests.support.meshes import COMMAND, PATIENCE, Member, RealMesh

from .hosts import Host, Lan

PORT = 7710


@dataclass(slots=True, eq=False, kw_only=True)
class HostMesh(RealMesh):
    """Members at two hosts; ``where`` is the host at which the next one starts."""

    lan: Lan
    where: Host = field(init=False)

    def __post_init__(self) -> None:
        self.where = self.home

    @property
    def home(self) -> Host:
        """The one host."""
        return self.lan.hosts[1]

    @property
    def away(self) -> Host:
        """The other host."""
        return self.lan.hosts[2]

    @contextmanager
    def at(self, host: Host) -> Iterator[None]:
        """Start members at this host inside the block."""
        before, self.where = self.where, host
        try:
            yield
        finally:
            self.where = before

    def command(self, *words: str) -> list[str]:
        """Return what starts the command at the host where members start now."""
        return self.where.space.within(*COMMAND, *words)

    def broker(self, port: int = PORT) -> Member:
        """Start the broker at the host's address; return when members may come."""
        words = ("broker", "--bind", self.where.address, "--port", str(port))
        return self.ready(self.start(*words), "pixmesh broker at ")

    def power_off(self, host: Host, member: Member) -> None:
        """End a host and the member on it as a power cut does: nobody is told.

        Both ways are cut; after ``power_on`` another machine is in its place.
        """
        self.lan.cut(*self.lan.hosts.values())
        slots = member.children()
        member.kill()
        for slot in slots:
            with suppress(psutil.NoSuchProcess):
                slot.kill()
        psutil.wait_procs(slots, PATIENCE)
        self.lan.remove(host)

    def power_on(self, host: Host) -> None:
        """Put a new machine in the place of one that is gone."""
        self.lan.add(host.number)
        self.lan.heal()


def way_to(host: Host) -> tuple[str, str]:
    """Return what commands are told, to come in by the network door of the broker there."""
    return ("--broker", f"{host.address}:{PORT}")
