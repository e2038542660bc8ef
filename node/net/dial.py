"""Dialling: which of a broker's addresses lets us in, and why each of the others does not.

    TCP      refused, timed out, no way there, unknown host     asked of the system, all at once
    CURVE    another key, not let in, no answer                 told by the socket's monitor

An address that was tried is never tried as something else, and nothing is said to whoever
does not prove the broker's key.
"""

import contextlib
import errno
import os
import selectors
import socket
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

import zmq

from ...broker.keys import KeyPair
from ...broker.sockets import happened
from ..errors import MeshUnreachable, NotAuthorised, PixmeshError
from .address import Address

TCP_PATIENCE = 2.0
CURVE_PATIENCE = 2.0
DIAL_AGAIN = 0.5
UNDER_WAY = {0, errno.EINPROGRESS, errno.EWOULDBLOCK}
REFUSED = {errno.ECONNREFUSED, errno.ECONNRESET}
TIMED_OUT = {errno.ETIMEDOUT}
EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)

Context = zmq.Context[zmq.Socket[bytes]]


class Why(StrEnum):
    """Why an address does not let us in; ``OPEN``: it does."""

    OPEN = "open"
    REFUSED = "connection refused"
    TIMED_OUT = "timed out"
    NO_WAY = "no way there"
    UNKNOWN_HOST = "unknown host"
    WRONG_KEY = "wrong key"
    NOT_APPROVED = "not approved"
    SILENT = "no answer"


@dataclass(frozen=True, slots=True)
class Tried:
    """An address and what came of it."""

    address: Address
    why: Why
    detail: str = ""

    def __str__(self) -> str:
        words = f"{self.address}: {self.detail or self.why}"
        return f"{words} ({self.address.origin})" if self.address.origin else words


class NobodyLetsIn(Exception):
    """No address let us in; ``tried`` has each with its reason."""

    def __init__(self, tried: Sequence[Tried]) -> None:
        super().__init__("; ".join(map(str, tried)))
        self.tried = tuple(tried)

    def has(self, why: Why) -> bool:
        """Whether this was the reason anywhere."""
        return any(one.why is why for one in self.tried)


def dial(context: Context, addresses: Sequence[Address], pair: KeyPair) -> Address:
    """Return the first address to answer whose broker proves its key and lets ours in.

    Raises NobodyLetsIn.
    """
    tried = []
    with contextlib.closing(_listening(addresses)) as answers:
        for listening in answers:
            address = listening.address
            one = shakes_hands(context, address, pair) if listening.why is Why.OPEN else listening
            if one.why is Why.OPEN:
                return address
            tried.append(one)
    raise NobodyLetsIn(tried)


def dial_twice(context: Context, addresses: Sequence[Address], pair: KeyPair) -> Address:
    """Dial once more where somebody listens and says nothing: its gate may be starting again.

    Raises NobodyLetsIn.
    """
    try:
        return dial(context, addresses, pair)
    except NobodyLetsIn as error:
        if not error.has(Why.SILENT):
            raise
    return dial(context, addresses, pair)


