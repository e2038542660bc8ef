"""Transfers over a connection: the receiving and the sending end, for agents and owners.

The rules are ``transfer``'s; here they meet sockets and files. Today every chunk goes
through the broker's relay; a direct connection to the other member will take the place
of ``Connection.send_to`` for the members that have one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ...broker.messages import CHUNK_BYTES, Chunk, Error, Get, MemberId
from ...broker.wire import Buffer
from .connection import Connection
from .transfer import Fetch, Serving

Key = tuple[bytes, int]

SOON = 0.02


class Gone(Exception):
    """What is asked for is not here, or no longer; the text says why."""


class Sink(Protocol):
    """Where received bytes go."""

    def write(self, offset: int, data: Buffer) -> None:
        """Put bytes at their place. Raises OSError."""
        ...


@dataclass(slots=True, eq=False)
class _Incoming:
    source: MemberId
    fetch: Fetch
    sink: Sink


@dataclass(slots=True, eq=False)
class Receiver:
    """Every transfer that comes in, by token and attempt.

    ``done`` is called when the last byte is in its sink, ``failed`` with the reason when
    it will never be.
    """

    connection: Connection
    done: Callable[[Key], None]
    failed: Callable[[Key, str], None]
    incoming: dict[Key, _Incoming] = field(default_factory=dict)

    def fetch(self, source: MemberId, fetch: Fetch, sink: Sink, now: float) -> None:
        """Begin to fetch from a member into a sink."""
        one = _Incoming(source, fetch, sink)
        self.incoming[fetch.token, fetch.attempt] = one
        self._ask(one, fetch.begin(now), now)

    def take(self, source: MemberId | None, chunk: Chunk, payload: Buffer, now: float) -> None:
        """Take in a chunk; one that nobody waits for is dropped, or that another sends."""
        key = (chunk.token, chunk.attempt)
        one = self.incoming.get(key)
        if one is None or one.source != source or chunk.offset != one.fetch.reached:
            return
        if not one.fetch.accept(chunk.offset, len(payload), now):
            self._fail(key, f"it ends at {chunk.offset + len(payload)} of {one.fetch.size} bytes")
            return
        try:
            one.sink.write(chunk.offset, payload)
        except OSError as error:
            self._fail(key, f"it cannot be stored: {error.strerror}")
            return
        if one.fetch.complete:
            del self.incoming[key]
            self.done(key)
        elif (get := one.fetch.more()) is not None:
            self._ask(one, get, now)

    def refused(self, source: MemberId | None, error: Error) -> None:
        """Take in the sender's word that there is nothing to send; others' says nothing."""
        key = (error.token or b"", error.attempt)
        one = self.incoming.get(key)
        if one is not None and one.source == source:
            self._fail(key, error.text)

    def cancel(self, key: Key) -> None:
        """Fetch this no longer."""
        self.incoming.pop(key, None)

    def tick(self, now: float) -> None:
        """Ask again where nothing came, and give up where nothing ever does."""
        for key, one in list(self.incoming.items()):
            if not one.fetch.overdue(now):
                continue
            if one.fetch.hopeless:
                self._fail(key, f"no answer in {one.fetch.tries} tries")
            else:
                self._ask(one, one.fetch.begin(now), now)

    def _ask(self, one: _Incoming, get: Get, now: float) -> None:
        if not self.connection.send_to(one.source, get):
            one.fetch.unsent(now, SOON)

    def _fail(self, key: Key, why: str) -> None:
        del self.incoming[key]
        self.failed(key, why)


@dataclass(slots=True, eq=False)
class Sender:
    """Every transfer that goes out. ``read`` gives bytes, or raises Gone or OSError."""

    connection: Connection
    read: Callable[[Key, int, int], Buffer]
    serving: Serving = field(default_factory=Serving)

    @property
    def waiting(self) -> bool:
        """Whether credit is left to use."""
        return bool(self.serving.granted)

    def pump(self) -> None:
        """Send what credit allows until the way is full."""
        while (one := self.serving.next()) is not None:
            key = (one.token, one.attempt)
            try:
                data = self.read(key, one.offset, CHUNK_BYTES)
            except (Gone, OSError) as error:
                self._refuse(one.to, key, str(error))
                continue
            if not data:
                self._refuse(one.to, key, f"it ends at {one.offset} bytes")
                continue
            chunk = Chunk(token=one.token, offset=one.offset, attempt=one.attempt)
            if not self.connection.send_to(one.to, chunk, data):
                return
            self.serving.sent(len(data))

    def _refuse(self, to: MemberId, key: Key, why: str) -> None:
        error = Error(code="gone", text=why[:1000], token=key[0], attempt=key[1])
        self.connection.send_to(to, error)
        self.serving.refuse()
