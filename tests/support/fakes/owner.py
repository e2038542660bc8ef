"""An owner on a virtual clock: the real table and transfers, and every outcome it was told."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

from pixmesh.broker.history import Note as History
from pixmesh.broker.history import ignore
from pixmesh.broker.messages import (
    INLINE_BYTES,
    Bye,
    Chunk,
    EndItem,
    Error,
    Get,
    MemberId,
    Note,
    ReferenceItem,
    State,
    TaskItem,
    Window,
)
from pixmesh.broker.messages import Result as ResultMessage
from pixmesh.node.net.chunks import Gone, Key, Receiver, Sender
from pixmesh.node.net.connection import Connection
from pixmesh.node.net.transfer import Fetch
from pixmesh.node.owner.job import Job, JobId, Outcome, Result, job_id
from pixmesh.node.owner.table import Entry, Place, Table
from pixmesh.ops.digest import digest_of
from pixmesh.tests.support.clock import Clock

from .desk import Desk
from .lossy import Crash
from .member import FakeMember
from .net import Letter, Net
from .node import Nowhere

MOST_FETCHES = 16


@dataclass(frozen=True, slots=True)
class FakePixels:
    """A picture of so many bytes that nobody looks at."""

    size: int
    digest: bytes = bytes(32)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(min(length, max(0, self.size - offset)))


@dataclass(frozen=True, slots=True)
class FakeResult:
    """A result: its job's id, said to be of so many bytes."""

    size: int
    data: bytes = b""

    def bytes(self) -> bytes:
        return self.data

    def write_to(self, file: BinaryIO) -> None:
        file.write(self.data)

    def close(self) -> None:
        """Let nothing go."""


def make_job(
    number: int,
    *,
    size: int = 100,
    recipe: str = "blur",
    seconds: float = 0.01,
    memory: int = 1,
    salt: str = "",
) -> Job:
    digest = digest_of(f"{salt}{number}".encode())
    return Job(
        id=job_id(digest=digest, recipe=recipe, output=""),
        name=f"picture {number}",
        source=FakePixels(size, digest),
        recipe=recipe,
        output="",
        seconds=seconds,
        memory=memory,
    )


