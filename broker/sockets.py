"""Waiting at zmq sockets; taking messages off them and putting them on without waiting.

libzmq tells by exceptions what is the normal case here (nothing more to read), and an
exception costs more than a small message; so it is asked first.
"""

import select
import socket as sockets
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import zmq
from zmq.utils import z85

from .wire import Buffer

Socket = zmq.Socket[bytes]

EVENTS = int(zmq.EVENTS)
READABLE = int(zmq.POLLIN)
MOST_EVENTS = 64
MOST_FRAMES = 4  # more than any message has: a surplus is read and dropped
NOW = int(zmq.DONTWAIT)
NOW_AND_MORE = int(zmq.DONTWAIT | zmq.SNDMORE)


# A monitor's event and its value. pyzmq reads them in a module that loads asyncio.
MONITOR_EVENT = struct.Struct("=hi")


class Peer(NamedTuple):
    """A connection: its descriptor here, and the address at its other end."""

    descriptor: int
    address: str


def peer_of(frame: zmq.Frame) -> Peer:
    """Return the connection that a frame came by."""
    return Peer(int(frame.get(zmq.SRCFD)), str(frame.get("Peer-Address")))


def key_of(route: zmq.Frame) -> bytes:
    """Return the key that libzmq authenticated for the connection a frame came from."""
    return bytes(z85.decode(str(route.get("User-Id"))))


def shut(peer: Peer) -> None:
    """Shut a connection that libzmq holds, which has no call for it; its own thread then ends it.

    Where the number is another's by now, nothing happens.
    """
    if peer.address:
        hang_up(peer.descriptor, to=peer.address.split("%")[0])


def hang_up(descriptor: int, *, to: str = "") -> None:
    """Shut whatever connection has this number; only if it leads ``to`` there, where that is said.

    It takes no descriptor of our own: there may be none left.
    """
    with suppress(OSError):
        one = sockets.socket(fileno=descriptor)
        try:
            there = one.getpeername()
            if not to or (isinstance(there, tuple) and there[0].split("%")[0] == to):
                one.shutdown(sockets.SHUT_RDWR)
        finally:
            one.detach()


class Watch:
    """Waits until something can be done at one of a few sockets.

    zmq_poll asks every socket four times a turn. Here each is asked once, since what was
    done with it may have taken in the news that its descriptor tells; then the kernel
    waits at the descriptors. A woken process with cold caches saves 20 to 40 us.
    """

    def __init__(self) -> None:
        self._poller = select.poll() if hasattr(select, "poll") else zmq.Poller()
        self._sockets: dict[int, tuple[Socket, int]] = {}
        self._descriptors: dict[Socket, int] = {}

    def add(self, socket: Socket, flags: int = READABLE) -> None:
        """Wait at this socket too, or with other flags from now on."""
        descriptor = self._descriptors.get(socket)
        if descriptor is None:
            descriptor = self._descriptors[socket] = int(socket.getsockopt(zmq.FD))
            self._poller.register(descriptor, READABLE)
        self._sockets[descriptor] = (socket, flags)

    def add_descriptor(self, descriptor: int) -> None:
        """Wait at what is no zmq socket."""
        self._poller.register(descriptor, READABLE)

    def remove(self, socket: Socket) -> None:
        """Wait at it no longer; it may be closed already."""
        descriptor = self._descriptors.pop(socket)
        del self._sockets[descriptor]
        self._poller.unregister(descriptor)

    def wait(self, timeout_ms: int) -> list[object]:
        """Return the sockets and descriptors at which there may be something to do."""
        ready: list[object] = [
            socket
            for socket, flags in self._sockets.values()
            if int(socket.getsockopt(EVENTS)) & flags
        ]
        for descriptor, _ in self._poller.poll(0 if ready else timeout_ms):
            known = self._sockets.get(descriptor)
            ready.append(descriptor if known is None else known[0])
        return ready


def arrived(socket: Socket, most: int) -> Iterator[list[zmq.Frame]]:
    """Yield at most ``most`` messages that are here, as frames, none copied."""
    for _ in range(most):
        if not int(socket.getsockopt(EVENTS)) & READABLE:
            return
        frame = socket.recv(NOW, copy=False)
        frames = [frame]
        while frame.more:
            frame = socket.recv(NOW, copy=False)
            if len(frames) <= MOST_FRAMES:
                frames.append(frame)
        yield frames


def happened(monitor: Socket) -> Iterator[tuple[int, int]]:
    """Yield what a socket's monitor has told: events, each with its value."""
    for frame, *_ in arrived(monitor, MOST_EVENTS):
        yield MONITOR_EVENT.unpack(frame.buffer)


def put(socket: Socket, frames: Sequence[Buffer | zmq.Frame]) -> None:
    """Send a message whole. Raises zmq.Again when it is not taken now, ZMQError.

    A received frame is passed on as it is. Bytes are copied: to lend libzmq a chunk's bytes
    takes 100 to 200 us more than to copy them.
    """
    for frame in frames[:-1]:
        socket.send(frame, NOW_AND_MORE)
    socket.send(frames[-1], NOW)
