"""Several watched folders in one process, with one place in the mesh.

Owns that they start together or not at all, and end together: one that cannot go on ends them
all, so that whoever keeps the process running sees it. Hands on which of them are to rest.
"""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from ...broker.messages import FolderItem, Note
from ..owner.names import fitted
from ..owner.report import PictureDone
from .assembly import Means, assembled
from .order import Order
from .watcher import Change, Ears, Watcher

PAUSES: Final = {"pause": True, "unpause": False}
"""What people order of a folder, by the code of the note that tells it: whether it is to rest."""


class Audience(Protocol):
    """Who is told what happens, for each folder; from several threads."""

    def watched(self, source: str, out: str) -> None:
        """A folder is watched from now on."""
        ...

    def changed(self, order: Order, change: Change) -> None:
        """A file came to another stage."""
        ...

    def done(self, order: Order, event: PictureDone) -> None:
        """An output stands."""
        ...


@dataclass(slots=True, eq=False)
class Watching:
    """The folders of one process; the mesh is told how far they are."""

    orders: Sequence[Order]
    means: Means
    audience: Audience
    _watchers: list[Watcher] = field(default_factory=list)
    _items: dict[int, FolderItem] = field(default_factory=dict)
    _errors: list[Exception] = field(default_factory=list)
    _stopping: bool = False

    def run(self) -> None:
        """Watch until ``stop``. Raises what ended one before."""
        with ExitStack() as stack:
            for number, order in enumerate(self.orders):
                ears = self._ears(number, order)
                self._watchers.append(assembled(order, self.means, ears, stack))
            self.means.session.listen(self._hear)
            for watcher in self._watchers:
                progress = watcher.progress()
                self.audience.watched(progress.source, progress.out)
            self._run_all()
        if self._errors:
            raise self._errors[0]

    def stop(self) -> None:
        """Begin nothing more, finish what runs, and end. May be called by a signal handler."""
        self._stopping = True
        for watcher in self._watchers:
            watcher.stop()

    def _run_all(self) -> None:
        threads = [
            threading.Thread(target=self._run_one, args=(watcher,), name="pixmesh-watcher")
            for watcher in self._watchers
        ]
        for thread in threads:
            thread.start()
        if self._stopping:
            self.stop()
        for thread in threads:
            while thread.is_alive():  # Windows lets no signal through a wait without an end
                thread.join(1.0)

    def _run_one(self, watcher: Watcher) -> None:
        try:
            watcher.run()
        except Exception as error:  # noqa: BLE001  # a thread's edge: raised by run()
            self._errors.append(error)
        finally:
            if not self._stopping:
                self.stop()

    def _hear(self, note: Note) -> None:
        """Called by the session's thread."""
        wanted = PAUSES.get(note.code)
        if wanted is not None:
            for watcher in self._watchers:
                if fitted(watcher.out) == note.text:
                    watcher.pause(wanted=wanted)

    def _ears(self, number: int, order: Order) -> Ears:
        def report(item: FolderItem) -> None:
            self._items[number] = item
            self.means.session.report(tuple(self._items.values()))

        return Ears(
            change=lambda change: self.audience.changed(order, change),
            done=lambda event: self.audience.done(order, event),
            report=report,
        )


def spool_in(folder: Path) -> Path:
    """Return the folder for files that are fetched from elsewhere, made."""
    spool = folder / "fetched"
    spool.mkdir(mode=0o700, exist_ok=True)
    return spool
