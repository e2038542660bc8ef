"""A batch of files: a plan driven through the mesh and into the file system.

Owns the way of each entry from its plan to its outcome, in bounded memory. The mesh is one
callable; reading, committing and deciding are done elsewhere.

    the reader's thread   prepares pictures and submits them
    the mesh's threads    say that a job has its outcome
    run()'s thread        takes what has ended, commits it in groups, reports it: all
                          events come from here, and it waits for nothing but messages
"""

import time
from collections.abc import Callable, Collection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, assert_never

from .appraise import Appraise
from .backlog import Backlog
from .commit import Commit, Committer, Disk, finish
from .group import Group
from .job import Cancelled, Failure, JobId, Outcome, Result
from .ledger import Ledger
from .plan import Entry, Plan, Unfinished
from .prepare import READ_AGAIN, Preparer
from .reader import Cancel, Reader, Submit
from .report import (
    BatchEvent,
    PictureCancelled,
    PictureDone,
    PictureFailed,
    PictureSubmitted,
    PictureUnchanged,
    Summary,
    Tally,
)
from .row import Failed
from .source import SOURCE_CHANGED
from .works import (
    Condemned,
    Copy,
    End,
    Ended,
    Fed,
    Left,
    Message,
    Pending,
    Stop,
    TakeBack,
    Unchanged,
    Works,
)

