"""A ticket: what is pasted on a machine to let it join. Pure.

    xm1-BASE32    version, seconds it is good for, the broker's key, the ticket's own
                  secret key, the broker's addresses, and a checksum

Its key is a CURVE client key that the broker lets in for one thing: to name the machine's
own key. So there is no secret to compare, and nothing of a stranger's to parse. Lower-case
letters and digits only: a double click selects it whole.
"""

import base64
import hashlib
import ipaddress
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import zmq
from zmq.utils import z85

from .keys import KeyPair

PREFIX = "xm1-"
MOST_ADDRESSES = 8
CHECK_BYTES = 4
KEY_BYTES = 32
HEAD = struct.Struct(f">I{KEY_BYTES}s{KEY_BYTES}s")
PORT = struct.Struct(">H")
V4, V6 = 4, 6


class Malformed(ValueError):
    """A text that is no ticket; it says what is wrong."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says. ``broker`` is its public key (z85), ``seconds`` a hint for people."""

    seconds: int
    broker: bytes
    key: KeyPair
    addresses: tuple[tuple[str, int], ...]

    def text(self) -> str:
        """Write it down."""
        body = HEAD.pack(
            min(self.seconds, 2**32 - 1), z85.decode(self.broker), z85.decode(self.key.secret)
        )
        body += b"".join(_packed(host, port) for host, port in self.addresses[:MOST_ADDRESSES])
        written = base64.b32encode(body + _check(body)).decode().rstrip("=").lower()
        return PREFIX + written

    @classmethod
    def read(cls, text: str) -> "Ticket":
        """Read one; blanks and line ends inside it are passed over. Raises Malformed."""
        body = _body("".join(text.split()))
        try:
            seconds, broker, secret = HEAD.unpack_from(body)
            addresses = tuple(_addresses(body[HEAD.size :]))
        except (struct.error, ValueError):
            raise Malformed("it is of another form than this version's") from None
        pair = KeyPair(zmq.curve_public(z85.encode(secret)), z85.encode(secret))
        return cls(seconds, z85.encode(broker), pair, addresses)


def _body(text: str) -> bytes:
    """Return what is written, once its checksum is right."""
    if not text.startswith(PREFIX):
        raise Malformed(f"a ticket begins with {PREFIX}")
    letters = text[len(PREFIX) :].upper()
    try:
        data = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except ValueError:
        raise Malformed("it has letters that no ticket has, or lost some") from None
    body, check = data[:-CHECK_BYTES], data[-CHECK_BYTES:]
    if _check(body) != check:
        raise Malformed("it is not whole: a letter is missing or wrong")
    return body


def _check(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=CHECK_BYTES, person=b"pixmesh-ticket").digest()


def _packed(host: str, port: int) -> bytes:
    """Write an address; a link-local one means nothing elsewhere, so none is written."""
    packed = ipaddress.ip_address(host).packed
    return bytes([V4 if len(packed) == V4 else V6]) + packed + PORT.pack(port)


def _addresses(data: bytes) -> Iterator[tuple[str, int]]:
    while data:
        size = {V4: 4, V6: 16}[data[0]] if data[0] in {V4, V6} else 0
        if not size or len(data) < 1 + size + PORT.size:
            raise ValueError("no address")
        host = str(ipaddress.ip_address(data[1 : 1 + size]))
        yield host, PORT.unpack_from(data, 1 + size)[0]
        data = data[1 + size + PORT.size :]


def routable(addresses: Sequence[str]) -> list[str]:
    """Return those addresses that mean the same on another machine, nearest kind first."""
    found = [ipaddress.ip_address(one) for one in addresses if "%" not in one]
    return [str(one) for one in sorted(found, key=lambda one: (one.is_loopback, one.version))]
