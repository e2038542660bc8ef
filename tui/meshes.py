"""Which mesh a command works with: the one that is configured, or an embedded one."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from ..broker.messages import FolderItem, Note
from ..node.config import Config
from ..node.errors import MeshUnreachable, PixmeshError
from ..node.owner.job import Deliver, Job, JobId, Source
from ..node.state import StateFolder

if TYPE_CHECKING:
    from ..node.net.way import Way
    from ..node.owner.mesh import Mesh

AT_ONCE: Final = 1.0
ASKING: Final = 2.0
"""Seconds that a broker has to say how things are."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A mesh that takes jobs, and where and with whose keys to ask about it."""

    session: "Session"
    way: "Way"

    def why_waiting(self, label: str) -> str:
        """Return why the batch of that label waits, or nothing. Raises MeshUnreachable."""
        from ..node.net.reach import ask_status

        here = self.session.name
        for batch in ask_status(self.way, patience=ASKING).batches:
            if (batch.owner, batch.label) == (here, label) and batch.reason:
                return batch.reason
        return ""


@contextmanager
def opened(
    config: Config, *, local: bool, most: int, say: Callable[[str], None]
) -> Iterator[Opened]:
    """Open the mesh for one command; `local` asks for an embedded one.

    There are at most `most` pictures: an embedded mesh needs no more slots than that.
    """
    from ..node.net.reach import find_broker
    from ..node.owner.mesh import Mesh

    state = StateFolder.open()
    way = None if local else find_broker(config.broker, state)
    if way is None:
        mesh = Mesh.local(min(config.slots, most))
    else:
        with _said_when_slow(f"waiting for the broker at {way}", say):
            mesh = _joined(way, config.wait)
    with mesh:
        yield Opened(mesh.session, mesh.way)


def _joined(way: "Way", wait: float) -> "Mesh":
    from ..node.owner.mesh import WELCOME_PATIENCE, Mesh

    try:
        return Mesh.at(way, wait=min(wait, WELCOME_PATIENCE))
    except MeshUnreachable as error:
        raise _with_the_way_out(error) from error


@contextmanager
def _said_when_slow(text: str, say: Callable[[str], None]) -> Iterator[None]:
    """Say what is waited for, unless it is there at once."""
    timer = threading.Timer(AT_ONCE, say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def way_to_broker(config: Config) -> "Way":
    """Return the way to the broker that a command is for. Raises MeshUnreachable."""
    from ..node.net.reach import find_broker

    state = StateFolder.open()
    way = find_broker(config.broker, state)
    if way is None:
        raise MeshUnreachable(
            f"there is no broker: none is named, none of yours runs (see {state.broker_file}), "
            "and this machine has joined none",
            remedy="start one with 'pixmesh up' or 'pixmesh broker', join one with "
            "'pixmesh node TICKET', or name one with --broker HOST[:PORT]",
        )
    return way


def _with_the_way_out(error: MeshUnreachable) -> MeshUnreachable:
    if "--local" in str(error):
        return error
    ways = [error.remedy, "add --local to run here"]
    return MeshUnreachable(error.what, remedy="; ".join(way for way in ways if way))


def where(config: Config, *, local: bool) -> Mapping[str, object]:
    """Say in data where a command would run, as far as it is known without asking."""
    from ..node.net.reach import running_broker

    running = None if local or config.broker else running_broker(StateFolder.open())
    if local or not (config.broker or running):
        return {"embedded": True, "slots": config.slots}
    return {"embedded": False, "broker": config.broker or str(running)}


class Session(Protocol):
    """What a batch needs of a mesh."""

    @property
    def name(self) -> str:
        """Return what the mesh calls this owner."""
        ...

    @property
    def trouble(self) -> PixmeshError | None:
        """Return what broke it, if something did."""
        ...

    def submit(
        self, job: Job, deliver: Deliver, *, label: str = "", references: Sequence[Source] = ()
    ) -> None:
        """Hand over one job; ``deliver`` is told its outcome."""
        ...

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take jobs back."""
        ...

    def report(self, folders: Sequence[FolderItem]) -> None:
        """Have the mesh show how far watched folders are."""
        ...

    def listen(self, hear: Callable[[Note], None]) -> None:
        """Have somebody told what the mesh notes; from a thread of its own."""
        ...

    def close(self) -> None:
        """Leave the mesh: what has no outcome is cancelled. Any thread, more than once."""
        ...


class Nowhere:
    """No mesh: for a batch that has nothing to compute."""

    name = ""
    trouble: PixmeshError | None = None

    def submit(
        self,
        job: Job,
        deliver: Deliver,  # noqa: ARG002
        *,
        label: str = "",  # noqa: ARG002
        references: Sequence[Source] = (),  # noqa: ARG002
    ) -> None:
        """Never called."""
        raise AssertionError(f"no mesh was opened for {job.name}")

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take nothing back: nothing was handed over."""

    def report(self, folders: Sequence[FolderItem]) -> None:
        """Nobody would see it."""

    def listen(self, hear: Callable[[Note], None]) -> None:
        """Nobody would say anything."""

    def close(self) -> None:
        """Nothing was opened."""
