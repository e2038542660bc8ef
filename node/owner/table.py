"""The owner's jobs: what is asked of the mesh, and the one outcome each job gets. Pure.

    WAITING --SUBMIT--> ASKED --RESULT--> FETCHING --all bytes, digest right--> HAD --> settled
       ^                  |  failed, cancelled ------------------------------->  |
       +---- no-session, result lost or corrupted ----+

This table is what makes outcomes exactly once: whatever comes twice, late, or from two
nodes, the first valid one is the outcome and the rest is settled away.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum

from msgspec import Struct, structs

from ...broker.history import Note as History
from ...broker.history import ignore
from ...broker.messages import (
    Drop,
    End,
    EndItem,
    Note,
    ReferenceItem,
    Settled,
    Submit,
    TaskItem,
    Window,
)
from ...broker.outgoing import id_pages, task_pages
from .job import Cancelled, Deliver, Failure, Job, JobId, Outcome
from .names import as_unicode

FIRST_WINDOW = 256
FIRST_WINDOW_BYTES = 4 * 1024**2
RESEND_AFTER = 2.0
MOST_FETCHES = 5
TASK_ID_PAGE = 8192
SETTLE_WITHIN = 0.02
SETTLE_TOGETHER = 64


class Place(Enum):
    """Where a job is."""

    WAITING = "waiting"
    ASKED = "asked"
    FETCHING = "fetching"
    HAD = "had"


# By bare names where each job comes by: to look a member up in its class takes 60 ns, not 2.
WAITING, ASKED, FETCHING, HAD = Place
DONE = End.DONE


class Entry(Struct, eq=False):  # made by the thousand: in C
    """One job, and who waits for its outcome.

    ``deliver`` is called once, with the outcome. ``end`` is the attempt's end that was
    taken, from RESULT on. ``last`` is the node last seen at work on it,
    ``refused`` are attempts whose result could not be had.
    """

    job: Job
    item: TaskItem
    batch: int
    deliver: list[Deliver]
    place: Place = Place.WAITING
    end: EndItem | None = None
    last: bytes | None = None
    refused: frozenset[int] = frozenset()
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What the jobs of one batch share."""

    number: int
    recipe: str
    output: str
    needs: tuple[str, ...]
    label: str
    references: tuple[ReferenceItem, ...] = ()
    priority: int = 0


def _told(_item: TaskItem, deliver: Deliver, outcome: Outcome) -> None:
    deliver(outcome)


