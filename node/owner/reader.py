"""The reader of a batch: turns its entries into jobs, one after the other.

Owns the thread that reads pictures and hands them to the mesh. It blocks where it must:
in ``submit`` while the owner's window is full, and while results wait for the disk. What
becomes of an entry it tells, and never decides.
"""

import functools
import itertools
import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from queue import SimpleQueue
from typing import Final, Protocol

from ..errors import SourceChanged
from .backlog import Backlog
from .commit import Disk, temp_for
from .job import Deliver, Failure, Job, JobId, Outcome, Result
from .ledger import Ledger
from .plan import Entry, Plan
from .prepare import Hopeless, Prepared, Preparer
from .report import PictureSubmitted
from .row import Row, State
from .source import SOURCE_CHANGED
from .works import Condemned, Copy, Ended, Left, Message, Pending, Unchanged, Work, Works

log = logging.getLogger(__name__)

PATIENCE: Final = 10.0
"""Seconds that an ending batch waits for a reader that is still in the mesh's hands."""


Submit = Callable[[Job, Deliver], None]


class Cancel(Protocol):
    """Takes jobs back; with ``only_unstarted`` those that no slot works on."""

    def __call__(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Ask for it; who waits for the jobs is told what came of it."""
        ...


class Reader:
    """One batch's reader. ``tell`` and ``fail`` are called from its thread."""

    def __init__(
        self,
        *,
        plan: Plan,
        preparer: Preparer,
        ledger: Ledger,
        disk: Disk,
        works: Works,
        backlog: Backlog,
        submit: Submit,
        cancel: Cancel,
        tell: Callable[[Message], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._plan = plan
        self._preparer = preparer
        self._ledger = ledger
        self._disk = disk
        self._works = works
        self._backlog = backlog
        self._submit = submit
        self._cancel = cancel
        self._tell = tell
        self._fail = fail
        self._numbers = itertools.count()
        self._waiting: SimpleQueue[Entry | Pending | None] = SimpleQueue()
        self._failures: dict[JobId, Failure] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to read."""
        self._thread = threading.Thread(target=self._read_all, name="pixmesh-reader", daemon=True)
        self._thread.start()

    def read(self, entry: Entry) -> None:
        """Read an entry, after all others."""
        self._waiting.put(entry)

    def read_again(self, pending: Pending) -> None:
        """Read an entry once more, after all others."""
        pending.readings += 1
        self._waiting.put(pending)

    def has_failed(self, failure: Failure) -> None:
        """Let copies of a failed picture fail with it."""
        if failure.code != SOURCE_CHANGED:
            self._failures[failure.job] = failure

    def end(self) -> None:
        """Read nothing more, and return when the thread is gone."""
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _read_all(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            self._read(waiting if isinstance(waiting, Pending) else self._pending(waiting))

    def _pending(self, entry: Entry) -> Pending:
        temp = temp_for(entry.destination, f"{self._ledger.owner}-{next(self._numbers)}")
        return Pending(entry, temp, entry.picture.identity)

    def _read(self, pending: Pending) -> None:
        if self._works.stopping:
            self._tell(Left(pending))
            return
        try:
            self._begin(pending)
        except Exception as error:  # whatever ends the reader ends the batch, in its own thread
            log.debug("the reader fails at %s", pending.entry.picture.path, exc_info=True)
            self._fail(error)
            self._tell(Left(pending))

    def _begin(self, pending: Pending) -> None:
        prepared = self._preparer.prepare(pending.entry, readings=pending.readings)
        pending.identity = prepared.identity
        row = self._row(pending, prepared)
        if (made := self._made_before(pending.entry, row)) is not None:
            self._tell(Unchanged(pending, made))
            return
        self._ledger.submitted([row])
        if isinstance(prepared, Hopeless):
            self._tell(Condemned(pending, prepared.code, prepared.reason))
            return
        pending.megapixels = prepared.megapixels
        job = prepared.job
        if self._works.join(job.id, pending) or self._is_decided(job.id, pending):
            return
        self._backlog.wait_for_room()
        work = Work(job, [pending])
        if self._works.begin(work):
            self._hand_over(work)
        else:
            self._tell(Left(pending))

    def _made_before(self, entry: Entry, row: Row) -> Row | None:
        """Return the output's row where it was made of the same content, if it was."""
        before = entry.before
        if before is None or before.state is not State.DONE or before.job != row.job:
            return None
        return replace(
            before, source=row.source, identity=row.identity, digest=row.digest, temp=None
        )

    def _is_decided(self, job: JobId, pending: Pending) -> bool:
        """Use the outcome that the same content had before, if it had one."""
        failure = self._failures.get(job)
        if failure is not None:
            self._tell(Condemned(pending, failure.code, failure.reason))
            return True
        for row in self._ledger.rows_of_job(job):
            if row.result is not None and self._disk.digest(row.destination) == row.result:
                self._tell(Copy(pending, job, row, self._disk.content(row.destination)))
                return True
        return False

    def _hand_over(self, work: Work) -> None:
        first = work.pending[0]
        self._tell(PictureSubmitted(first.entry.picture.source.path, first.megapixels))
        try:
            self._submit(work.job, functools.partial(self._ended, work))
        except (SourceChanged, OSError) as error:
            self._tell(Ended(work, _failure(work, SOURCE_CHANGED, str(error))))
            return
        except BaseException:
            for pending in self._works.abandon(work)[1:]:
                self._tell(Left(pending))
            raise
        if self._works.stopping:
            # The batch may have asked for it to be cancelled before the mesh had it.
            self._cancel([work.job.id], only_unstarted=True)

    def _ended(self, work: Work, outcome: Outcome) -> None:
        """Pass an outcome on; called from the mesh's threads."""
        if isinstance(outcome, Result):
            self._backlog.add(outcome.content.size)
        self._tell(Ended(work, outcome))

    def _row(self, pending: Pending, prepared: Prepared | Hopeless) -> Row:
        picture = pending.entry.picture
        return Row(
            destination=pending.entry.destination,
            source=picture.source.path,
            identity=picture.origin.identity if picture.origin else prepared.identity,
            digest=prepared.digest,
            job=prepared.job.id if isinstance(prepared, Prepared) else None,
            recipe=self._plan.recipe,
            output=self._plan.output,
            temp=pending.temp,
        )


def _failure(work: Work, code: str, reason: str) -> Failure:
    return Failure(job=work.job.id, code=code, reason=reason, node="", attempts=0)
