"""From a finished file to the batches that make its outputs.

Owns the threads that fetch pictures, ask the ledger, and choose names: all that may wait for a
disk or a network on the way. What it did with a file it tells before any outcome can come.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..errors import PixmeshError, SourceChanged
from ..owner.inputs import Picture
from ..owner.job import FileIdentity
from ..owner.ledger import Ledger
from ..owner.plan import Entry, Unfinished
from ..owner.row import Row, State
from .decision import Decision, decide
from .inlet import Inlet, Unavailable
from .naming import names
from .notes import FailureNotes
from .outlet import Outlet
from .places import shown
from .target import Target

log = logging.getLogger(__name__)


class OnExists(StrEnum):
    """What to do about a file at an output's name that is not known as that output."""

    STOP = "stop"
    SKIP = "skip"
    REPLACE = "replace"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Ready:
    """A finished file. ``retry``, ``cancelled``: a person asked for it."""

    relative: str
    identity: FileIdentity
    has_namesakes: bool
    retry: bool
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Fed:
    """So many outcomes will come. ``failed`` says why an output failed before, if one did."""

    relative: str
    expecting: int
    picture: Picture
    failed: str = ""


@dataclass(frozen=True, slots=True)
class NotNow:
    """Nothing can be done about a file now, and why. ``everywhere``: nor about any other."""

    relative: str
    reason: str
    everywhere: bool = False


