"""`watch` for a person: which mesh, what is said, and what Ctrl-C does."""

import json
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import click

from ..broker.plain import plain
from ..node.config import Config
from ..node.folder.assembly import Means
from ..node.folder.order import Order
from ..node.folder.places import shown
from ..node.folder.stages import Stage
from ..node.folder.watcher import Change
from ..node.folder.watching import Watching, spool_in
from ..node.owner.ledger import Ledger
from ..node.owner.names import as_unicode
from ..node.owner.report import PictureDone
from ..node.owner.suspend import between_writes
from ..node.spool import spool_folder
from ..node.state import StateFolder
from . import meshes
from .interrupt import gently
from .options import Common

SCHEMA: Final = 1


def watch(common: Common, config: Config, orders: Sequence[Order], *, local: bool) -> int:
    """Watch folders until told to end; return the exit code."""
    state = StateFolder.open()
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(state.ledger))
        spool = stack.enter_context(spool_folder())
        mesh = stack.enter_context(
            meshes.opened(config, local=local, most=config.slots, say=common.warn)
        )
        means = Means(
            session=mesh.session,
            ledger=ledger,
            spool=spool_in(spool),
            recipes=config.recipes,
            max_pixels=config.max_pixels,
        )
        watching = Watching(orders, means, Teller(common))
        stack.enter_context(between_writes())
        interruption = stack.enter_context(gently(watching.stop, common.warn))
        watching.run()
        return interruption.exit_code


@dataclass(slots=True)
class Teller:
    """Tells a person, or with --json a program, what becomes of files."""

    common: Common
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watched(self, source: str, out: str) -> None:
        """Say that a folder is watched."""
        if self.common.json:
            self._write({"event": "watching", "source": source, "out": out})
        else:
            self._say(f"watching {source} -> {out}. Ctrl-C finishes what runs, and ends")

    def changed(self, order: Order, change: Change) -> None:
        """Say how far a file is: with -v each stage, else failures."""
        stage = "gone" if change.stage is None else change.stage.value
        if self.common.json:
            self._write(
                {
                    "event": "stage",
                    "folder": order.source,
                    "path": as_unicode(change.relative),
                    "stage": stage,
                    "reason": as_unicode(change.reason),
                }
            )
        elif change.stage is Stage.FAILED or (
            self.common.verbose and change.stage is not Stage.WRITTEN
        ):
            why = f": {change.reason}" if change.reason else ""
            self._say(f"{stage}: {change.relative}{why}")

    def done(self, order: Order, event: PictureDone) -> None:
        """Say that an output stands."""
        if self.common.json:
            self._write(
                {
                    "event": "written",
                    "folder": order.source,
                    "source": as_unicode(shown(event.source)),
                    "destination": as_unicode(shown(event.destination)),
                    "seconds": event.seconds,
                    "node": event.node,
                    "attempts": event.attempts,
                }
            )
        else:
            where = f" ({event.seconds:.2f} s on {event.node})" if event.node else ""
            self._say(f"written: {shown(event.destination)}{where}")

    def _say(self, text: str) -> None:
        self.common.say(plain(text))

    def _write(self, data: dict[str, object]) -> None:
        with self._lock:
            click.echo(json.dumps({"schema": SCHEMA, **data}))
