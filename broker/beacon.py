"""The beacon: answers who asks on the LAN where the broker is. UDP, a datagram each way.

    query    "PXMQ" version, nonce 8, the asker's key 32, its name, padded to 160 bytes
    reply    "PXMR" version, nonce 8, the broker's key 32, port 2, relay 2, its host's name

Only a hint, both ways: the asker takes the address from where the reply came and believes
nothing before CURVE has proved the key; the broker shows the key to a person. A reply is
never longer than its query, and few a second are answered, so it amplifies nothing.
"""

import contextlib
import logging
import socket
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from .interfaces import Interface

log = logging.getLogger(__name__)

VERSION = 1
QUERY, REPLY = b"PXMQ", b"PXMR"
QUERY_HEAD = struct.Struct(">4sB8s32s")
REPLY_HEAD = struct.Struct(">4sB8s32sHH")
QUERY_BYTES = 160
LONGEST_NAME = 63
GROUP = "ff02::7078:6d71"  # link-local multicast: IPv6 has no broadcast
AT_ONCE = 32
PORT = 7710  # where who knows nothing of a broker asks
A_SECOND = 20.0
A_SECOND_EACH = 4.0
MOST_SOURCES = 256


@dataclass(frozen=True, slots=True)
class Query:
    """Somebody asks where the broker is."""

    nonce: bytes
    key: bytes
    name: str

    def pack(self) -> bytes:
        """Write it, padded."""
        head = QUERY_HEAD.pack(QUERY, VERSION, self.nonce, self.key)
        return (head + self.name.encode()[:LONGEST_NAME]).ljust(QUERY_BYTES, b"\0")

    @classmethod
    def read(cls, data: bytes) -> "Query | None":
        """Read one; None for anything else."""
        if len(data) != QUERY_BYTES:
            return None
        magic, version, nonce, key = QUERY_HEAD.unpack_from(data)
        name = _name(data[QUERY_HEAD.size :])
        return cls(nonce, key, name) if (magic, version) == (QUERY, VERSION) and name else None


@dataclass(frozen=True, slots=True)
class Reply:
    """A broker says where it is; the host is where the reply came from."""

    nonce: bytes
    key: bytes
    port: int
    relay: int
    name: str

    def pack(self) -> bytes:
        """Write it."""
        head = REPLY_HEAD.pack(REPLY, VERSION, self.nonce, self.key, self.port, self.relay)
        return head + self.name.encode()[:LONGEST_NAME]

    @classmethod
    def read(cls, data: bytes) -> "Reply | None":
        """Read one; None for anything else."""
        if not REPLY_HEAD.size <= len(data) <= QUERY_BYTES:
            return None
        magic, version, nonce, key, port, relay = REPLY_HEAD.unpack_from(data)
        if (magic, version) != (REPLY, VERSION) or not port:
            return None
        return cls(nonce, key, port, relay, _name(data[REPLY_HEAD.size :]) or "?")


def _name(data: bytes) -> str:
    name = data.rstrip(b"\0").decode("utf-8", "replace")
    return name if name.isprintable() else ""


@dataclass(slots=True)
class Rate:
    """How many may be answered: so many a second in all, and to each source. Pure."""

    in_all: float = A_SECOND
    each: float = A_SECOND_EACH
    _all: "_Bucket" = field(init=False)
    _sources: dict[str, "_Bucket"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._all = _Bucket(self.in_all)

    def allows(self, source: str, now: float) -> bool:
        """Count one of this source; False where it is one too many."""
        if source not in self._sources and len(self._sources) >= MOST_SOURCES:
            self._sources.clear()
        mine = self._sources.setdefault(source, _Bucket(self.each))
        return mine.take(now) and self._all.take(now)


@dataclass(slots=True)
class _Bucket:
    """Fills by ``rate`` a second, and holds a second's worth."""

    rate: float
    level: float = field(init=False)
    at: float | None = None

    def __post_init__(self) -> None:
        self.level = self.rate

    def take(self, now: float) -> bool:
        if self.at is not None:
            self.level = min(self.rate, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class Beacon:
    """The sockets that hear queries. ``asked`` is told who asks, from where."""

    def __init__(
        self,
        reply: Callable[[bytes], Reply],
        asked: Callable[[Query, str], None],
        ports: Collection[int],
    ) -> None:
        self._reply = reply
        self._asked = asked
        self._rate = Rate()
        self._joined: set[int] = set()
        self._sockets = [
            one
            for port in ports
            for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))  # noqa: S104
            if (one := _listening(family, any_address, port)) is not None
        ]

    @property
    def descriptors(self) -> list[int]:
        """Where queries arrive."""
        return [one.fileno() for one in self._sockets]

    def follow(self, interfaces: tuple[Interface, ...]) -> None:
        """Hear IPv6's queries on these interfaces; IPv4's broadcasts are heard on all."""
        for one in self._sockets:
            if one.family != socket.AF_INET6:
                continue
            for index in {each.index for each in interfaces} - self._joined - {0}:
                group = socket.inet_pton(socket.AF_INET6, GROUP) + struct.pack("@I", index)
                with contextlib.suppress(OSError):  # an interface without IPv6
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
                    self._joined.add(index)

    def hear(self, now: float) -> None:
        """Answer what has come; what is no query, or is too much, is passed over."""
        for one in self._sockets:
            for _ in range(AT_ONCE):
                try:
                    data, source = one.recvfrom(QUERY_BYTES + 1)
                except OSError:
                    break
                self._answer(one, data, source, now)

    def _answer(self, one: socket.socket, data: bytes, source: tuple[str, int], now: float) -> None:
        query = Query.read(data)
        if query is None or not self._rate.allows(source[0], now):
            return
        self._asked(query, source[0].removeprefix("::ffff:"))
        try:
            one.sendto(self._reply(query.nonce).pack(), source)
        except OSError as error:
            log.debug("a query of %s is not answered: %s", source[0], error)

    def close(self) -> None:
        """Answer nobody any more."""
        for one in self._sockets:
            one.close()


def _listening(family: int, address: str, port: int) -> socket.socket | None:
    try:
        one = socket.socket(family, socket.SOCK_DGRAM)
    except OSError:
        return None
    try:
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setblocking(False)
        one.bind((address, port))
    except OSError as error:
        log.warning("nobody finds this broker by asking on the LAN: UDP port %s: %s", port, error)
        one.close()
        return None
    return one
