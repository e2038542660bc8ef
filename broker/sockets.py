"""Taking messages off zmq sockets and putting them on, without waiting.

libzmq tells by exceptions what is the normal case here (nothing more to read), and an
exception costs more than a small message; so it is asked first.
"""

from collections.abc import Iterator

import zmq

from .wire import Buffer

Socket = zmq.Socket[bytes]

EVENTS = int(zmq.EVENTS)
READABLE = int(zmq.POLLIN)
MOST_FRAMES = 4  # more than any message has: a surplus is read and dropped
NOW = int(zmq.DONTWAIT)
NOW_AND_MORE = int(zmq.DONTWAIT | zmq.SNDMORE)


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


def put(socket: Socket, frames: list[Buffer], *, copy: bool = True) -> None:
    """Send a message whole. Raises zmq.Again when it is not taken now, ZMQError."""
    for frame in frames[:-1]:
        socket.send(frame, NOW_AND_MORE, copy=copy)
    socket.send(frames[-1], NOW, copy=copy)
