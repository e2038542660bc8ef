"""An owner's session with the mesh: one thread that talks, and tells the others outcomes.

Any thread submits, cancels and closes contents; the session's own thread alone touches
sockets and the table. Memory is bounded: ``submit`` waits while too many jobs have no
outcome, and results are fetched only while those not yet closed leave room.
"""

import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from msgspec import structs

from ...broker import lifetime
from ...broker.history import Note as History
from ...broker.history import ignore
from ...broker.leases import BEAT
from ...broker.messages import (
    FORMAT_OF,
    INLINE_BYTES,
    MOST_FOLDERS,
    WEIGHTS_OF,
    Bye,
    Chunk,
    Error,
    FolderItem,
    Get,
    Note,
    Result,
    State,
    TaskItem,
    Window,
)
from ...broker.wire import Buffer
from ..errors import MeshUnreachable, PixmeshError, SourceChanged
from ..net.chunks import Gone, Key, Sender
from ..net.connection import Connection, Heard
from ..net.refusals import error_of
from ..net.waiting import Waiting
from .arrivals import Arrivals
from .job import Deliver, Job, JobId, Outcome, Source
from .names import as_unicode, fitted
from .offered import Offered
from .table import Place, Table
from .tokens import Tokens

log = logging.getLogger(__name__)

MOST_JOBS = 1024
ROOM_AGAIN = MOST_JOBS * 3 // 4
NAME_LETTERS = 128
LONGEST_WAIT_MS = 250
SETTLE_WAIT_MS = 20

Request = Callable[[], None]


class Closed(PixmeshError):
    """The session was closed."""


