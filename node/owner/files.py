"""A batch of files: a plan driven through the mesh and into the file system.

Owns the way of each entry from its plan to its outcome, in bounded memory. The mesh is one
callable; reading, committing and deciding are done elsewhere.

    reader thread    prepares pictures one ahead of the other, submits them; blocks in
                     ``submit`` while the owner's window is full, and while results wait
                     for the disk
    run()'s thread   takes what has ended, commits it in groups, reports it; all events
                     come from here

The two share only the works under way, and what each tells the other through a queue. A
work is one job and every entry of the batch with the same content: it stays under way
until its outcome is in the ledger, so a copy met later either joins it or finds its
output.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Protocol, assert_never

from .backlog import Backlog
from .commit import Commit, Committer, Disk, finish, temp_for
from .job import Cancelled, Failure, FileIdentity, Job, JobId, Outcome, Result
from .ledger import Ledger
from .plan import Entry, Plan
from .prepare import INTERNAL, READ_AGAIN, Appraise, Hopeless, Prepared, Preparer
from .report import (
    BatchEvent,
    PictureCancelled,
    PictureDone,
    PictureFailed,
    PictureSubmitted,
    Summary,
    Tally,
)
from .row import Failed, Row
from .source import SOURCE_CHANGED, FileContent

log = logging.getLogger(__name__)

GROUP: Final = 128
"""Outcomes taken together at most: what one crash leaves to be looked at."""

READER_PATIENCE: Final = 10.0
"""Seconds that an ending batch waits for a reader that is still in the mesh's hands."""