@dataclass(slots=True)
class Table:
    """Every job of one owner that is not settled.

    ``tell`` gives an outcome to one who waits for it.
    """

    note: History = ignore
    tell: Callable[[TaskItem, Deliver, Outcome], None] = _told
    entries: dict[JobId, Entry] = field(default_factory=dict)
    batches: dict[tuple[str, str, str, tuple[str, ...]], Batch] = field(default_factory=dict)
    window: int = FIRST_WINDOW
    window_bytes: int = FIRST_WINDOW_BYTES
    _waiting: deque[Entry] = field(default_factory=deque)
    _outstanding: int = 0
    _outstanding_bytes: int = 0
    _settled: list[int] = field(default_factory=list)
    _settled_jobs: set[bytes] = field(default_factory=set)
    _asked_again: bool = False
    _dropped: list[tuple[bytes, bool]] = field(default_factory=list)
    _seq: int = 0
    _confirmed: int = -1
    _confirmed_at: float = float("-inf")
    _settle_at: float = float("-inf")
    _restart: bool = True

    # ---- jobs come in ---------------------------------------------------------------

    def add(self, job: Job, item: TaskItem, batch: Batch, deliver: Deliver) -> None:
        """Take in a job; one that is under way already gets one more who waits for it."""
        known = self.entries.get(job.id)
        if known is not None and known.place is not Place.HAD:
            known.deliver.append(deliver)
            return
        if known is not None:
            self.settle(job.id)
        # The broker must have seen a job settled before it is asked the same job anew.
        if job.id in self._settled_jobs:
            self._asked_again = True
        entry = Entry(job, item, batch.number, [deliver])
        self.entries[job.id] = entry
        if self.note is not ignore:
            self.note("asked", job=job.id, name=as_unicode(job.name))
        self._waiting.append(entry)

    def batch(
        self,
        recipe: str,
        output: str,
        label: str,
        needs: tuple[str, ...],
        references: tuple[ReferenceItem, ...] = (),
    ) -> Batch:
        """Return the batch of all that, a new one if need be."""
        key = (recipe, output, label, needs)
        batch = self.batches.get(key)
        if batch is None:
            number = len(self.batches) + 1
            batch = self.batches[key] = Batch(number, recipe, output, needs, label, references)
        return batch

    # ---- to the broker --------------------------------------------------------------

    def says(self, now: float) -> Iterator[Submit | Drop | Settled]:
        """Yield what is to be said now. SETTLEDs wait a little, to go together.

        On the way of each SUBMIT they would cost a lone task 0.2 of 1.3 ms.
        """
        if self._settled and (self._asked_again or now >= self._settle_at or self._settle_many):
            self._settle_at = now + SETTLE_WITHIN
            yield from self.settles()
        if self._dropped:
            yield from self._drops()
        if self._waiting:
            yield from self._submits()

    def settles(self) -> Iterator[Settled]:
        """Yield the SETTLEDs that wait."""
        settled, self._settled = self._settled, []
        self._settled_jobs.clear()
        self._asked_again = False
        for page in id_pages(settled):
            yield Settled(page)

    @property
    def settling(self) -> bool:
        """Whether SETTLEDs wait to be said."""
        return bool(self._settled)

    @property
    def _settle_many(self) -> bool:
        return len(self._settled) >= SETTLE_TOGETHER

    def _drops(self) -> Iterator[Drop]:
        for unstarted in (True, False):
            tasks = [task for task, kind in self._dropped if kind is unstarted]
            for start in range(0, len(tasks), TASK_ID_PAGE):
                yield Drop(tasks=tuple(tasks[start : start + TASK_ID_PAGE]), unstarted=unstarted)
        self._dropped = []

    def _submits(self) -> Iterator[Submit]:
        by_batch: dict[int, list[TaskItem]] = {}
        while self._waiting and self._has_room(self._waiting[0]):
            entry = self._waiting.popleft()
            item = entry.item
            if entry.place is WAITING and self.entries.get(entry.job.id) is entry:
                entry.place = ASKED
                self._is_out(entry)
                if entry.last is not None:  # the node last seen at work on it
                    item = structs.replace(item, last=entry.last)
                by_batch.setdefault(entry.batch, []).append(item)
        if not by_batch:
            return
        batches = {batch.number: batch for batch in self.batches.values()}
        for number, items in by_batch.items():
            for page in task_pages(items):
                yield self._submit(batches[number], page)

    def _has_room(self, entry: Entry) -> bool:
        size = len(entry.item.inline or b"")
        return (
            self._outstanding < self.window and self._outstanding_bytes + size <= self.window_bytes
        )

    def _is_out(self, entry: Entry) -> None:
        self._outstanding += 1
        self._outstanding_bytes += len(entry.item.inline or b"")

    def _is_back(self, entry: Entry) -> None:
        self._outstanding -= 1
        self._outstanding_bytes -= len(entry.item.inline or b"")

    def _submit(self, batch: Batch, page: list[TaskItem]) -> Submit:
        self._seq += 1
        restart, self._restart = self._restart, False
        return Submit(
            seq=self._seq,
            batch=batch.number,
            recipe=batch.recipe,
            output=batch.output,
            tasks=tuple(page),
            needs=batch.needs,
            priority=batch.priority,
            label=batch.label,
            restart=restart,
            references=batch.references,
        )

    # ---- from the broker ------------------------------------------------------------

    def session_began(self) -> None:
        """Ask anew for everything that has no end: the broker may know nothing of it."""
        self._restart = True
        asked = [entry for entry in self.entries.values() if entry.place is Place.ASKED]
        for entry in reversed(asked):
            if entry.cancelled:
                self._dropped.append((entry.job.id, False))
                self.settle(entry.job.id)
                self._deliver(entry, Cancelled(job=entry.job.id))
            else:
                self._wait_again(entry)

    def windowed(self, window: Window, now: float) -> None:
        """Take in how much the broker accepts, and whether it misses something."""
        self.window, self.window_bytes = window.tasks, window.bytes
        misses = window.seen < self._seq or window.held < self._outstanding
        if not misses or window.seen != self._confirmed:
            self._confirmed, self._confirmed_at = window.seen, now
        elif now - self._confirmed_at >= RESEND_AFTER:
            self.session_began()

    def noted(self, note: Note) -> None:
        """Take in where tasks are, or that a node is gone: a later broker is told."""
        if note.code == "placed":
            for task in note.tasks:
                entry = self.entries.get(JobId(task))
                if entry is not None:
                    entry.last = note.node
        elif note.code == "lost":
            for entry in self.entries.values():
                if entry.last == note.node:
                    entry.last = None

    def ended(self, end: EndItem) -> Entry | None:
        """Take in an end; return the entry whose result is now to be had."""
        entry = self.entries.get(JobId(end.task))
        if entry is None or entry.place is HAD:
            self._to_settle(end)
            return None
        if end.attempt in entry.refused:
            self._refuse_again(entry, end)
            return None
        if entry.place is FETCHING and entry.end is not None:
            if entry.end.attempt == end.attempt:
                return None
            self._to_settle(entry.end)
        if end.end is DONE:
            return self._to_fetch(entry, end)
        returned = end.end is End.RETURNED
        outcome = Cancelled(job=entry.job.id) if returned else _failure(entry.job, end)
        self._conclude(entry, end, outcome)
        return None

    def _refuse_again(self, entry: Entry, end: EndItem) -> None:
        """The broker was told once more of a result that could not be had: so it may wait."""
        self._to_settle(end)
        if entry.place is Place.ASKED:
            self._dropped.append((entry.job.id, False))
            self._wait_again(entry)

    # ---- results --------------------------------------------------------------------

    def had(self, entry: Entry, outcome: Outcome) -> None:
        """The result is here and right: it is the outcome, until it is settled."""
        entry.place = HAD
        self._deliver(entry, outcome)

    def not_had(self, entry: Entry, why: str) -> None:
        """The result could not be fetched, or is not what was promised: ask anew."""
        if entry.end is not None:
            entry.refused |= {entry.end.attempt}
        if entry.end is not None and len(entry.refused) >= MOST_FETCHES:
            reason = f"its result was lost {len(entry.refused)} times: {why}"
            failure = Failure(
                job=entry.job.id,
                code="result-lost",
                reason=reason,
                node=entry.end.node,
                attempts=entry.end.attempts,
            )
            self._conclude(entry, entry.end, failure)
            return
        self._dropped.append((entry.job.id, False))
        self._wait_again(entry)

    def fail(self, job: JobId, code: str, reason: str) -> None:
        """End a job that this owner itself cannot go on with."""
        entry = self.entries.get(job)
        if entry is None or entry.place in (Place.FETCHING, Place.HAD):
            return
        if entry.place is Place.ASKED:
            self._dropped.append((job, False))
        self.settle(job)
        self._deliver(
            entry, Failure(job=entry.job.id, code=code, reason=reason, node="", attempts=0)
        )

    def settle(self, job: JobId) -> None:
        """Nobody needs the result any more: the mesh may forget it."""
        entry = self.entries.pop(job, None)
        if entry is None:
            return
        if entry.place is not WAITING:
            self._is_back(entry)
        if entry.end is not None:
            self._to_settle(entry.end)

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take jobs back: those not asked for at once, others as the mesh allows."""
        for job in jobs:
            entry = self.entries.get(job)
            if entry is None or entry.place in (Place.FETCHING, Place.HAD):
                continue
            if entry.place is Place.ASKED:
                entry.cancelled = True
                self._dropped.append((job, only_unstarted))
            if entry.place is Place.WAITING or not only_unstarted:
                self.settle(job)
                self._deliver(entry, Cancelled(job=entry.job.id))

    def abandon(self) -> None:
        """The owner leaves: everything without an outcome is cancelled."""
        for entry in list(self.entries.values()):
            if entry.place is not Place.HAD:
                self._deliver(entry, Cancelled(job=entry.job.id))
        self.entries.clear()

    # ---- inside ---------------------------------------------------------------------

    def _to_fetch(self, entry: Entry, end: EndItem) -> Entry:
        if entry.place is WAITING:
            self._is_out(entry)
        entry.place, entry.end = FETCHING, end
        return entry

    def _conclude(self, entry: Entry, end: EndItem, outcome: Outcome) -> None:
        entry.end = end
        self.settle(entry.job.id)
        self._deliver(entry, outcome)

    def _to_settle(self, end: EndItem) -> None:
        self._settled.append(end.attempt)
        self._settled_jobs.add(end.task)

    def _wait_again(self, entry: Entry) -> None:
        self._asked_again = True
        entry.place, entry.end = Place.WAITING, None
        self._is_back(entry)
        self._waiting.appendleft(entry)

    def _deliver(self, entry: Entry, outcome: Outcome) -> None:
        if self.note is not ignore:
            digest, code = getattr(outcome, "digest", None), getattr(outcome, "code", "")
            kind = type(outcome).__name__
            self.note("outcome", job=entry.job.id, kind=kind, digest=digest, code=code)
        waiting, entry.deliver = entry.deliver, []
        for deliver in waiting:
            self.tell(entry.item, deliver, outcome)


def _failure(job: Job, end: EndItem) -> Failure:
    return Failure(
        job=job.id, code=end.code, reason=end.reason, node=end.node, attempts=end.attempts
    )