class FakeOwner(FakeMember):
    """One life of an owner. ``outcomes`` collects all that each job was told.

    With a ``desk`` results become files, and a job is settled when the ledger says so;
    ``ended`` is called when its machine ends in the middle of that. It ``withholds`` references
    so often before it gives one.
    """

    role = "owner"

    def __init__(
        self,
        name: str,
        net: Net,
        *,
        boot: int = 1,
        desk: Desk | None = None,
        note: History = ignore,
        ended: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
        key: str = "",
    ) -> None:
        self.table = Table(note)
        self.desk = desk
        self._ended_at_desk = ended
        self._to_record: list[Outcome] = []
        way = cast(Connection, self)
        self.receiver = Receiver(way, self._fetched, self._unfetchable)
        self.sender = Sender(way, self._read)
        self.outcomes: dict[JobId, list[Outcome]] = {}
        self.notes: list[Note] = []
        self._sources: dict[bytes, Job] = {}
        self._references: dict[bytes, int] = {}
        self.withholds = 0
        self._wanted: deque[Entry] = deque()
        self._arriving: dict[Key, Entry] = {}
        super().__init__(name, net, boot=boot, clock=clock, key=key)

    # ---- from outside ---------------------------------------------------------------

    def submit(
        self, jobs: list[Job], *, label: str = "", references: tuple[ReferenceItem, ...] = ()
    ) -> None:
        try:
            self._references |= {one.token: one.size for one in references}
            asked = self.desk.begin(jobs) if self.desk is not None else jobs
        except Crash:
            self._end()
            return
        for job in asked:
            item = self._item(job)
            self._sources[item.token] = job
            batch = self.table.batch(job.recipe, job.output, label, (job.recipe,), references)
            self.table.add(job, item, batch, self._told)
        self.turn()

    def cancel(self, jobs: list[Job], *, only_unstarted: bool) -> None:
        self.table.cancel([job.id for job in jobs], only_unstarted=only_unstarted)
        self.turn()

    def leave(self) -> None:
        """Go away in good order."""
        self.say(Bye())
        self.alive = False
        self.clock.after(0.1, lambda: self.net.remove(self))

    @property
    def done(self) -> bool:
        """Whether every job has its outcome, and nothing is left to say."""
        return not self.table.entries and not self._arriving

    def _item(self, job: Job) -> TaskItem:
        token = digest_of(job.id + self.boot)[:16]
        size = job.source.size
        inline = bytes(size) if size <= INLINE_BYTES else None
        return TaskItem(job.id, token, size, job.source.digest, job.seconds, job.memory, inline)

    def _told(self, outcome: Outcome) -> None:
        self.outcomes.setdefault(outcome.job, []).append(outcome)
        self._to_record.append(outcome)

    # ---- the session ----------------------------------------------------------------

    def session_began(self, broker: bytes) -> None:
        self.table.session_began()

    def heard(self, letter: Letter) -> None:
        now = self.clock.now
        match letter.message:
            case ResultMessage(ends):
                for end in ends:
                    self._ended(end)
            case Window():
                self.table.windowed(letter.message, now)
            case Chunk() if letter.payload is not None:
                self.receiver.take(letter.sender.id, letter.message, letter.payload, now)
            case Get():
                self.sender.serving.grant(letter.sender.id, letter.message)
            case Error(code="gone"):
                self.receiver.refused(letter.sender.id, letter.message)
            case Note():
                self.table.noted(letter.message)
                self.notes.append(letter.message)
            case _:
                pass

    def beat(self) -> None:
        self.say(State())

    def turn(self) -> None:
        self.receiver.tick(self.clock.now)
        self._begin_fetches()
        self._record()
        self.sender.pump()
        if self.welcomed and self.alive:
            for message in self.table.says(self.clock.now):
                self.say(message)

    # ---- at the desk ----------------------------------------------------------------

    def _record(self) -> None:
        """Make outcomes files and rows; only then are their jobs settled."""
        outcomes, self._to_record = self._to_record, []
        if self.desk is not None and outcomes:
            try:
                self.desk.record(outcomes)
            except Crash:
                self._end()
                return
        for one in outcomes:
            if isinstance(one, Result):
                self.table.settle(one.job)

    def _end(self) -> None:
        """The machine ends here, or this process of it."""
        self.die()
        self._ended_at_desk()

    # ---- results, as the session takes them -----------------------------------------

    def _ended(self, end: EndItem) -> None:
        before = self.table.entries.get(JobId(end.task))
        stale = before.end if before is not None else None
        entry = self.table.ended(end)
        if entry is None:
            return
        if stale is not None:
            key = (entry.item.token, stale.attempt)
            self.receiver.cancel(key)
            self._arriving.pop(key, None)
        self._wanted.append(entry)

    def _begin_fetches(self) -> None:
        while self._wanted and len(self._arriving) < MOST_FETCHES:
            entry = self._wanted.popleft()
            end = entry.end
            if entry.place is not Place.FETCHING or end is None:
                continue
            key = (entry.item.token, end.attempt)
            self._arriving[key] = entry
            if end.inline is not None:
                self._fetched(key)
                continue
            fetch = Fetch(token=key[0], attempt=key[1], size=end.size, heard=self.clock.now)
            self.receiver.fetch(MemberId(end.holder or b""), fetch, Nowhere(), self.clock.now)

    def _fetched(self, key: Key) -> None:
        entry = self._arriving.pop(key)
        end = entry.end
        if end is None or end.attempt != key[1]:
            return
        if end.digest != digest_of(entry.job.id):
            self.table.not_had(entry, "its digest is not what the node promised")
            return
        self.table.had(entry, _result(entry.job, end))

    def _unfetchable(self, key: Key, why: str) -> None:
        entry = self._arriving.pop(key)
        if entry.place is Place.FETCHING and entry.end is not None and entry.end.attempt == key[1]:
            self.table.not_had(entry, why)

    def _read(self, key: Key, offset: int, length: int) -> bytes:
        token, attempt = key
        if token in self._references and not attempt:
            return self._besides(token, offset, length)
        job = self._sources.get(token)
        if job is None or attempt:
            raise Gone("no such pixels are offered here")
        return job.source.read(offset, length)

    def _besides(self, token: bytes, offset: int, length: int) -> bytes:
        if self.withholds > 0:
            self.withholds -= 1
            raise Gone("it is withheld")
        return bytes(min(length, max(0, self._references[token] - offset)))


def _result(job: Job, end: EndItem) -> Result:
    return Result(
        job=job.id,
        content=FakeResult(end.size, job.id),
        digest=end.digest or b"",
        format=end.format,
        node=end.node,
        attempts=end.attempts,
        seconds=end.seconds,
    )
