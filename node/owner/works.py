"""The works of a batch: jobs under way, and the entries that wait for their outcomes.

Owns what the reader's thread and run()'s thread share, and the words in which the one
tells the other what happened. A work stays under way until its outcome is in the ledger,
so a copy met later either joins it or finds its output.
"""

import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .job import Content, FileIdentity, Job, JobId, Outcome
from .plan import Entry, Unfinished
from .report import PictureSubmitted
from .row import Row


@dataclass(slots=True)
class Pending:
    """An entry on its way: as what it was read, how often, and what its header said."""

    entry: Entry
    temp: Path
    identity: FileIdentity
    readings: int = 0
    megapixels: float = 0.0


@dataclass(slots=True, eq=False)
class Work:
    """A job under way, and the entries that wait for it: all of the same content."""

    job: Job
    pending: list[Pending]


@dataclass(frozen=True, slots=True)
class Ended:
    """A work has its outcome."""

    work: Work
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Copy:
    """The output is there already, under another name."""

    pending: Pending
    job: JobId
    made: Row
    content: Content


@dataclass(frozen=True, slots=True)
class Condemned:
    """An entry has failed without a job of its own."""

    pending: Pending
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """An entry is not begun any more."""

    pending: Pending


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An output needs no work: it was made of the same content before."""

    pending: Pending
    row: Row


@dataclass(frozen=True, slots=True)
class Fed:
    """One more entry, or commit that was cut off, for a batch that is kept open."""

    work: Entry | Unfinished


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A person wants these outputs no more."""

    destinations: tuple[Path, ...]


class Stop:
    """Begin nothing more."""


class End:
    """No more is fed."""


Message = (
    PictureSubmitted | Ended | Copy | Condemned | Unchanged | Left | Fed | TakeBack | Stop | End
)


class Works:
    """The works under way, for two threads. ``stopping`` may be set at any moment."""

    def __init__(self) -> None:
        self.stopping = False
        self._works: dict[JobId, Work] = {}
        self._unwanted: set[Path] = set()
        self._lock = threading.Lock()

    def begin(self, work: Work) -> bool:
        """Take a work in; False when the batch is stopping, or nobody wants it any more."""
        with self._lock:
            if self.stopping or self._is_unwanted(work):
                return False
            self._works[work.job.id] = work
            return True

    def join(self, job: JobId, pending: Pending) -> bool:
        """Let an entry wait for a job that is under way; False where it is not."""
        with self._lock:
            work = self._works.get(job)
            if work is not None:
                work.pending.append(pending)
            return work is not None

    def waiting(self, work: Work) -> list[Pending]:
        """Return the entries that wait for a work now."""
        with self._lock:
            return list(work.pending)

    def end(self, work: Work, taken: int) -> bool:
        """End a work whose first ``taken`` entries have their outcome.

        False where others joined it meanwhile: it has to be ended once more, for them.
        """
        with self._lock:
            del work.pending[:taken]
            if not work.pending:
                del self._works[work.job.id]
            return not work.pending

    def abandon(self, work: Work) -> list[Pending]:
        """End a work that never became a job; return the entries that waited for it."""
        with self._lock:
            return self._works.pop(work.job.id).pending

    def take_back(self, destinations: Collection[Path]) -> list[JobId]:
        """Want these outputs no more; return the jobs that are under way for no others."""
        with self._lock:
            self._unwanted.update(destinations)
            works = self._works.items()
            return [job for job, work in works if work.pending and self._is_unwanted(work)]

    def want(self, destination: Path) -> None:
        """Want an output, whatever was said of it before."""
        with self._lock:
            self._unwanted.discard(destination)

    def is_unwanted(self, pending: Pending) -> bool:
        """Tell whether a person took an entry back."""
        with self._lock:
            return pending.entry.destination in self._unwanted

    def _is_unwanted(self, work: Work) -> bool:
        return all(one.entry.destination in self._unwanted for one in work.pending)

    def jobs(self) -> list[JobId]:
        """Return the jobs under way."""
        with self._lock:
            return list(self._works)
