"""Who is connected, by which door and under which routing id. Pure.

A session begins with HELLO. The same key and boot nonce resume it on another
connection; another nonce is another process with the same key. It is let in when the old
one's connection is gone, or says nothing within a second of being asked: that a
connection looks open proves nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from .messages import Hello, MemberId
from .sockets import Peer

ANSWER = 1.0
ASK_AGAIN = 5.0


class Claim(Enum):
    """What becomes of a HELLO: nobody else has its key, one is asked, one is there."""

    FREE = "free"
    WAIT = "wait"
    TAKEN = "taken"


class Route(NamedTuple):  # hashed for every message: a dataclass's hash is Python code
    """A connection: the door's number and libzmq's routing id there."""

    door: int
    id: bytes


@dataclass(slots=True, eq=False)
class Session:
    """A member's session; ``relay`` is unknown until it says HELLO there too.

    ``heard`` is when the member last spoke, ``asked`` when it was asked whether it is there.
    """

    member: MemberId
    hello: Hello
    control: Route
    peer: Peer
    heard: float
    asked: float = float("-inf")
    relay: Route | None = None
    relay_peer: Peer | None = None

    def connections(self) -> list[Peer]:
        """Return its TCP connections, so far as they are known."""
        return [self.peer, *([self.relay_peer] if self.relay_peer is not None else [])]

    def asked_lately(self, now: float) -> bool:
        """Whether there is no need to ask again."""
        return now - self.asked < ASK_AGAIN

    def silent(self, now: float) -> bool:
        """Whether an answer may still come."""
        return not self.answered and now - self.asked < ANSWER

    @property
    def answered(self) -> bool:
        """Whether the member spoke since it was asked."""
        return self.heard > self.asked


@dataclass(slots=True)
class Sessions:
    """Every session, found by member, by route, by relay route, or by descriptor."""

    by_member: dict[MemberId, Session] = field(default_factory=dict)
    by_control: dict[Route, Session] = field(default_factory=dict)
    by_relay: dict[Route, Session] = field(default_factory=dict)
    by_descriptor: dict[tuple[int, int], Session] = field(default_factory=dict)

    def rival(self, member: MemberId, hello: Hello) -> Session | None:
        """Return the session of another process that has the same key."""
        old = self.by_member.get(member)
        if old is None or (old.hello.boot, old.hello.role) == (hello.boot, hello.role):
            return None
        return old

    def claim(
        self, member: MemberId, hello: Hello, now: float, ask: Callable[[Session], bool]
    ) -> Claim:
        """Judge a HELLO with a key that another process may have.

        ``ask`` asks that one whether it is there, and returns whether its connection exists.
        """
        old = self.rival(member, hello)
        if old is None:
            return Claim.FREE
        if not old.asked_lately(now):
            old.asked = now
            return Claim.WAIT if ask(old) else Claim.FREE
        if old.silent(now):
            return Claim.WAIT
        return Claim.TAKEN if old.answered else Claim.FREE

    def open(self, session: Session) -> None:
        """Begin a session, or go on with one over a new connection."""
        old = self.by_member.get(session.member)
        if old is not None:
            self._unfile(old)
            if old.hello.boot == session.hello.boot:
                session.relay, session.relay_peer = old.relay, old.relay_peer
        self._file(session)

    def relayed(self, session: Session, route: Route, peer: Peer) -> None:
        """Note where the member takes relayed messages."""
        self.unrelayed(session)
        session.relay, session.relay_peer = route, peer
        self.by_relay[route] = session

    def unrelayed(self, session: Session) -> None:
        """Forget where the member took relayed messages: that connection is gone."""
        if session.relay is not None and self.by_relay.get(session.relay) is session:
            del self.by_relay[session.relay]
        session.relay = session.relay_peer = None

    def close(self, member: MemberId) -> None:
        """End a member's session, if it has one."""
        session = self.by_member.get(member)
        if session is not None:
            self._unfile(session)

    def _file(self, session: Session) -> None:
        self.by_member[session.member] = session
        self.by_control[session.control] = session
        self.by_descriptor[session.control.door, session.peer.descriptor] = session
        if session.relay is not None:
            self.by_relay[session.relay] = session

    def _unfile(self, session: Session) -> None:
        del self.by_member[session.member]
        if self.by_control.get(session.control) is session:
            del self.by_control[session.control]
        key = (session.control.door, session.peer.descriptor)
        if self.by_descriptor.get(key) is session:
            del self.by_descriptor[key]
        if session.relay is not None and self.by_relay.get(session.relay) is session:
            del self.by_relay[session.relay]