class Feeder:
    """Feeds the targets of one folder. ``tell`` is called from its threads."""

    def __init__(
        self,
        *,
        inlet: Inlet,
        outlet: Outlet,
        ledger: Ledger,
        targets: Sequence[Target],
        notes: FailureNotes,
        on_exists: OnExists,
        tell: Callable[[Fed | NotNow], None],
        threads: int,
    ) -> None:
        self._inlet = inlet
        self._outlet = outlet
        self._ledger = ledger
        self._targets = targets
        self._notes = notes
        self._on_exists = on_exists
        self._tell = tell
        self._stopped = False
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pixmesh-feeder")
        self._chores = ThreadPoolExecutor(1, thread_name_prefix="pixmesh-chores")

    def feed(self, ready: Ready) -> None:
        """Take a file on; ``Fed`` or ``NotNow`` follows."""
        self._threads.submit(self._feed, ready)

    def do(self, work: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        """Do something else that may wait for a disk, beside; what it raises is told."""
        self._chores.submit(_tried, work, failed)

    def stop(self) -> None:
        """Take on no more files."""
        self._stopped = True

    def end(self) -> None:
        """Return when the threads are gone."""
        self._threads.shutdown(cancel_futures=True)
        self._chores.shutdown(cancel_futures=True)

    # ---- a feeder's thread ----------------------------------------------------------

    def _feed(self, ready: Ready) -> None:
        if self._stopped:
            return
        try:
            self._outlet.check()
            picture = self._inlet.fetch(ready.relative, ready.identity)
        except Unavailable as error:
            self._tell(NotNow(ready.relative, str(error), everywhere=True))
        except (OSError, SourceChanged) as error:
            self._tell(NotNow(ready.relative, _words(error)))
        else:
            self._feed_picture(ready, picture)

    def _feed_picture(self, ready: Ready, picture: Picture) -> None:
        try:
            rows = self._ledger.rows_of_source(picture.source.path)
            made = [self._look(ready, picture, target, rows) for target in self._targets]
        except _Busy as busy:
            self._inlet.release(picture)
            self._tell(NotNow(ready.relative, str(busy)))
        except Exception as error:  # one file, whatever is wrong with it, never ends the watcher
            if not isinstance(error, OSError | PixmeshError | Unavailable):
                log.exception("%s could not be taken on", picture.source.path)
            self._inlet.release(picture)
            self._tell(NotNow(ready.relative, _words(error), everywhere=True))
        else:
            work = [(one.target, one.work) for one in made if one.work is not None]
            failed = next((one.failed for one in made if one.failed), "")
            self._tell(Fed(ready.relative, len(work), picture, failed))
            for target, one in work:
                target.batch.feed(one)
                if ready.cancelled and isinstance(one, Entry):
                    target.batch.take_back([one.destination])

    def _look(
        self, ready: Ready, picture: Picture, target: Target, rows: Sequence[Row]
    ) -> "_Looked":
        output = target.output
        mine = [row for row in rows if output.out in row.destination.parents]
        destination, row = self._named(ready, picture, target, mine)
        decision = decide(
            row,
            output.wish(picture.source.identity),
            is_ours=row is not None and row.owner == self._ledger.owner,
            is_alive=row is not None and self._ledger.is_alive(row.owner),
            retry=ready.retry,
        )
        match decision:
            case Decision.BUSY:
                raise _Busy(f"{destination} is being made by another pixmesh")
            case Decision.WRITTEN:
                return _Looked(target)
            case Decision.FAILED:
                assert row is not None  # noqa: S101  # decided by it
                return _Looked(target, failed=row.reason or row.code)
        return self._work(target, Entry(picture, destination), row, decision, anew=ready.retry)

    def _work(
        self, target: Target, entry: Entry, row: Row | None, decision: Decision, *, anew: bool
    ) -> "_Looked":
        """Return what is to be made; ``anew``: also what was made before and was taken away."""
        if row is not None and row.state is State.FAILED:
            self._notes.remove(target.output.label, entry.picture.relative)
        is_done = row is not None and row.state is State.DONE
        digest = row.digest if row is not None and row.identity == entry.picture.identity else None
        is_lost = anew and not self._outlet.exists(entry.destination)
        before = row if is_done and not is_lost else None
        entry = Entry(entry.picture, entry.destination, digest, before=before)
        if decision is Decision.FINISH and row is not None:
            return _Looked(target, Unfinished(entry, row))
        if row is not None and row.temp is not None:
            self._outlet.remove(row.temp)
        if is_done or not self._outlet.exists(entry.destination):
            return _Looked(target, entry)
        return self._in_the_way(target, entry)

    def _in_the_way(self, target: Target, entry: Entry) -> "_Looked":
        """Decide about a file at the output's name that nobody knows."""
        match self._on_exists:
            case OnExists.SKIP:
                return _Looked(target)
            case OnExists.REPLACE:
                return _Looked(target, Entry(entry.picture, entry.destination, replace=True))
            case _:
                refused = (
                    f"{shown(entry.destination)} is there already, and not known as its output:"
                    " take it away, or choose --on-exists skip, replace or number"
                )
                return _Looked(target, Entry(entry.picture, entry.destination, refused=refused))

    def _named(
        self, ready: Ready, picture: Picture, target: Target, mine: Sequence[Row]
    ) -> tuple[Path, Row | None]:
        """Return what the output is called, and what the ledger knows of it."""
        known = {row.destination: row for row in mine}
        output = target.output
        found = names(
            ready.relative,
            out=output.out,
            extension=output.extension_for(ready.relative),
            before=list(known),
            has_namesakes=ready.has_namesakes,
            is_taken=lambda path: self._is_taken(path, picture.source.path),
        )
        for path in found:
            numbers = self._on_exists is OnExists.NUMBER and path not in known
            if not (numbers and self._outlet.exists(path)):
                return path, known.get(path)
        raise AssertionError("names never end")

    def _is_taken(self, path: Path, source: Path) -> bool:
        row = self._ledger.rows([path]).get(path)
        return row is not None and row.source != source


@dataclass(frozen=True, slots=True)
class _Looked:
    """What there is to do about one output; nothing, where it is written or failed before."""

    target: Target
    work: Entry | Unfinished | None = None
    failed: str = ""


def _tried(work: Callable[[], None], failed: Callable[[Exception], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001  # a thread's edge: who asked is told
        failed(error)


class _Busy(Exception):
    """An output is another owner's at the moment."""


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
