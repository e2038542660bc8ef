"""Connections behind which nobody has shown to be let in: only so many at a time. Pure.

    accepted --> stranger --spoke, or gone--> no stranger
                    |
                    +--one too many came--> shut: the oldest, if it had its moment, or the new one

Whoever may come in says so within a moment; whoever only connects would be kept until libzmq
gives up the handshake, and take the descriptors and the memory of members. Were the oldest
always shut, many members that come at once would shut each other out, again and again.
"""

import threading

MOMENT = 1.0


class Strangers:
    """Those of one door, by descriptor, in the order in which they came. For any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[int, float] = {}
        self._known: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def came(self, descriptor: int, now: float) -> int | None:
        """Note a new connection; return the one to shut, if it is one too many."""
        with self._lock:
            if descriptor in self._known:
                return None  # it spoke before this news of it was read
            self._waiting.pop(descriptor, None)
            self._waiting[descriptor] = now
            if len(self._waiting) <= self._most:
                return None
            oldest, since = next(iter(self._waiting.items()))
            surplus = oldest if now - since >= MOMENT else descriptor
            del self._waiting[surplus]
            return surplus

    def spoke(self, descriptor: int) -> None:
        """Note that somebody who was let in has said something over a connection."""
        with self._lock:
            self._known.add(descriptor)
            self._waiting.pop(descriptor, None)

    def gone(self, descriptor: int) -> None:
        """Note that a connection is no more."""
        with self._lock:
            self._known.discard(descriptor)
            self._waiting.pop(descriptor, None)
