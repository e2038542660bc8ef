"""A TCP proxy that stands between members and does to their connections what a test says.

It listens on another loopback address, at the broker's own two ports, so that a member that
is told that address finds control and relay both. Bytes are passed on as they are.

    hold    what comes is not passed on, one way or both; nobody sees a connection end
    cut     every connection is reset, and so are new ones, until it is healed
"""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

ADDRESS = "127.0.0.2"
PIECE = 64 * 1024
RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True, eq=False)
class _End:
    """One side of a connection, and the other; ``inward`` is the member's side."""

    socket: socket.socket
    inward: bool
    other: "_End | None" = None
    heard: bool = False


@dataclass(slots=True)
class Proxy:
    """The proxy of a broker's ports; its loop is a thread of its own."""

    ports: tuple[int, ...]
    passed: int = 0
    _held: set[bool] = field(default_factory=set)
    _cut: bool = False
    _over: bool = False
    _ends: set[_End] = field(default_factory=set)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _bell: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    # ---- any thread -----------------------------------------------------------------

    def hold(self, *, inward: bool = True, outward: bool = True) -> None:
        """Pass nothing on from members (inward), to them (outward), or both, until ``heal``."""
        self._held = {way for way, held in ((True, inward), (False, outward)) if held}
        self._call()

    def heal(self) -> None:
        """Pass everything on again, what was held included; let connections in."""
        self._held, self._cut = set(), False
        self._call()

    def cut(self) -> None:
        """Reset every connection, and refuse new ones until ``heal``."""
        self._cut = True
        self._call()

    def _call(self) -> None:
        self._bell[1].send(b"!")

    # ---- its own thread ---------------------------------------------------------------

    def run(self, listeners: list[socket.socket]) -> None:
        """Pass bytes on until the end."""
        for listener in listeners:
            self._selector.register(listener, selectors.EVENT_READ, None)
        self._selector.register(self._bell[0], selectors.EVENT_READ, None)
        while not self._over:
            for key, _ in self._selector.select():
                if key.fileobj is self._bell[0]:
                    self._bell[0].recv(PIECE)
                    self._obey()
                elif isinstance(key.data, _End):
                    self._pass(key.data)
                elif isinstance(key.fileobj, socket.socket):
                    self._accept(key.fileobj)
        for end in list(self._ends):
            self._close(end)
        self._selector.close()
        for one in self._bell:
            one.close()

    def _obey(self) -> None:
        """Close what is cut, and listen to those whose words are passed on."""
        for end in list(self._ends):
            if self._cut:
                self._close(end)
            else:
                self._listen(end)

    def _listen(self, end: _End) -> None:
        held = end.inward in self._held
        if end.heard and held:
            self._selector.unregister(end.socket)
        elif not end.heard and not held:
            self._selector.register(end.socket, selectors.EVENT_READ, end)
        end.heard = not held

    def _accept(self, listener: socket.socket) -> None:
        caller, _ = listener.accept()
        if self._cut:
            _reset(caller)
            return
        try:
            onward = socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=5)
        except OSError:
            _reset(caller)
            return
        near, far = _End(caller, inward=True), _End(onward, inward=False)
        near.other, far.other = far, near
        for end in (near, far):
            end.socket.settimeout(5)
            self._ends.add(end)
            self._listen(end)

    def _pass(self, end: _End) -> None:
        assert end.other is not None
        try:
            data = end.socket.recv(PIECE)
            end.other.socket.sendall(data)
        except OSError:
            data = b""
        self.passed += len(data)
        if not data:
            self._close(end)

    def _close(self, end: _End) -> None:
        for one in (end, end.other):
            if one is not None and one in self._ends:
                self._ends.discard(one)
                if one.heard:
                    self._selector.unregister(one.socket)
                _reset(one.socket)


def _reset(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    one.close()


@contextlib.contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """Stand before the broker at this port and the next."""
    with contextlib.ExitStack() as stack:
        ports = (port, port + 1)
        listeners = [stack.enter_context(socket.create_server((ADDRESS, one))) for one in ports]
        proxy = Proxy(ports)
        thread = threading.Thread(target=proxy.run, args=(listeners,), name="proxy")
        thread.start()
        yield proxy
        proxy._over = True
        proxy._call()
        thread.join()
