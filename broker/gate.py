"""The gate: answers libzmq's question who may come in, in a thread of its own (ZAP, RFC 27).

By the public key alone; everyone else stays out before a message of theirs is read. While
its thread is dead nobody new is let in; ``keep`` notices and starts another. (pyzmq's own
authenticator waits for ever when it is stopped after its thread died, and loads asyncio.)
"""

import logging
import threading
from collections.abc import Callable, Sequence

import zmq
from zmq.utils import z85

from .lifetime import Wake
from .sockets import EVENTS, READABLE, Watch, put

log = logging.getLogger(__name__)

Socket = zmq.Socket[bytes]

DOMAIN = "pixmesh"
ENDPOINT = "inproc://zeromq.zap.01"
VERSION = b"1.0"
LONGEST_WAIT_MS = 60_000
NO = b"400", b"no key of this mesh", b""
NOT_NOW = b"300", b"cannot tell now", b""


class Gate:
    """One context's gate. ``admits`` gets a public key (z85) and may be called in any thread."""

    def __init__(self, context: zmq.Context[Socket], admits: Callable[[bytes], bool]) -> None:
        self._context = context
        self._admits = admits
        self._wake = Wake()
        self._puzzled = False
        self._open()

    def _open(self) -> None:
        gate = self._context.socket(zmq.ROUTER)
        gate.linger = 0
        try:
            gate.bind(ENDPOINT)
        except zmq.ZMQError:
            gate.close()
            raise
        self._thread = threading.Thread(target=self._serve, args=(gate,), name="gate", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether somebody answers."""
        return self._thread.is_alive()

    def keep(self) -> bool:
        """Start again if the thread has died; tell whether it had. The opener's thread only."""
        if self.alive:
            return False
        log.error("the gate had died, so nobody new was let in; it is started again")
        try:
            self._open()
        except zmq.ZMQError as error:
            log.error("it cannot be: %s", error)  # noqa: TRY400  # it is tried again in a moment
        return True

    def close(self) -> None:
        """Let nobody in any more."""
        self._wake.call(b"close")
        self._thread.join()
        self._wake.close()

    def _serve(self, gate: Socket) -> None:
        with gate:
            watch = Watch()
            watch.add(gate)
            watch.add_descriptor(self._wake.fileno)
            while not self._wake.reasons():
                watch.wait(LONGEST_WAIT_MS)
                while int(gate.getsockopt(EVENTS)) & READABLE:
                    put(gate, self._answer(gate.recv_multipart()))

    def _answer(self, frames: Sequence[bytes]) -> list[bytes]:
        head = frames.index(b"") + 1
        version, request, domain, _address, _identity, mechanism, *keys = frames[head:]
        key = z85.encode(keys[0]) if mechanism == b"CURVE" and len(keys) == 1 else b""
        known_form = bool(key) and version == VERSION and domain == DOMAIN.encode()
        said = self._said(key) if known_form else NO
        return [*frames[:head], VERSION, request, *said, b""]

    def _said(self, key: bytes) -> tuple[bytes, bytes, bytes]:
        """Answer for one key. Whoever cannot be looked up is sent away, and comes again."""
        try:
            admitted = self._admits(key)
        except Exception as error:
            if not self._puzzled:
                trace = None if isinstance(error, OSError) else error
                log.error("a key cannot be looked up: %s", error, exc_info=trace)  # noqa: TRY400
            self._puzzled = True
            return NOT_NOW
        self._puzzled = False
        return (b"200", b"", key) if admitted else NO
