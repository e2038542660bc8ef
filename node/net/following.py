"""Following a mesh: what the broker tells is handed on, for as long as it is wanted.

    looking --let in, all is told--> following --SILENCE, or refused--> away --AGAIN--> looking

It never gives up: a broker that was away is found again by itself, wherever it is by then. One
thread of its own; whoever listens is called in it.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import zmq

from ...broker import changes, feed, wire
from ...broker.changes import Change, Whole
from ...broker.messages import Ask, Error, Message, Tell
from ...broker.names import host_name
from ...broker.views import Looked, Preview
from ..errors import MeshUnreachable, PixmeshError
from .dial import prepare
from .entry import Entered, entered
from .refusals import error_of
from .way import Way

log = logging.getLogger(__name__)

SILENCE = 2.5
AGAIN = 0.5
DIALLING = 1.5
KEEP = 2.0
LOOK = 1.0
TURN_MS = 100

Socket = zmq.Socket[bytes]


@dataclass(frozen=True, slots=True)
class Away:
    """The broker is not there, or tells nothing; it is tried again all the time."""

    why: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a node has finished last; None while it has shown nothing, or may not: then why."""

    node: str
    preview: Preview | None
    why: str = ""


Told = Whole | Change | Away | Shown
Listener = Callable[[Told], None]


@dataclass(slots=True, eq=False)
class Following:
    """One who follows. ``find`` returns the way to the broker, and raises PixmeshError.

    What is told goes ``through`` what may want to see it too.
    """

    find: Callable[[], Way]
    through: Callable[[Listener], Listener] = lambda tell: tell
    clock: Callable[[], float] = time.monotonic
    _stopping: threading.Event = field(default_factory=threading.Event)
    _watched: str = ""
    _thread: threading.Thread | None = None
    _told: Listener = lambda _told: None

    def start(self, tell: Listener) -> None:
        """Begin to tell."""
        self._told = self.through(tell)
        self._thread = threading.Thread(target=self._run, name="pixmesh-following", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def watch(self, node: str) -> None:
        """Have shown what this node finishes; nothing where it is empty. Any thread."""
        self._watched = node

    def told(self, told: Told) -> None:
        """Hand on what the broker told."""
        self._told(told)

    @property
    def stopping(self) -> bool:
        """Whether it is to end."""
        return self._stopping.is_set()

    @property
    def watched(self) -> str:
        """The node of which something is to be shown."""
        return self._watched

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except PixmeshError as error:
                self._told(Away(error.what))
            except Exception as error:  # the edge of the thread: who looks must see it
                log.exception("following broke")
                self._told(Away(f"following broke: {error!r}"))
            self._stopping.wait(AGAIN)

    def _follow(self) -> None:
        way = self.find()
        context: zmq.Context[Socket] = zmq.Context()
        with (
            context,
            entered(context, way, "owner", host_name(), patience=DIALLING) as us,
            context.socket(zmq.DEALER) as socket,
        ):
            prepare(socket, us.address, us.pair)
            socket.connect(us.address.control)
            _Talk(socket, us, self).go_on()


@dataclass(slots=True, eq=False)
class _Talk:
    """One connection, for as long as it tells something."""

    socket: Socket
    us: Entered
    following: Following
    number: str = ""
    heard: float = 0.0
    keep_at: float = float("-inf")
    look_at: float = float("-inf")
    looked_at: str = ""
    may_look: bool = True
    pages: list[Tell] = field(default_factory=list)

    def go_on(self) -> None:
        """Return when told to stop. Raises PixmeshError."""
        clock = self.following.clock
        self.heard = clock()
        while not self.following.stopping:
            self._ask(clock())
            while self.socket.poll(TURN_MS):
                self._hear(self.socket.recv_multipart(), clock())
                if clock() >= min(self.keep_at, self.look_at):
                    break
            if clock() - self.heard > SILENCE:
                raise MeshUnreachable(f"the broker at {self.us.address} says nothing")

    def _ask(self, now: float) -> None:
        if now >= self.keep_at:
            self.keep_at = now + KEEP
            self._say(Ask(what="follow", about=self.number))
        node = self.following.watched
        if node and self.may_look and (node != self.looked_at or now >= self.look_at):
            self.look_at, self.looked_at = now + LOOK, node
            self._say(Ask(what="preview", about=node))

    def _say(self, message: Message) -> None:
        try:
            self.socket.send_multipart(wire.encode(message), zmq.DONTWAIT)
        except zmq.Again:
            log.debug("the broker takes no question now")

    def _hear(self, frames: list[bytes], now: float) -> None:
        try:
            message, _ = wire.decode(frames)
        except wire.WireError as error:
            raise PixmeshError(
                f"what answers there is no pixmesh broker of this version: {error.text}",
                remedy="run the same pixmesh on both sides",
            ) from None
        match message:
            case Tell():
                self.heard = now
                self._read(message)
            case Error(code="not-allowed", text=text) if "'preview'" in text:
                self.may_look = False
                self.following.told(Shown(self.looked_at, None, text))
            case Error():
                raise error_of(message, self.us.address)
            case _:
                pass

    def _read(self, tell: Tell) -> None:
        """Hand on what is told, once all pages of it are here; they come one after the other."""
        if tell.page == 0:
            self.pages = [tell]
        elif self._is_next(tell):
            self.pages.append(tell)
        else:
            self.pages.clear()  # one was lost; a gap in the changes tells of it
        if not self.pages or len(self.pages) < tell.pages:
            return
        body = b"".join(page.body for page in self.pages)
        self.pages.clear()
        match tell.what:
            case feed.WHOLE:
                self._begin(msgspec.msgpack.decode(body, type=Whole))
            case feed.CHANGE:
                self._go_on_with(changes.read(body))
            case "preview":
                looked = msgspec.msgpack.decode(body, type=Looked)
                self.following.told(Shown(looked.node, looked.preview))
            case _:
                log.debug("nobody asked for %s", tell.what)

    def _is_next(self, tell: Tell) -> bool:
        return bool(self.pages) and (tell.what, tell.page, tell.pages) == (
            self.pages[-1].what,
            self.pages[-1].page + 1,
            self.pages[-1].pages,
        )

    def _begin(self, whole: Whole) -> None:
        self.number = str(whole.number)
        self.following.told(whole)

    def _go_on_with(self, change: Change) -> None:
        """Take a change that follows the last one; at a gap ask for all again."""
        if self.number != str(change.number - 1):
            self.number, self.keep_at = "", float("-inf")
            return
        self.number = str(change.number)
        self.following.told(change)
