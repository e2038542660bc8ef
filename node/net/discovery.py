"""Asking on the LAN where the broker is: one datagram to each interface's neighbours.

Only a hint: what comes back is believed when CURVE has proved it, and the address is the
one that the reply came from.
"""

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zmq.utils import z85

from ...broker.beacon import GROUP, PORT, QUERY_BYTES, Query, Reply
from ...broker.interfaces import Choice, Interface, choose, present
from .address import Address

PATIENCE = 3.0
ASK_AGAIN = 1.0
A_MOMENT = 0.2
MOST_ANSWERS = 64


@dataclass(frozen=True, slots=True)
class Found:
    """A broker that answered: where, under which key, on which machine."""

    address: Address
    host: str


def look(
    key: bytes,
    name: str,
    *,
    wanted: bytes | None = None,
    at: tuple[str, int] | None = None,
    patience: float = PATIENCE,
) -> tuple[list[Found], Choice]:
    """Ask until somebody answers, or patience ends; return who did, and where was asked.

    ``key`` is our public key (32 bytes), shown to a person at the broker's; ``wanted`` the
    broker's (z85) where only one will do; ``at`` a host and port that alone is asked.
    """
    choice = choose(present())
    nonce = os.urandom(8)
    query = Query(nonce, key, name).pack()
    deadline = time.monotonic() + patience
    with contextlib.closing(_Asking(_ways_to(at) if at else _ways_out(choice))) as asking:
        while (now := time.monotonic()) < deadline:
            asking.ask(query)
            found = asking.answers(nonce, min(deadline, now + ASK_AGAIN), wanted)
            if found:
                return found, choice
    return [], choice


def ask_in(address: Address, key: bytes, name: str) -> None:
    """Ask one broker to be let in: its screen shows our name and fingerprint for a minute."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one, contextlib.suppress(OSError):
        one.sendto(Query(os.urandom(8), key, name).pack(), (address.host, address.port))


class _Asking:
    """A socket for each way there is to all neighbours of an interface."""

    def __init__(self, ways: Iterable["_OneWay"]) -> None:
        self._ways = list(ways)

    def ask(self, query: bytes) -> None:
        for one, where in self._ways:
            with contextlib.suppress(OSError):  # down, or without neighbours: others may answer
                one.sendto(query, where)

    def answers(self, nonce: bytes, until: float, wanted: bytes | None) -> list[Found]:
        """Wait for the first answer, and a moment more for others; IPv4's come first."""
        sockets = [one for one, _ in self._ways]
        found: list[Found] = []
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select(sockets, [], [], left)
            new = [one for each in ready for one in _read(each, nonce, wanted)]
            if new and not found:
                until = min(until, time.monotonic() + A_MOMENT)
            found += new
        return sorted(found, key=lambda one: ":" in one.address.host)

    def close(self) -> None:
        for one, _ in self._ways:
            one.close()


Where = tuple[str, int] | tuple[str, int, int, int]
_OneWay = tuple[socket.socket, Where]


def _ways_to(at: tuple[str, int]) -> Iterator[_OneWay]:
    with contextlib.suppress(OSError):
        for family, kind, _, _, where in socket.getaddrinfo(*at, type=socket.SOCK_DGRAM):
            if isinstance(where[0], str):
                yield socket.socket(family, kind), (where[0], *where[1:])


def _ways_out(choice: Choice) -> Iterator[_OneWay]:
    return (way for one in choice.chosen for way in _ways(one, PORT))


def _ways(interface: Interface, port: int) -> Iterator[_OneWay]:
    v4 = [address for address in interface.addresses if ":" not in address]
    for address in v4:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        with contextlib.suppress(OSError):
            one.bind((address, 0))  # it leaves by this interface
        yield one, ((interface.broadcasts or ("255.255.255.255",))[0], port)
    if interface.index and len(v4) < len(interface.addresses):
        one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        out = struct.pack("@I", interface.index)
        with contextlib.suppress(OSError):
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, out)
        yield one, (GROUP, port, 0, interface.index)


def _read(one: socket.socket, nonce: bytes, wanted: bytes | None) -> Iterator[Found]:
    one.setblocking(False)
    for _ in range(MOST_ANSWERS):
        try:
            data, source = one.recvfrom(QUERY_BYTES + 1)
        except OSError:
            return
        reply = Reply.read(data)
        if reply is None or reply.nonce != nonce:
            continue
        key = z85.encode(reply.key)
        if wanted is None or key == wanted:
            yield Found(
                Address(host=_host(source), port=reply.port, key=key, origin="discovery"),
                reply.name,
            )


def _host(source: Where) -> str:
    """Return where a reply came from; a link-local address means something with its interface."""
    host = source[0]
    if len(source) == 4 and source[3] and host.startswith("fe80:") and "%" not in host:
        return f"{host}%{socket.if_indextoname(source[3])}"
    return host
