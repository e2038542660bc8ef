"""``pixmesh.Mesh``: a mesh as Python code sees it.

    with pixmesh.Mesh.local(2) as mesh:
        for answer in mesh.stream("grayscale | canny", paths):
            ...

Found as the command line finds it: what is asked for, else the settings, else this
user's running broker, else an embedded mesh of its own.
"""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import zmq

from ...broker import history, wire
from ...broker.keys import KeyPair
from ...broker.messages import Hello
from ...broker.names import host_name
from .. import config, settings
from ..errors import JobFailed
from ..local import embedded
from ..net.address import Address
from ..net.connection import Connection
from ..net.entry import entered
from ..net.reach import find_broker
from ..net.way import Way
from ..spool import spool_folder
from ..state import StateFolder
from .answer import Answer
from .asking import Asking
from .pictures import Picture
from .session import Session

WELCOME_PATIENCE = 10.0
START_PATIENCE = 30.0
WINDOW = 256


class Mesh:
    """A place to submit pictures to. Close it, or use it in a ``with`` block."""

    def __init__(self, broker: str | None = None, *, wait: float = WELCOME_PATIENCE) -> None:
        """Join the mesh whose broker is at ``broker`` (HOST[:PORT]), or find one.

        Raises MeshUnreachable when it does not answer in ``wait`` seconds, NotAuthorised,
        ConfigError.
        """
        way = find_broker(broker or config.load().broker, StateFolder.open())
        self._open(way, slots=None, wait=wait)

    @classmethod
    def at(cls, way: Way, *, wait: float = WELCOME_PATIENCE) -> Self:
        """Join the mesh of a broker that was found already. Raises as the constructor does."""
        mesh = cls.__new__(cls)
        mesh._open(way, slots=None, wait=wait)  # noqa: SLF001 -- its own
        return mesh

    @classmethod
    def local(cls, slots: int | None = None) -> Self:
        """Start a mesh of this process's own: one node of ``slots`` slots (all cores)."""
        mesh = cls.__new__(cls)
        mesh._open(None, slots=slots, wait=START_PATIENCE)  # noqa: SLF001 -- its own
        return mesh

    def _open(self, way: Way | None, *, slots: int | None, wait: float) -> None:
        with ExitStack() as stack:
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            stack.callback(context.term)
            spool = stack.enter_context(spool_folder())
            check: Callable[[], None] = _all_is_well
            if way is None:
                own = stack.enter_context(embedded(spool, slots or settings.cores()))
                way, check = Way(spool, (own.address,)), own.check
            name = host_name()
            us = stack.enter_context(entered(context, way, "owner", name, patience=wait))
            self.way = way
            self.session = Session(
                connect=functools.partial(_connect, context, us.address, us.pair),
                spool=spool,
                check=check,
                note=history.opened("owner", us.pair.member.hex()),
            )
            stack.callback(self.session.close)
            self.session.wait_until_welcome(wait)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Leave: what has no outcome is cancelled; an embedded mesh ends. Once is enough."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ---- work -------------------------------------------------------------------------

    def submit(
        self, recipe: str, picture: Picture, *, format: str = "same", quality: int | None = None
    ) -> "Future[Answer]":
        """Put one picture through a recipe.

        The future's result is an Answer; it raises JobFailed for an error outcome.
        Raises RecipeError for a recipe that is none.
        """
        asked = Asking(self.session, recipe, form=format, quality=quality).begin(picture)
        future: Future[Answer] = Future()
        future.set_running_or_notify_cancel()
        asked.answer.add_done_callback(functools.partial(_answered, future))
        return future

    def stream(
        self,
        recipe: str,
        pictures: Iterable[Picture],
        *,
        format: str = "same",
        quality: int | None = None,
        window: int = WINDOW,
    ) -> Iterator[Answer]:
        """Put pictures through a recipe; yield answers as they come.

        Pictures are taken as they are needed, ``window`` at most under way. An error is
        an Answer and ends nothing; leaving the loop early cancels the rest.
        """
        asking = Asking(self.session, recipe, form=format, quality=quality)
        return asking.as_they_come(pictures, window)

    def map(
        self,
        recipe: str,
        pictures: Iterable[Picture],
        *,
        format: str = "same",
        quality: int | None = None,
        window: int = WINDOW,
    ) -> Iterator[Answer]:
        """Put pictures through a recipe; yield answers in the pictures' order."""
        asking = Asking(self.session, recipe, form=format, quality=quality)
        return asking.in_order(pictures, window)


def _all_is_well() -> None:
    """Watch over nothing: others keep this mesh."""


def _answered(future: "Future[Answer]", answer: "Future[Answer]") -> None:
    try:
        future.set_result(answer.result().checked())
    except JobFailed as error:
        future.set_exception(error)


def _connect(
    context: zmq.Context[zmq.Socket[bytes]], address: Address, key: KeyPair, now: float
) -> Connection:
    boot = os.urandom(8)

    def hello() -> Hello:
        return Hello(
            role="owner",
            name=host_name(),
            key=key.raw,
            boot=boot,
            lowest=wire.LOWEST_VERSION,
            highest=wire.HIGHEST_VERSION,
            host=host_name(),
        )

    return Connection(context, address, key, hello, now)