GROUP: Final = 128
"""Outcomes taken together at most: what one crash leaves to be looked at."""


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
        submit: Submit,
        cancel: Cancel,
        on_event: Callable[[BatchEvent], None] = lambda _event: None,
        on_done: Callable[[Commit], None] | None = None,
        keep_times: bool = False,
        kept_open: bool = False,
        backlog: Backlog | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._disk = disk
        self._cancel = cancel
        self._on_event = on_event
        self._keep_times = keep_times
        self._clock = clock
        self._committer = Committer(disk=disk, record=ledger, on_done=on_done)
        self._backlog = backlog or Backlog()
        self._works = Works()
        self._tally = Tally()
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._taken_back: set[JobId] = set()
        self._broken: Exception | None = None
        self._open = 0
        self._is_endless = self._kept_open = kept_open
        self._reader = Reader(
            plan=plan,
            preparer=Preparer(
                recipe=plan.recipe, output=plan.output, appraise=appraise, digests=ledger
            ),
            ledger=ledger,
            disk=disk,
            works=self._works,
            backlog=self._backlog,
            submit=submit,
            cancel=cancel,
            tell=self._messages.put,
            fail=self._break,
        )

    def run(self) -> Summary:
        """Do the plan; return when every entry has its outcome, or after ``stop``.

        A batch that is kept open goes on with what it is fed, until ``end`` or ``stop``.

        Raises UsageError where the plan may not start, and what ended the batch where the
        ledger, a disk or the mesh fails as a whole.
        """
        self._plan.check()
        started = self._clock()
        self._recover()
        for entry in self._plan.entries:
            self._read(entry)
        self._reader.start()
        try:
            while self._open or self._kept_open:
                self._take(self._next_messages())
        finally:
            self._end()
        if self._broken is not None:
            raise self._broken
        skipped = self._plan.known + self._plan.existing
        return self._tally.summary(skipped=skipped, seconds=self._clock() - started)

    def feed(self, work: Entry | Unfinished) -> None:
        """Do one more, in a batch that is kept open. Any thread."""
        self._messages.put(Fed(work))

    def end(self) -> None:
        """Let a batch that is kept open end with what it was fed. Any thread."""
        self._messages.put(End())

    def take_back(self, destinations: Collection[Path]) -> None:
        """Make these no more, begun or not, unless they are there: a person says so. Any thread."""
        self._messages.put(TakeBack(tuple(destinations)))

    def stop(self) -> None:
        """Begin nothing more; let what runs finish, and commit it.

        Returns at once. May be called from a signal handler, at any moment: it takes no lock.
        """
        self._works.stopping = True
        self._messages.put(Stop())

    def _break(self, error: Exception) -> None:
        self._broken = error
        self.stop()

    def _do(self, work: Entry | Unfinished) -> None:
        if isinstance(work, Entry):
            self._read(work)
        else:
            self._finish(work)

    def _read(self, entry: Entry) -> None:
        self._works.want(entry.destination)
        self._open += 1
        self._reader.read(entry)

    def _recover(self) -> None:
        """Say what cannot be read, and finish what a dead owner left."""
        for refused in self._plan.refused:
            self._report(PictureFailed(refused.path, refused.code, refused.reason))
        for temp in self._plan.stale:
            self._disk.remove(temp)
        for unfinished in self._plan.unfinished:
            self._finish(unfinished)

    def _finish(self, unfinished: Unfinished) -> None:
        """Finish a commit that was cut off, or do its entry anew."""
        entry, row = unfinished.entry, unfinished.row
        if not finish(row, disk=self._disk, record=self._ledger, replace=entry.replace):
            self._read(entry)
            return
        size = entry.picture.identity.size
        self._report(
            PictureDone(
                source=row.source, destination=row.destination, bytes_in=size, node=row.node
            )
        )

    def _next_messages(self) -> list[Message]:
        messages = [self._messages.get()]
        try:
            while len(messages) < GROUP:
                messages.append(self._messages.get_nowait())
        except Empty:
            pass
        return messages

    def _take(self, messages: list[Message]) -> None:
        group = Group()
        for message in messages:
            self._sort(message, group)
        for by_person, left in ((False, group.cancelled), (True, group.taken_back)):
            if left:
                destinations = [pending.entry.destination for pending in left]
                self._ledger.cancelled(destinations, by_person=by_person)
        if group.unchanged:
            self._ledger.known([row for _, row in group.unchanged])
        failed = self._committer.commit(group.commits, group.failed)
        self._conclude(group, {one.destination: one for one in failed})
        for ended, taken in group.ended:
            self._close(ended, taken)
        # Only now: read sooner, one could join the very work whose outcome sent it back.
        for pending in group.again:
            self._reader.read_again(pending)

    def _conclude(self, group: Group, failed: dict[Path, Failed]) -> None:
        for commit in group.commits:
            if commit.destination not in failed:
                self._report(_done(group.pending[commit.destination], commit))
        for destination, one in failed.items():
            source = group.pending[destination].entry.picture.source.path
            self._report(PictureFailed(source, one.code, one.reason, one.node, one.attempts))
        for pending in group.cancelled:
            self._report(PictureCancelled(pending.entry.picture.source.path))
        for pending in group.taken_back:
            self._report(PictureCancelled(pending.entry.picture.source.path, by_person=True))
        for pending, row in group.unchanged:
            source = pending.entry.picture.source.path
            self._report(PictureUnchanged(source, row.destination))
        ended = (group.pending, group.cancelled, group.taken_back, group.unchanged)
        self._open -= sum(map(len, ended))

    def _sort(self, message: Message, group: Group) -> None:
        match message:
            case PictureSubmitted():
                self._report(message)
            case Ended(work, outcome):
                waiting = self._works.waiting(work)
                group.ended.append((message, len(waiting)))
                self._sort_outcome(outcome, waiting, group)
            case Copy(pending=pending) if self._works.is_unwanted(pending):
                message.content.close()
                group.taken_back.append(pending)
            case Copy(pending=pending):
                group.commit(pending, self._copied(message))
            case Condemned(pending, code, reason):
                group.fail(pending, code, reason)
            case Unchanged(pending, row):
                group.unchanged.append((pending, row))
            case Left(pending):
                unwanted = self._works.is_unwanted(pending)
                (group.taken_back if unwanted else group.cancelled).append(pending)
            case Fed() | TakeBack() | End() | Stop():
                self._obey(message)
            case _:
                assert_never(message)

    def _obey(self, message: Fed | TakeBack | End | Stop) -> None:
        match message:
            case Fed(work):
                self._do(work)
            case TakeBack(destinations):
                jobs = self._works.take_back(destinations)
                self._taken_back.update(jobs)
                self._cancel(jobs, only_unstarted=False)
            case _:
                self._kept_open = False
                if isinstance(message, Stop):
                    self._cancel_all()

    def _sort_outcome(self, outcome: Outcome, waiting: list[Pending], group: Group) -> None:
        wanted = [pending for pending in waiting if not self._works.is_unwanted(pending)]
        group.taken_back += [pending for pending in waiting if self._works.is_unwanted(pending)]
        match outcome:
            case Result():
                for pending in wanted:
                    group.commit(pending, self._commit(pending, outcome))
            case Failure():
                for pending in wanted:
                    _sort_failure(outcome, pending, group)
            case Cancelled():
                # Who joined a job as it was taken back from others still wants it.
                joined = outcome.job in self._taken_back and not self._works.stopping
                (group.again if joined else group.cancelled).extend(wanted)
            case _:
                assert_never(outcome)

    def _commit(self, pending: Pending, result: Result) -> Commit:
        return Commit(
            destination=pending.entry.destination,
            temp=pending.temp,
            job=result.job,
            content=result.content,
            digest=result.digest,
            node=result.node,
            attempts=result.attempts,
            seconds=result.seconds,
            replace=self._may_replace(pending.entry),
            modified_ns=self._modified_ns(pending),
        )

    def _copied(self, copy: Copy) -> Commit:
        assert copy.made.result is not None  # noqa: S101  # the file was checked against it
        return Commit(
            destination=copy.pending.entry.destination,
            temp=copy.pending.temp,
            job=copy.job,
            content=copy.content,
            digest=copy.made.result,
            node=copy.made.node,
            attempts=0,
            seconds=0.0,
            replace=self._may_replace(copy.pending.entry),
            modified_ns=self._modified_ns(copy.pending),
        )

    def _may_replace(self, entry: Entry) -> bool:
        """Tell whether what is there may go: by request, or because it is our own, as it was."""
        before = entry.before
        return entry.replace or (
            before is not None
            and before.result is not None
            and self._disk.digest(entry.destination) == before.result
        )

    def _modified_ns(self, pending: Pending) -> int | None:
        return pending.identity.mtime_ns if self._keep_times else None

    def _close(self, ended: Ended, taken: int) -> None:
        """End a work whose outcome is recorded, unless a copy joined it meanwhile."""
        outcome = ended.outcome
        if isinstance(outcome, Failure) and not self._is_endless:
            self._reader.has_failed(outcome)
        if not self._works.end(ended.work, taken):
            self._messages.put(ended)
            return
        self._taken_back.discard(outcome.job)
        if isinstance(outcome, Result):
            self._backlog.remove(outcome.content.size)
            outcome.content.close()

    def _report(self, event: BatchEvent) -> None:
        if not self._is_endless:
            self._tally.add(event)
        self._on_event(event)

    def _cancel_all(self) -> None:
        self._backlog.lift()
        self._cancel(self._works.jobs(), only_unstarted=True)

    def _end(self) -> None:
        self._works.stopping = True
        if self._open:  # an exception is on its way: free a reader that waits
            self._cancel_all()
        self._reader.end()


def _sort_failure(failure: Failure, pending: Pending, group: Group) -> None:
    if failure.code == SOURCE_CHANGED and pending.readings < READ_AGAIN:
        group.again.append(pending)
        return
    group.fail(pending, failure.code, failure.reason, node=failure.node, attempts=failure.attempts)


def _done(pending: Pending, commit: Commit) -> PictureDone:
    return PictureDone(
        source=pending.entry.picture.source.path,
        destination=commit.destination,
        megapixels=pending.megapixels,
        bytes_in=pending.identity.size,
        bytes_out=commit.content.size,
        seconds=commit.seconds,
        node=commit.node,
        attempts=commit.attempts,
    )
