"""Which mesh a command works with: the one that is configured, or an embedded one."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ..node.config import Config
from ..node.errors import MeshUnreachable
from ..node.owner.job import Job, JobId, Outcome
from ..node.state import StateFolder

if TYPE_CHECKING:
    from ..node.net.address import Address
    from ..node.owner.mesh import Mesh


@contextmanager
def opened(config: Config, *, local: bool) -> Iterator["Mesh"]:
    """Open the mesh for one command; `local` asks for an embedded one."""
    from ..node.owner.mesh import Mesh

    try:
        mesh = Mesh.local(config.slots) if local else Mesh(config.broker)
    except MeshUnreachable as error:
        raise _with_the_way_out(error) from error
    with mesh:
        yield mesh


def broker_address(config: Config, state: StateFolder) -> "Address":
    """Return where the broker is that a command is for. Raises MeshUnreachable."""
    from ..node.net.reach import find_broker

    address = find_broker(config.broker, state)
    if address is None:
        raise MeshUnreachable(
            f"there is no broker: none is named, and none of yours runs (see {state.broker_file})",
            remedy="start one with 'pixmesh broker', or name one with --broker HOST[:PORT]",
        )
    return address


def _with_the_way_out(error: MeshUnreachable) -> MeshUnreachable:
    if "--local" in str(error):
        return error
    ways = [error.remedy, "add --local to run here"]
    return MeshUnreachable(error.what, remedy="; ".join(way for way in ways if way))


def where(config: Config, *, local: bool) -> Mapping[str, object]:
    """Say in data where a command would run."""
    if local or config.broker is None:
        return {"embedded": True, "slots": config.slots}
    return {"embedded": False, "broker": config.broker}


class Session(Protocol):
    """What a batch needs of a mesh."""

    def submit(self, job: Job) -> Future[Outcome]:
        """Hand over one job; the future never raises."""
        ...

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take jobs back."""
        ...


class Nowhere:
    """No mesh: for a batch that has nothing to compute."""

    def submit(self, job: Job) -> Future[Outcome]:
        """Never called."""
        raise AssertionError(f"no mesh was opened for {job.name}")

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take nothing back: nothing was handed over."""
