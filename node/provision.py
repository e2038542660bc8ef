"""Weights that a node has, lends to other nodes, and fetches when the broker sends for them.

    Ask "weights" --> fetched by a thread: from the member that has them, else from the web
                      --verified--> here: the next heartbeat says so

The thread waits where pixels of a transfer come in by the agent's loop; that never waits for it.
What is lent is looked up by a token that is the beginning of the file's SHA-256: whoever is of the
mesh may have it.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from ..broker.messages import Chunk, Error, MemberId
from ..broker.wire import Buffer
from ..ops.weights import WeightsFile
from .errors import PixmeshError
from .net.chunks import Gone, Key, Receiver
from .net.connection import Connection
from .net.transfer import Fetch as Transfer
from .weights import Fetch, Progress, WeightsCache, begun, download

log = logging.getLogger(__name__)

LOOK_AGAIN: Final = 5.0
LAST_PATIENCE: Final = 1.0
ENDS: Final = "the node ends"
TOKEN_BYTES: Final = 16
WEIGHTS: Final = 0
"""The number by which GET asks a node for weights: that of no attempt."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A model whose weights are to be fetched, and who has them; None for nobody of the mesh."""

    model: str
    holder: MemberId | None


@dataclass(slots=True, eq=False)
class _Loan:
    """One file on its way from another member: ``arrived`` when all of it is written."""

    holder: MemberId
    fetch: Transfer
    sink: "_Part"
    arrived: "Future[None]" = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class _Part:
    """The file that grows."""

    file: BinaryIO

    def write(self, offset: int, data: Buffer) -> None:
        """Put bytes at their place."""
        self.file.seek(offset)
        self.file.write(data)


@dataclass(slots=True, eq=False)
class Provision:
    """A node's weights. ``changed`` is called, in the thread, when the heartbeat has news."""

    cache: WeightsCache
    connection: Connection
    changed: Callable[[], None]
    here: frozenset[str] = frozenset()
    pulling: str = ""
    unfetched: str = ""
    _receiver: Receiver = field(init=False)
    _loans: dict[Key, _Loan] = field(default_factory=dict)
    _asked: "queue.SimpleQueue[_Loan]" = field(default_factory=queue.SimpleQueue)
    _errands: "queue.Queue[Errand | None]" = field(default_factory=lambda: queue.Queue(maxsize=1))
    _files: dict[bytes, Path] = field(default_factory=dict)
    _thread: threading.Thread | None = None
    _ending: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._receiver = Receiver(self.connection, self._came, self._failed)

    # ---- the agent's loop -----------------------------------------------------------

    def start(self) -> None:
        """Begin to look what is here."""
        self._thread = threading.Thread(target=self._run, name="provision", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; what is half fetched stays, to go on with."""
        self._ending.set()
        self.tick(0.0)
        for key in tuple(self._loans):
            self._failed(key, ENDS)
        with contextlib.suppress(queue.Full):  # it looks up soon, then
            self._errands.put_nowait(None)
        if self._thread is not None:
            self._thread.join(LAST_PATIENCE)

    def sent_for(self, model: str, holder: MemberId | None) -> None:
        """Have weights fetched, unless others are on their way: the broker asks again."""
        if model in self.cache.table and not self._is_busy:
            self._errands.put_nowait(Errand(model, holder))

    @property
    def _is_busy(self) -> bool:
        return self._errands.full() or bool(self.pulling)

    def tick(self, now: float) -> None:
        """Begin transfers that the thread asks for, and see that none stands still."""
        while not self._asked.empty():
            loan = self._asked.get_nowait()
            loan.fetch.heard = now
            self._loans[loan.fetch.token, loan.fetch.attempt] = loan
            self._receiver.fetch(loan.holder, loan.fetch, loan.sink, now)
        self._receiver.tick(now)

    def take(self, source: MemberId | None, chunk: Chunk, payload: Buffer, now: float) -> None:
        """Take in a chunk, if it is of weights that are on their way."""
        self._receiver.take(source, chunk, payload, now)

    def refused(self, source: MemberId | None, error: Error) -> None:
        """Take in that a member has nothing to send."""
        self._receiver.refused(source, error)

    def read(self, token: bytes, offset: int, length: int) -> bytes:
        """Return a piece of weights that are here. Raises Gone, OSError."""
        path = self._files.get(token)
        if path is None:
            raise Gone("no such weights are kept here")
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def _came(self, key: Key) -> None:
        self._loans.pop(key).arrived.set_result(None)

    def _failed(self, key: Key, why: str) -> None:
        self._loans.pop(key).arrived.set_exception(PixmeshError(why))

    # ---- the thread -----------------------------------------------------------------

    def _run(self) -> None:
        while not self._ending.is_set():
            self._look()
            try:
                errand = self._errands.get(timeout=LOOK_AGAIN)
            except queue.Empty:
                continue
            if errand is not None and not self._ending.is_set():
                self._fetch(errand)

    def _look(self) -> None:
        """See which weights are here: people fetch some too."""
        found = {name: place for name in self.cache.table if (place := self.cache.where(name))}
        self._files = {
            _token(one): place / one.name
            for name, place in found.items()
            for one in self.cache.weights(name).files
        }
        if found.keys() != self.here:
            self.here = frozenset(found)
            self.changed()

    def _fetch(self, errand: Errand) -> None:
        model, unfetched = errand.model, ""
        self.pulling = model
        self.changed()
        for way in self._ways(errand.holder):
            try:
                self.cache.pull(model, self._progress(model), way)
            except PixmeshError as error:
                unfetched = f"{model}: {error.what}"[:1000]
                log.warning("%s", unfetched)
            else:
                log.info("%s is fetched", model)
                unfetched = ""
                break
        self.pulling, self.unfetched = "", unfetched
        self.changed()

    def _ways(self, holder: MemberId | None) -> Iterator[Fetch]:
        if holder is not None:
            yield lambda one, part, tell: self._borrow(holder, one, part, tell)
        yield download

    def _progress(self, model: str) -> Progress:
        sizes = {one.name: one.size for one in self.cache.weights(model).files}
        came: dict[str, int] = {}

        def tell(name: str, here: int, _size: int) -> None:
            if self._ending.is_set():
                raise PixmeshError(ENDS)
            came[name] = here
            tenths = 10 * sum(came.values()) // sum(sizes.values())
            self.pulling = f"{model}, {10 * tenths}%"

        return tell

    def _borrow(self, holder: MemberId, one: WeightsFile, part: Path, tell: Progress) -> None:
        """Fetch a file from another member. Raises PixmeshError."""
        here = begun(one, part)
        with part.open("r+b" if part.exists() else "w+b") as file:
            fetch = Transfer(_token(one), WEIGHTS, one.size, heard=0.0, reached=here)
            loan = _Loan(holder, fetch, _Part(file))
            self._asked.put(loan)
            self.changed()
            while not _has_arrived(loan.arrived):
                tell(one.name, fetch.reached, one.size)


def _has_arrived(arrived: "Future[None]") -> bool:
    """Wait a moment for a transfer's end. Raises PixmeshError where it failed."""
    try:
        arrived.result(timeout=0.5)
    except TimeoutError:
        return False
    return True


def _token(one: WeightsFile) -> bytes:
    return bytes.fromhex(one.sha256)[:TOKEN_BYTES]
