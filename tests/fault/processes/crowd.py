"""A crowd: connections of nobody to a broker's ports, many, cheap, and held open.

Some say nothing; others begin CURVE's handshake with the broker's right key and a HELLO that
libzmq made for another connection, which costs the broker its part of it.
"""

import resource
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pixmesh.broker.keys import KeyPair

from .hostile import PATIENCE, dealer, greeting

AT_ONCE = 250
HELLO_BYTES = 64 + 2 + 200


def handshake(server: bytes) -> bytes:
    """Return what a client with the server's key and an unknown own one says first."""
    key = KeyPair.fresh()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        where = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        with dealer(where, server=server, key=key), listening.accept()[0] as client:
            client.settimeout(PATIENCE)
            client.sendall(greeting(b"CURVE")[:32] + b"\1" + bytes(31))
            heard = b""
            while len(heard) < HELLO_BYTES:
                heard += client.recv(4096)
    return heard


@contextmanager
def descriptors(count: int) -> Iterator[None]:
    """Have so many descriptors in this process while the block runs, as far as the system lets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass(slots=True)
class Crowd:
    """Everyone who has come; every other one says ``words``."""

    ports: Sequence[int]
    words: bytes
    members: list[socket.socket] = field(default_factory=list)

    def come(self, count: int) -> None:
        """Have so many more; return when all are connected, or were sent away."""
        for start in range(0, count, AT_ONCE):
            self._come(min(AT_ONCE, count - start))

    def _come(self, count: int) -> None:
        poll, pending = select.poll(), dict[int, socket.socket]()
        for number in range(count):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.ports[number % len(self.ports)]))
            pending[one.fileno()] = one
            poll.register(one, select.POLLOUT)
        self.members += pending.values()
        while pending:
            ready = poll.poll(PATIENCE * 1000)
            assert ready, f"{len(pending)} cannot connect"
            for descriptor, _ in ready:
                one = pending.pop(descriptor)
                poll.unregister(descriptor)
                self._speak(one)

    def _speak(self, one: socket.socket) -> None:
        if one.fileno() // 2 % 2:
            try:
                one.send(self.words)
            except OSError:
                return  # it was sent away: the broker's right

    def here(self) -> int:
        """Count those who are still connected; hang up on the others."""
        for one in [one for one in self.members if _is_over(one)]:
            one.close()
            self.members.remove(one)
        return len(self.members)

    def leave(self) -> None:
        """Hang up."""
        for one in self.members:
            one.close()
        self.members.clear()


def _is_over(one: socket.socket) -> bool:
    try:
        while one.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
