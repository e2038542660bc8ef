"""Who follows the mesh, and what each is told: all that there is at first, then what is new.

    ASK follow -> TELL whole, in pages;  each PERIOD: TELL change
    ASK follow again, naming the last number that came: it goes on; another number: all again

Everyone is told the same changes, counted by one number. Who has not asked for PATIENCE seconds
follows no longer. Pure: ``look`` makes a snapshot; messages are returned with whom they are for.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from .changes import Whole, change
from .members import Refused
from .messages import Message, Tell
from .sessions import Route
from .views import Snapshot

PERIOD = 0.5
PATIENCE = 10.0
GIVES_WAY = 3.0
"""Seconds of silence after which a follower makes room for another with its key."""

MOST_FOLLOWERS = 32
MOST_OF_ONE = 8
"""How many may follow with one key. Those of the local door have places of their own."""

WHOLE = "whole"
CHANGE = "change"
PAGE = 128 * 1024


@dataclass(frozen=True, slots=True)
class Follower:
    """With which key somebody follows, None at the local door; and when it was heard last."""

    key: bytes | None
    heard: float


@dataclass(slots=True, eq=False)
class Feed:
    """The followers, and what they have been told. ``look`` returns the mesh as it is."""

    look: Callable[[float], Snapshot]
    _followers: dict[Route, Follower] = field(default_factory=dict)
    _told: Snapshot | None = None
    _number: int = 0
    _due: float = float("inf")

    @property
    def due(self) -> float:
        """When there is something to tell; infinity for never."""
        return self._due

    def follow(self, route: Route, key: bytes | None, has: str, now: float) -> list[Message]:
        """Let somebody follow, or go on; ``has`` is the last number that came. Raises Refused.

        ``key`` is that of the connection, None at the local door.
        """
        self._drop_silent(now)
        known = route in self._followers
        if not known:
            self._demand_a_place(key, now)
        # Later changes are on their way: who misses one of them asks for all again.
        goes_on = known and has.isdecimal() and int(has) <= self._number
        self._followers[route] = Follower(key, now)
        if self._told is None:
            self._told, self._due = self.look(now), now + PERIOD
        if goes_on:
            return []
        whole = msgspec.msgpack.encode(Whole(self._number, self._told))
        return pages(WHOLE, whole)

    def tick(self, now: float) -> list[tuple[Route, Message]]:
        """Return what is to be told now."""
        if now < self._due:
            return []
        self._drop_silent(now)
        if not self._followers or self._told is None:
            self._told, self._due = None, float("inf")
            return []
        seen = self.look(now)
        self._number += 1
        body = msgspec.msgpack.encode(change(self._told, seen, self._number))
        self._told, self._due = seen, now + PERIOD
        return [(route, one) for route in self._followers for one in pages(CHANGE, body)]

    def leave(self, route: Route) -> None:
        """Let somebody follow no longer."""
        self._followers.pop(route, None)

    def _demand_a_place(self, key: bytes | None, now: float) -> None:
        own = {route: one.heard for route, one in self._followers.items() if one.key == key}
        if len(own) >= MOST_OF_ONE and now - min(own.values()) > GIVES_WAY:
            del self._followers[min(own, key=own.__getitem__)]  # closed, as it seems
        keys = [one.key for one in self._followers.values()]
        if keys.count(key) >= MOST_OF_ONE:
            follow = f"{MOST_OF_ONE} dashboards of this machine follow the mesh"
        elif key is not None and len(keys) - keys.count(None) >= MOST_FOLLOWERS:
            follow = f"{MOST_FOLLOWERS} dashboards follow the mesh"
        else:
            return
        raise Refused("refused", f"{follow} already", "close one, or look with 'pixmesh status'")

    def _drop_silent(self, now: float) -> None:
        for route, one in list(self._followers.items()):
            if now - one.heard > PATIENCE:
                del self._followers[route]


def pages(what: str, body: bytes) -> list[Message]:
    """Return an answer in as many messages as it takes."""
    parts = [body[i : i + PAGE] for i in range(0, len(body), PAGE)] or [b""]
    return [Tell(what, page, len(parts), part) for page, part in enumerate(parts)]
