"""The desk: answers what is asked and carries out what is ordered, by what the asker may.

Owns no socket. A question is one ASK, its answer TELL in pages, or an ERROR that says why not.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from . import orders
from .feed import Feed, pages
from .members import EVERYTHING, Refused
from .messages import Ask, Error, MemberId, Message
from .previews import Previews
from .scheduler import Scheduler
from .sessions import Route
from .status import NOWHERE, snapshot
from .views import Looked, Snapshot
from .why import why

if TYPE_CHECKING:
    from .admission import Admission

log = logging.getLogger(__name__)

LINE = 1000  # letters of a text in a message
NOTED = frozenset({"drain", "resume", "pause", "unpause", "retry", "approve", "forget"})
"""What people do that others may want to have seen."""


class Asker(NamedTuple):
    """Who asks: the key of its connection, None at the local door; and what it may."""

    key: bytes | None
    roles: frozenset[str]


TRUSTED = Asker(None, EVERYTHING)


@dataclass(slots=True)
class Counters:
    """What the loop dropped, for status."""

    malformed: int = 0
    refused: int = 0


@dataclass(slots=True)
class Desk:
    """What answers are made of.

    ``admission`` is None and ``relay``, its port, 0 where there is no network door.
    ``addresses`` tells where members are.
    """

    scheduler: Scheduler
    version: Callable[[], str]
    address: Callable[[], str]
    wall: Callable[[], float]
    relay: int = 0
    admission: "Admission | None" = None
    counters: Counters = field(default_factory=Counters)
    addresses: Callable[[], Mapping[MemberId, str]] = lambda: NOWHERE
    previews: Previews = field(default_factory=Previews)
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed(self._status)

    def asker(self, key: bytes | None) -> Asker:
        """Return who asks, by the key of a network connection; None at the local door."""
        if key is None or self.admission is None:
            return TRUSTED if key is None else Asker(key, EVERYTHING)
        return Asker(key, self.admission.roles(key))

    def answers(
        self, ask: Ask, asker: Asker, now: float, route: Route | None = None
    ) -> list[Message]:
        """Return what to say to a question; ``route`` is where it came from, to go on telling."""
        try:
            if ask.what == "follow" and route is not None:
                return self._follow(route, asker, ask.about, now)
            body = msgspec.msgpack.encode(self._told(ask, asker, now))
        except Refused as error:
            self.counters.refused += 1
            log.info("%s refused: %s", ask.what, error)
            return [_refusal(error)]
        except OSError as error:
            log.exception("%s cannot be kept", ask.what)
            text = f"the broker cannot write it down: {error.strerror or error}"
            return [Error(code="refused", text=text, remedy="look at the broker's disk")]
        return pages(ask.what, body)

    def _follow(self, route: Route, asker: Asker, has: str, now: float) -> list[Message]:
        try:
            self._demand("follow", asker)
        except Refused:
            self.feed.leave(route)
            raise
        return self.feed.follow(route, asker.key, has, now)

    def _told(self, ask: Ask, asker: Asker, now: float) -> object:
        if ask.what == "join":
            return self._door().join(asker.key or b"", ask, self._names())
        self._demand(ask.what, asker)
        match ask.what:
            case "why":
                return why(self.scheduler, ask.about, now)
            case "status":
                return self._status(now)
            case "preview":
                return self._preview(ask.about, now)
            case what if what in orders.ORDERS:
                told: object = orders.ORDERS[what](self.scheduler, ask.about)
            case _:
                told = self._door().told(ask, self._names())
        log.info("told to %s %s", ask.what, ask.about)
        if ask.what in NOTED:
            self.scheduler.chronicle.tell("told", ask.about, str(told), now)
        if ask.what == "forget":
            self.scheduler.chronicle.forget([ask.about])
        return told

    def _preview(self, name: str, now: float) -> Looked:
        here = (one.id for one in self.scheduler.nodes.values() if one.hello.name == name)
        node = next(here, None)
        return Looked(name, self.previews.wanted(node, now) if node is not None else None)

    def _demand(self, what: str, asker: Asker) -> None:
        if self.admission is not None:
            self.admission.demand(what, asker.roles)

    def _door(self) -> "Admission":
        if self.admission is None:
            raise Refused("refused", "nobody joins an embedded mesh", "start one: 'pixmesh up'")
        return self.admission

    def _names(self) -> Collection[str]:
        """Return what nodes are called that came without joining: this user's own."""
        known = self.admission.members.members if self.admission is not None else {}
        hellos = (node.hello for node in self.scheduler.nodes.values())
        return {hello.name for hello in hellos if hello.key not in known}

    def _status(self, now: float) -> Snapshot:
        shown = snapshot(
            self.scheduler,
            now,
            broker=self.address(),
            version=self.version(),
            malformed=self.counters.malformed,
            refused=self.counters.refused,
            addresses=self.addresses(),
        )
        if self.admission is None:
            return shown
        return msgspec.structs.replace(
            shown,
            members=self.admission.members_shown(),
            waiting=self.admission.waiting_shown(),
            wall=self.wall(),
            relay=self.relay,
        )


def _refusal(error: Refused) -> Error:
    """Return a refusal in words: no longer than a message takes, whatever is named in it."""
    return Error(error.code, str(error)[:LINE], error.remedy[:LINE])
