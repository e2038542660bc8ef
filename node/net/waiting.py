"""Where a member waits: at its connection's sockets as they are now, and at others.

Which sockets a connection has changes with each new session; that is followed here, so
that the loops of agents and owners do not.
"""

import zmq

from ...broker.sockets import Socket, Watch
from .connection import Connection


class Waiting:
    """One loop's place to wait."""

    def __init__(self, connection: Connection, wake: int, *others: Socket) -> None:
        self._connection = connection
        self._watch = Watch()
        self._watch.add_descriptor(wake)
        for other in others:
            self._watch.add(other)
        self._known: list[Socket] = []
        self._writing = False

    def wait(self, timeout_ms: int, *, writing: bool) -> list[object]:
        """Return where there may be something to do; ``writing`` waits for the relay's room."""
        if self._connection.changed() or writing is not self._writing:
            self._writing = writing
            self._follow()
        return self._watch.wait(timeout_ms)

    def _follow(self) -> None:
        for socket in self._known:
            self._watch.remove(socket)
        control, relay = self._connection.control, self._connection.relay
        self._known = [control, self._connection.monitor]
        for socket in self._known:
            self._watch.add(socket)
        if relay is not None:
            self._known.append(relay)
            flags = zmq.POLLIN | (zmq.POLLOUT if self._writing else 0)
            self._watch.add(relay, int(flags))