def dial_until(
    context: Context, addresses: Sequence[Address], pair: KeyPair, patience: float
) -> Address:
    """Dial again and again while nobody listens; a door that is closed to us stays so.

    Raises NobodyLetsIn.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return dial(context, addresses, pair)
        except NobodyLetsIn as error:
            final = error.has(Why.NOT_APPROVED) or error.has(Why.WRONG_KEY)
            if final or time.monotonic() + DIAL_AGAIN >= deadline:
                raise
            time.sleep(DIAL_AGAIN)


def explained(error: NobodyLetsIn, *, patience: float = 0.0) -> PixmeshError:
    """Return what to tell a person: every address that was tried, why it failed, what to do."""
    lines = "\n".join(f"  {one}" for one in error.tried)
    if error.has(Why.NOT_APPROVED):
        return NotAuthorised(
            f"the broker does not let this machine in:\n{lines}",
            remedy="on the broker's machine 'pixmesh ticket new' makes a ticket; "
            "paste the line that it prints here",
        )
    if error.has(Why.WRONG_KEY):
        return NotAuthorised(
            f"what answers there has the wrong key: it is another broker, or none:\n{lines}",
            remedy="if the broker was set up anew, ask for a new ticket; "
            "if not, somebody else answers at its address",
        )
    if len(error.tried) == 1:
        one = error.tried[0]
        what = f"no broker answers at {one.address}: {one.detail or one.why}"
    else:
        what = f"no broker answers at any address:\n{lines}"
    if patience:
        what += f" (tried for {patience:.0f} s)"
    return MeshUnreachable(
        what,
        remedy="see that it runs there ('pixmesh up' or 'pixmesh broker'), that both machines are "
        "on one network, and that no firewall is between; name it with --broker HOST[:PORT]",
    )


def listens(address: Address) -> Tried:
    """Look whether anything takes connections there."""
    return next(iter(_listening([address])))


def _listening(addresses: Iterable[Address]) -> Generator[Tried, None, None]:
    """Look at all addresses at once whether anything takes connections; yield as it shows."""
    deadline = time.monotonic() + TCP_PATIENCE
    with selectors.DefaultSelector() as waiting, contextlib.ExitStack() as stack:
        for address in addresses:
            one = _calling(address)
            if isinstance(one, Tried):
                yield one
            else:
                stack.enter_context(one)
                waiting.register(one, selectors.EVENT_WRITE, (one, address))
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                one, address = key.data
                waiting.unregister(one)
                yield _judged(address, one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        for key in list(waiting.get_map().values()):
            yield Tried(key.data[1], Why.TIMED_OUT)


def _calling(address: Address) -> socket.socket | Tried:
    """Begin to connect; return the reason where that cannot even begin."""
    try:
        family = family_of(address.host)
        where = socket.getaddrinfo(address.host, address.port, family)[0][4]
    except OSError as error:
        return Tried(address, Why.UNKNOWN_HOST, f"unknown host ({error.strerror or error})")
    try:
        one = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        return _judged(address, error.errno or 0)
    one.setblocking(False)
    number = one.connect_ex(where)
    if number in UNDER_WAY:
        return one
    one.close()
    return _judged(address, number)


def _judged(address: Address, number: int) -> Tried:
    if not number:
        return Tried(address, Why.OPEN)
    if number in TIMED_OUT:
        return Tried(address, Why.TIMED_OUT)
    why = Why.REFUSED if number in REFUSED else Why.NO_WAY
    return Tried(address, why, os.strerror(number).lower())


def shakes_hands(context: Context, address: Address, pair: KeyPair) -> Tried:
    """Look whether the broker there has its key, and lets ours in."""
    with context.socket(zmq.DEALER) as dealer:
        prepare(dealer, address, pair)
        with dealer.get_monitor_socket(EVENTS) as monitor:
            dealer.connect(address.control)
            why = _handshake(monitor)
            dealer.disable_monitor()
    return Tried(address, why)


def _handshake(monitor: zmq.Socket[bytes]) -> Why:
    deadline = time.monotonic() + CURVE_PATIENCE
    while (left := deadline - time.monotonic()) > 0:
        if not monitor.poll(ceil(left * 1000)):
            break
        for event, _ in happened(monitor):
            match event:
                case zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    return Why.OPEN
                case zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                    return Why.NOT_APPROVED
                case _:
                    return Why.WRONG_KEY
    return Why.SILENT


def prepare(dealer: zmq.Socket[bytes], address: Address, pair: KeyPair) -> None:
    """Give a socket the keys for an address, before it connects."""
    dealer.linger = 0
    if address.key:
        dealer.curve_serverkey = address.key
        dealer.curve_publickey, dealer.curve_secretkey = pair.public, pair.secret
        with contextlib.suppress(OSError):  # an unknown host: its name may be known later
            dealer.setsockopt(zmq.IPV6, int(family_of(address.host) is socket.AF_INET6))


def family_of(host: str) -> socket.AddressFamily:
    """Return by which protocol a host is called: IPv4 where it has an address of it.

    Raises OSError for a host that nobody knows.
    """
    if ":" in host:
        return socket.AF_INET6
    families = {info[0] for info in socket.getaddrinfo(host, None)}
    return socket.AF_INET if socket.AF_INET in families else socket.AF_INET6