class Session:
    """One owner's place in a mesh."""

    def __init__(
        self,
        *,
        connect: Callable[[float], Connection],
        spool: Path,
        check: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        note: History = ignore,
    ) -> None:
        self._clock = clock
        self._check = check
        self._hear: Callable[[Note], None] = lambda _note: None
        self._wake = lifetime.Wake()
        self._connection = connect(clock())
        self._waiting = Waiting(self._connection, self._wake.fileno)
        self._table = Table(note, self._deliver)
        self._arrivals = Arrivals(self._table, self._connection, spool, self._wake_up)
        self._sender = Sender(self._connection, self._read)
        self._sources: dict[bytes, Job] = {}
        self._tokens = Tokens()
        self._offered = Offered(self._tokens)
        self._requests: deque[Request] = deque()
        self._lock = threading.RLock()  # a generator may be collected, and cancel, within
        self._room = threading.Condition(self._lock)
        self._open_jobs = 0
        self._ended_jobs = 0
        self._closing = False
        self._gone = False
        self._welcomed = threading.Event()
        self._broken: PixmeshError | None = None
        self._session: object = None
        self._folders: tuple[FolderItem, ...] = ()
        self._beat_at = float("-inf")
        self._thread = threading.Thread(target=self._serve, name="pixmesh-owner", daemon=True)
        self._thread.start()

    # ---- any thread -----------------------------------------------------------------

    def wait_until_welcome(self, patience: float) -> None:
        """Return when the broker has taken this owner in.

        Raises MeshUnreachable when it does not in ``patience`` seconds, and what broke the
        session if something did.
        """
        if not self._welcomed.wait(patience):
            raise MeshUnreachable(
                f"no broker answers at {self._connection.address} (tried for {patience:.0f} s)",
                remedy="start one with 'pixmesh broker', or add --local to run here",
            )
        if self._broken is not None:
            raise self._broken

    @property
    def name(self) -> str:
        """Return what the mesh calls this owner."""
        return self._connection.name

    @property
    def trouble(self) -> PixmeshError | None:
        """Return what broke the session, if something did."""
        return self._broken

    def submit(
        self, job: Job, deliver: Deliver, *, label: str = "", references: Sequence[Source] = ()
    ) -> None:
        """Ask the mesh for a job; waits while too many have no outcome.

        ``references`` are what its recipe takes beside its own picture.
        ``deliver`` is called with the outcome: a future for each would take a third of the
        owner's time. Raises OSError and SourceChanged when the source cannot be read,
        Closed after ``close``.
        """
        size, _ = job.source.size, job.source.digest  # read here, not by the session's thread
        inline = job.source.read(0, size) if size <= INLINE_BYTES else None
        needs = (*_needs(job.recipe), *job.needs)
        request = functools.partial(self._add, job, inline, needs, label, references, deliver)
        with self._lock:
            while self._open_jobs >= MOST_JOBS and not self._closing and not self._is_own_thread():
                self._room.wait()
            if self._closing or self._gone:
                raise self._broken or Closed("the mesh was closed")
            self._open_jobs += 1
            first = self._line_up(request)
        if first:
            self._wake_up()

    def _is_own_thread(self) -> bool:
        """Whether one who was told an outcome calls: nobody else could make it room."""
        return threading.current_thread() is self._thread

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take jobs back; who waits for them is told what came of it."""
        chosen = tuple(jobs)
        with self._lock:
            first = not self._gone and self._line_up(
                lambda: self._table.cancel(chosen, only_unstarted=only_unstarted)
            )
        if first:
            self._wake_up()

    def report(self, folders: Sequence[FolderItem]) -> None:
        """Have the mesh show how far watched folders are; told with each heartbeat."""
        self._folders = tuple(map(_fitted, folders[:MOST_FOLDERS]))

    def listen(self, hear: Callable[[Note], None]) -> None:
        """Have somebody told all that the broker notes; called by the session's own thread."""
        self._hear = hear

    def close(self) -> None:
        """Leave the mesh: what has no outcome is cancelled. May be called twice."""
        with self._room:
            self._closing = True
            self._room.notify_all()
        self._wake_up()
        if not self._is_own_thread():
            self._thread.join()

    def _line_up(self, request: Request) -> bool:
        """Have the session's thread do something; return whether it is to be woken for it."""
        self._requests.append(request)
        return len(self._requests) == 1

    def _wake_up(self) -> None:
        if not self._is_own_thread() and self._thread.is_alive():
            self._wake.call(b"")

    # ---- the session's thread -------------------------------------------------------

    def _serve(self) -> None:
        try:
            while not self._closing:
                ready = self._waiting.wait(self._wait_ms(), writing=self._sender.waiting)
                if self._wake.fileno in ready:
                    self._wake.reasons()
                self._turn(self._clock(), ready)
        except PixmeshError as error:
            self._broken = error
        except Exception as error:
            log.exception("the owner's session broke")
            self._broken = PixmeshError(f"the owner's session broke: {error!r}")
        finally:
            self._end()

    def _wait_ms(self) -> int:
        if self._arrivals.pressing:
            return 0
        return SETTLE_WAIT_MS if self._table.settling else LONGEST_WAIT_MS

    def _end(self) -> None:
        """Leave, whatever ended the session: everybody who waits is told an outcome."""
        with self._room:
            self._closing = self._gone = True
            self._room.notify_all()
        try:
            self._run_requests()
            for settled in self._table.settles():
                self._connection.send(settled)
            self._connection.send(Bye())
        finally:
            self._table.abandon()
            self._arrivals.abandon()
            self._connection.close()
            self._wake.close()
            self._welcomed.set()

    def _turn(self, now: float, ready: Collection[object]) -> None:
        """Do what is due, and nothing else: for a lone task each look costs some 5 us."""
        self._run_requests()
        for one in self._connection.receive(now, ready):
            self._heard(one, now)
        self._keep_session(now)
        self._arrivals.tick(now)
        if self._sender.waiting:
            self._sender.pump()
        if self._connection.welcome is not None:
            for message in self._table.says(now):
                self._connection.send(message)
        if self._ended_jobs:
            self._make_room()

    def _run_requests(self) -> None:
        self._arrivals.let_go()
        while self._requests:
            self._requests.popleft()()

    def _add(  # noqa: PLR0917  # as `submit` binds them
        self,
        job: Job,
        inline: bytes | None,
        needs: tuple[str, ...],
        label: str,
        references: Sequence[Source],
        deliver: Deliver,
    ) -> None:
        item = _task_item(job, self._tokens.next(), inline)
        besides = self._offered.take(job.id, references) if references else ()
        batch = self._table.batch(job.recipe, job.output, label, needs, besides)
        if item.inline is None:
            known = self._table.entries.get(job.id)
            if known is None or known.place is Place.HAD:
                self._sources[item.token] = job
        self._table.add(job, item, batch, deliver)

    def _deliver(self, item: TaskItem, deliver: Deliver, outcome: Outcome) -> None:
        if item.inline is None:
            self._sources.pop(item.token, None)
        self._offered.ended(outcome.job)
        self._ended_jobs += 1
        try:
            deliver(outcome)
        except Exception:  # the edge: one who waits must not end all the others' mesh
            log.exception("who waited for job %s failed", outcome.job.hex())

    def _make_room(self) -> None:
        """Let in as many jobs as have ended this turn."""
        ended, self._ended_jobs = self._ended_jobs, 0
        with self._lock:
            before = self._open_jobs
            self._open_jobs -= ended
            # Room for many at once: a submitter woken for each job costs more than the job.
            if self._open_jobs <= ROOM_AGAIN < before:
                self._room.notify_all()

    # ---- the broker -----------------------------------------------------------------

    def _keep_session(self, now: float) -> None:
        self._connection.tick(now)
        refusal, welcome = self._connection.refusal, self._connection.welcome
        if refusal is not None:
            self._broken = error_of(refusal, self._connection.address)
            self._closing = True
            return
        if welcome is not self._session:
            self._session = welcome
            if welcome is not None:
                self._table.session_began()
                self._welcomed.set()
        if now - self._beat_at >= BEAT:
            self._beat_at = now
            self._check()
            if welcome is not None:
                state = State(folders=self._folders, unwritten=self._arrivals.unwritten)
                self._connection.send(state)

    def _heard(self, heard: Heard, now: float) -> None:
        match heard.message:
            case Result(ends):
                for end in ends:
                    self._arrivals.ended(end, now)
            case Window():
                self._table.windowed(heard.message, now)
            case Chunk() if heard.payload is not None:
                self._arrivals.receiver.take(heard.source, heard.message, heard.payload, now)
            case Get() if heard.source is not None:
                self._sender.serving.grant(heard.source, heard.message)
            case Error(code="gone"):
                self._arrivals.receiver.refused(heard.source, heard.message)
            case Note():
                self._table.noted(heard.message)
                self._hear(heard.message)
            case Error():
                log.warning("%s", heard.message.text)
            case _:
                pass

    # ---- pixels go out --------------------------------------------------------------

    def _read(self, key: Key, offset: int, length: int) -> Buffer:
        token, attempt = key
        job = self._sources.get(token)
        besides = self._offered.find(token)
        if besides is not None and not attempt and offset < besides.size:
            return besides.read(offset, min(length, besides.size - offset))
        if job is None or attempt or offset >= job.source.size:
            raise Gone("no such pixels are offered here")
        try:
            return job.source.read(offset, min(length, job.source.size - offset))
        except SourceChanged as error:
            self._source_changed(job)
            raise Gone(str(error)) from None

    def _source_changed(self, job: Job) -> None:
        """End a job whose picture is no longer what was digested."""
        self._table.fail(job.id, "source-changed", f"{job.name} changed while it was read")


def _task_item(job: Job, token: bytes, inline: bytes | None) -> TaskItem:
    return TaskItem(
        id=job.id,
        token=token,
        size=job.source.size,
        digest=job.source.digest,
        seconds=job.seconds,
        memory=job.memory,
        inline=inline,
        name=as_unicode(job.name)[-NAME_LETTERS:],
    )


def _fitted(folder: FolderItem) -> FolderItem:
    """Keep the ends of texts that are too long for the wire."""
    return structs.replace(
        folder,
        source=fitted(folder.source),
        out=fitted(folder.out),
        paused=fitted(folder.paused),
    )


@functools.lru_cache(maxsize=256)
def _needs(recipe: str) -> tuple[str, ...]:
    """Return what a node must have for a canonical recipe: operations, weights, formats."""
    if not recipe:
        return ()
    from ...ops import raw
    from ...ops.recipe import parse

    read = parse(recipe)
    operations = dict.fromkeys(step.operation.name for step in read.steps)
    models = (f"{WEIGHTS_OF}{model}" for model in read.weights())
    formats = {f"{FORMAT_OF}{raw.FORMAT}" for one in read.references() if one.is_raw}
    return (*operations, *models, *formats)
