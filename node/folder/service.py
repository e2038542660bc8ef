"""Watched folders as a process of their own: what `pixmesh up` keeps running.

Its orders come first on standard input; the rest of that is the lifeline. Prints one JSON line
when all folders are watched.
"""

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import msgspec

from ...broker import lifetime
from ...broker.plain import log_plainly, plain
from ...ops.errors import RecipeError
from ..errors import PixmeshError
from ..net.address import Address
from ..net.way import Way
from ..owner.ledger import Ledger
from ..owner.mesh import Mesh
from ..owner.report import PictureDone
from ..owner.suspend import between_writes
from ..spool import spool_folder
from ..state import StateFolder
from .assembly import Means
from .order import Order
from .places import shown
from .stages import Stage
from .watcher import Change
from .watching import Watching, spool_in

log = logging.getLogger("pixmesh.folder")


class Orders(msgspec.Struct, frozen=True):
    """What whoever starts it says first, as one JSON line: whose broker, which folders."""

    keys: str
    local: str
    folders: tuple[Order, ...]
    recipes: Mapping[str, str]
    max_pixels: int

    def way(self) -> Way:
        """Return the way to the broker, by its local door."""
        return Way(Path(self.keys), (Address(folder=Path(self.local)),))


class Log:
    """Tells the log what becomes of files; says to its parent that all are watched."""

    def __init__(self, folders: int) -> None:
        self._folders = folders
        self._watched: list[tuple[str, str]] = []

    def watched(self, source: str, out: str) -> None:
        """Say, after the last one, which folders are watched."""
        self._watched.append((source, out))
        if len(self._watched) == self._folders:
            print(msgspec.json.encode(self._watched).decode(), flush=True)  # noqa: T201

    def changed(self, order: Order, change: Change) -> None:
        """Log a failure as a warning, and all else as news."""
        level = logging.WARNING if change.stage is Stage.FAILED else logging.INFO
        stage = "gone" if change.stage is None else change.stage.value
        why = f": {change.reason}" if change.reason else ""
        log.log(level, "%s", plain(f"{stage}: {change.relative} in {order.source}{why}"))

    def done(self, order: Order, event: PictureDone) -> None:
        """Log that an output stands."""
        log.info("%s", plain(f"written: {shown(event.destination)} from {order.source}"))


def serve(orders: Orders) -> None:
    """Watch until the lifeline is cut. Raises PixmeshError."""
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(StateFolder.open().ledger))
        spool = stack.enter_context(spool_folder())
        mesh = stack.enter_context(Mesh.at(orders.way()))
        means = Means(
            session=mesh.session,
            ledger=ledger,
            spool=spool_in(spool),
            recipes=orders.recipes,
            max_pixels=orders.max_pixels,
        )
        audience = Log(len(orders.folders))
        watching = Watching(orders.folders, means, audience)
        stack.enter_context(between_writes())
        signal.signal(signal.SIGTERM, lambda *_: watching.stop())
        threading.Thread(
            target=_stop_when_cut, args=(watching,), daemon=True, name="lifeline"
        ).start()
        watching.run()


def _stop_when_cut(watching: Watching) -> None:
    with contextlib.suppress(OSError):
        lifetime.wait_until_cut(watching.stop)
    watching.stop()


def main() -> None:
    """Watch for whoever started this process."""
    log_plainly("pixmesh watch: %(message)s")
    lifetime.ignore_interrupts()
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    try:
        serve(orders)
    except (PixmeshError, RecipeError) as error:
        for line in str(error).splitlines():
            log.error("%s", line)  # noqa: TRY400  # the text is for people
        sys.exit(getattr(error, "exit_code", 2))


if __name__ == "__main__":
    main()