class Cancel(Protocol):
    """Takes jobs back; with ``only_unstarted`` those that no slot works on."""

    def __call__(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Ask for it; the jobs' futures say what came of it."""
        ...


@dataclass(slots=True)
class _Pending:
    """An entry on its way, how often it was read, and what its header said."""

    entry: Entry
    temp: Path
    identity: FileIdentity
    readings: int = 0
    megapixels: float = 0.0


@dataclass(slots=True)
class _Work:
    """A job under way, and the entries that wait for its outcome."""

    job: Job
    pending: list[_Pending]


@dataclass(frozen=True, slots=True)
class _Ended:
    work: _Work
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Copy:
    """The output is there already, under another name."""

    pending: _Pending
    job: JobId
    made: Row
    content: FileContent


@dataclass(frozen=True, slots=True)
class _Condemned:
    pending: _Pending
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Left:
    """An entry that is not begun any more."""

    pending: _Pending


class _Stop:
    """Begin nothing more."""


_Message = PictureSubmitted | _Ended | _Copy | _Condemned | _Left | _Stop


@dataclass(slots=True)
class _Group:
    """What is recorded together, and whom it concerns."""

    pending: dict[Path, _Pending] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    cancelled: list[_Pending] = field(default_factory=list)
    again: list[_Pending] = field(default_factory=list)
    ended: list[tuple[_Ended, int]] = field(default_factory=list)

    def fail(self, pending: _Pending, failed: Failed) -> None:
        self.pending[pending.entry.destination] = pending
        self.failed.append(failed)

    def commit(self, pending: _Pending, commit: Commit) -> None:
        self.pending[pending.entry.destination] = pending
        self.commits.append(commit)


class FileBatch:
    """One plan on its way through the mesh.

    ``submit`` blocks while the owner's window is full, and returns a future of the job's
    outcome that never raises. A result's content is closed once its outputs are in the
    ledger: that is when the job is settled.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        appraise: Appraise,
        ledger: Ledger,
        disk: Disk,
        submit: Callable[[Job], Future[Outcome]],
        cancel: Cancel,
        on_event: Callable[[BatchEvent], None] = lambda _event: None,
        on_done: Callable[[Commit], None] | None = None,
        keep_times: bool = False,
        backlog: Backlog | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._disk = disk
        self._submit = submit
        self._cancel = cancel
        self._on_event = on_event
        self._keep_times = keep_times
        self._clock = clock
        self._committer = Committer(disk=disk, record=ledger, on_done=on_done)
        self._preparer = Preparer(
            recipe=plan.recipe, output=plan.output, appraise=appraise, digests=ledger
        )
        self._backlog = backlog or Backlog()
        self._tally = Tally()
        self._messages: SimpleQueue[_Message] = SimpleQueue()
        self._again: SimpleQueue[_Pending | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._works: dict[JobId, _Work] = {}
        self._failures: dict[JobId, Failure] = {}
        self._stopping = False
        self._broken: Exception | None = None
        self._open = 0

    def run(self) -> Summary:
        """Do the plan; return when every entry has its outcome, or after ``stop``.

        Raises UsageError where the plan may not start, and what ended the batch where the
        ledger, a disk or the mesh fails as a whole.
        """
        self._plan.check()
        started = self._clock()
        entries = [*self._recovered(), *self._plan.entries]
        self._open = len(entries)
        reader = threading.Thread(
            target=self._read_all, args=(entries,), name="pixmesh-reader", daemon=True
        )
        reader.start()
        try:
            while self._open:
                self._take(self._next_messages())
        finally:
            self._end(reader)
        if self._broken is not None:
            raise self._broken
        skipped = self._plan.known + self._plan.existing
        return self._tally.summary(skipped=skipped, seconds=self._clock() - started)

    def stop(self) -> None:
        """Begin nothing more; let what runs finish, and commit it.

        Returns at once. May be called from a signal handler, at any moment: it takes no lock.
        """
        self._stopping = True
        self._messages.put(_Stop())

    # -- before the reader starts --

    def _recovered(self) -> Iterator[Entry]:
        """Finish what a dead owner left; give back the entries that have to be done anew."""
        for refused in self._plan.refused:
            self._report(PictureFailed(refused.path, refused.code, refused.reason))
        for temp in self._plan.stale:
            self._disk.remove(temp)
        for unfinished in self._plan.unfinished:
            entry, row = unfinished.entry, unfinished.row
            if finish(row, disk=self._disk, record=self._ledger, replace=entry.replace):
                size = entry.picture.identity.size
                done = PictureDone(
                    source=row.source, destination=row.destination, bytes_in=size, node=row.node
                )
                self._report(done)
            else:
                yield entry

    # -- the reader's thread --

    def _read_all(self, entries: list[Entry]) -> None:
        for number, entry in enumerate(entries):
            token = f"{self._ledger.owner}-{number}"
            temp = temp_for(entry.destination, token)
            self._read(_Pending(entry, temp, entry.picture.identity))
        while (pending := self._again.get()) is not None:
            self._read(pending)

    def _read(self, pending: _Pending) -> None:
        if self._stopping:
            self._messages.put(_Left(pending))
            return
        try:
            self._begin(pending)
        except Exception as error:  # whatever ends the reader ends the batch, in run()
            log.debug("the reader fails at %s", pending.entry.picture.path, exc_info=True)
            self._broken = error
            self.stop()
            self._messages.put(_Left(pending))

    def _begin(self, pending: _Pending) -> None:
        prepared = self._preparer.prepare(pending.entry, readings=pending.readings)
        pending.identity = prepared.identity
        self._ledger.submitted([self._row(pending, prepared)])
        if isinstance(prepared, Hopeless):
            self._messages.put(_Condemned(pending, prepared.code, prepared.reason))
            return
        pending.megapixels = prepared.megapixels
        job = prepared.job
        if self._joins(job.id, pending) or self._is_decided(job.id, pending):
            return
        self._backlog.wait_for_room()
        work = _Work(job, [pending])
        with self._lock:
            if self._stopping:
                self._messages.put(_Left(pending))
                return
            self._works[job.id] = work
        self._hand_over(work)

    def _joins(self, job: JobId, pending: _Pending) -> bool:
        with self._lock:
            work = self._works.get(job)
            if work is not None:
                work.pending.append(pending)
            return work is not None

    def _is_decided(self, job: JobId, pending: _Pending) -> bool:
        """Use the outcome that the same content had before, if it had one."""
        failure = self._failures.get(job)
        if failure is not None:
            self._messages.put(_Condemned(pending, failure.code, failure.reason))
            return True
        for row in self._ledger.rows_of_job(job):
            if row.result is not None and self._disk.digest(row.destination) == row.result:
                content = FileContent(row.destination)
                self._messages.put(_Copy(pending, job, row, content))
                return True
        return False

    def _hand_over(self, work: _Work) -> None:
        try:
            future = self._submit(work.job)
        except BaseException:
            with self._lock:
                joined = self._works.pop(work.job.id).pending[1:]
            for pending in joined:
                self._messages.put(_Left(pending))
            raise
        path = work.pending[0].entry.picture.path
        self._messages.put(PictureSubmitted(path, work.pending[0].megapixels))
        future.add_done_callback(lambda ended: self._ended(work, ended))
        if self._stopping:
            # stop() may have asked for this one to be cancelled before the mesh had it.
            self._cancel([work.job.id], only_unstarted=True)

    def _row(self, pending: _Pending, prepared: Prepared | Hopeless) -> Row:
        return Row(
            destination=pending.entry.destination,
            source=pending.entry.picture.path,
            identity=prepared.identity,
            digest=prepared.digest,
            job=prepared.job.id if isinstance(prepared, Prepared) else None,
            recipe=self._plan.recipe,
            output=self._plan.output,
            temp=pending.temp,
        )

    # -- the mesh's threads --

    def _ended(self, work: _Work, future: Future[Outcome]) -> None:
        try:
            outcome = future.result()
        except Exception as error:  # a mesh that breaks its word fails one picture
            log.exception("the future of job %s raised", work.job.id.hex())
            reason = f"{type(error).__name__}: {error}"
            outcome = Failure(job=work.job.id, code=INTERNAL, reason=reason, node="", attempts=0)
        if isinstance(outcome, Result):
            self._backlog.add(outcome.content.size)
        self._messages.put(_Ended(work, outcome))

    # -- run()'s thread --

    def _next_messages(self) -> list[_Message]:
        messages = [self._messages.get()]
        try:
            while len(messages) < GROUP:
                messages.append(self._messages.get_nowait())
        except Empty:
            pass
        return messages

    def _take(self, messages: list[_Message]) -> None:
        group = _Group()
        for message in messages:
            self._sort(message, group)
        failed = {one.destination: one for one in self._committed(group)}
        for commit in group.commits:
            if commit.destination not in failed:
                self._conclude(_done(group.pending[commit.destination], commit))
        for destination, one in failed.items():
            source = group.pending[destination].entry.picture.path
            self._conclude(PictureFailed(source, one.code, one.reason))
        for pending in group.cancelled:
            self._conclude(PictureCancelled(pending.entry.picture.path))
        for ended, taken in group.ended:
            self._close(ended, taken)
        # Only now: read sooner, one could join the very work whose outcome sent it back.
        for pending in group.again:
            pending.readings += 1
            self._again.put(pending)

    def _committed(self, group: _Group) -> list[Failed]:
        if group.cancelled:
            self._ledger.cancelled([pending.entry.destination for pending in group.cancelled])
        return self._committer.commit(group.commits, group.failed)

    def _sort(self, message: _Message, group: _Group) -> None:
        match message:
            case PictureSubmitted():
                self._report(message)
            case _Ended(work, outcome):
                with self._lock:
                    pending = list(work.pending)
                group.ended.append((message, len(pending)))
                self._sort_outcome(outcome, pending, group)
            case _Copy(pending, job, made, content):
                group.commit(pending, self._copied(pending, job, made, content))
            case _Condemned(pending, code, reason):
                destination = pending.entry.destination
                group.fail(pending, Failed(destination=destination, code=code, reason=reason))
            case _Left(pending):
                group.cancelled.append(pending)
            case _Stop():
                self._cancel_all()
            case _:
                assert_never(message)

    def _sort_outcome(self, outcome: Outcome, pending: list[_Pending], group: _Group) -> None:
        match outcome:
            case Result():
                for one in pending:
                    group.commit(one, self._commit(one, outcome))
            case Failure():
                for one in pending:
                    self._sort_failure(outcome, one, group)
            case Cancelled():
                group.cancelled.extend(pending)
            case _:
                assert_never(outcome)

    def _sort_failure(self, failure: Failure, pending: _Pending, group: _Group) -> None:
        if failure.code == SOURCE_CHANGED and pending.readings < READ_AGAIN:
            group.again.append(pending)
            return
        group.fail(
            pending,
            Failed(
                destination=pending.entry.destination,
                code=failure.code,
                reason=failure.reason,
                node=failure.node,
                attempts=failure.attempts,
            ),
        )

    def _commit(self, pending: _Pending, result: Result) -> Commit:
        return Commit(
            destination=pending.entry.destination,
            temp=pending.temp,
            job=result.job,
            content=result.content,
            digest=result.digest,
            node=result.node,
            attempts=result.attempts,
            seconds=result.seconds,
            replace=pending.entry.replace,
            modified_ns=self._modified_ns(pending),
        )

    def _copied(self, pending: _Pending, job: JobId, made: Row, content: FileContent) -> Commit:
        assert made.result is not None  # noqa: S101  # checked against the file
        return Commit(
            destination=pending.entry.destination,
            temp=pending.temp,
            job=job,
            content=content,
            digest=made.result,
            node=made.node,
            attempts=0,
            seconds=0.0,
            replace=pending.entry.replace,
            modified_ns=self._modified_ns(pending),
        )

    def _modified_ns(self, pending: _Pending) -> int | None:
        return pending.identity.mtime_ns if self._keep_times else None

    def _close(self, ended: _Ended, taken: int) -> None:
        """End a work whose outcome is recorded, unless a copy joined it meanwhile."""
        work, outcome = ended.work, ended.outcome
        with self._lock:
            del work.pending[:taken]
            if not work.pending:
                del self._works[work.job.id]
                if isinstance(outcome, Failure) and outcome.code != SOURCE_CHANGED:
                    self._failures[work.job.id] = outcome
        if work.pending:
            self._messages.put(ended)
        elif isinstance(outcome, Result):
            self._backlog.remove(outcome.content.size)
            outcome.content.close()

    def _conclude(self, event: BatchEvent) -> None:
        self._open -= 1
        self._report(event)

    def _report(self, event: BatchEvent) -> None:
        self._tally.add(event)
        self._on_event(event)

    def _cancel_all(self) -> None:
        self._backlog.lift()
        with self._lock:
            jobs = list(self._works)
        self._cancel(jobs, only_unstarted=True)

    def _end(self, reader: threading.Thread) -> None:
        self._stopping = True
        self._again.put(None)
        if self._open:  # an exception is on its way: free a reader that waits
            self._cancel_all()
        reader.join(READER_PATIENCE)


def _done(pending: _Pending, commit: Commit) -> PictureDone:
    return PictureDone(
        source=pending.entry.picture.path,
        destination=commit.destination,
        megapixels=pending.megapixels,
        bytes_in=pending.identity.size,
        bytes_out=commit.content.size,
        seconds=commit.seconds,
        node=commit.node,
        attempts=commit.attempts,
    )
