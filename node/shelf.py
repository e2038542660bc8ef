"""Which references a node has, which are on their way, and who waits for them. Pure.

    a reference   (absent) --Fetch--> COMING --came--> HERE --room is needed--> Discard (absent)
                                        | failed: the next offer is asked; after the last: absent

    an attempt    WAITING --room for all it takes--> ADMITTED --all of it is here--> its pixels
                                                        | one cannot be had --> returned

Attempts are admitted in the order in which they came: one that takes much is never passed over
for ever. Only what an admitted attempt still needs is safe from being discarded, so that whatever
is admitted can go on. A reference is known by its digest, whoever offers it.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..broker.messages import REFERENCE_BYTES, MemberId

ROOM = 256 * 1024 * 1024

Digest = bytes


@dataclass(frozen=True, slots=True)
class Offer:
    """Where a reference can be had: the owner, its token, and how large it is said to be."""

    owner: MemberId
    token: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Begin to fetch this."""

    digest: Digest
    offer: Offer


@dataclass(frozen=True, slots=True)
class Discard:
    """Remove this file."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class Ready:
    """All that this attempt takes is here."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Lost:
    """This attempt cannot have what it takes here: a code, and why."""

    attempt: int
    code: str
    why: str


Step = Fetch | Discard | Ready | Lost


@dataclass(slots=True, eq=False)
class _Coming:
    """A reference on its way: from the first of its offers, for these attempts."""

    offers: deque[Offer]
    attempts: dict[int, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Shelf:
    """The references of one node. ``is_over`` says of an attempt that it needs nothing any more.

    ``here`` has their sizes, the least recently used first.
    """

    is_over: Callable[[int], bool]
    room: int = ROOM
    here: "OrderedDict[Digest, int]" = field(default_factory=OrderedDict)
    _coming: dict[Digest, _Coming] = field(default_factory=dict)
    _waiting: deque[tuple[int, dict[Digest, Offer]]] = field(default_factory=deque)
    _admitted: dict[int, frozenset[Digest]] = field(default_factory=dict)
    _missing: dict[int, set[Digest]] = field(default_factory=dict)

    def want(self, attempt: int, offers: dict[Digest, Offer]) -> None:
        """Let an attempt wait for what it takes."""
        self._waiting.append((attempt, offers))

    def steps(self) -> list[Step]:
        """Return what is to be done now, in this order."""
        steps: list[Step] = []
        if self._waiting:
            self._forget_the_over()
        while self._waiting:
            attempt, offers = self._waiting[0]
            if self.is_over(attempt):
                self._waiting.popleft()
                continue
            if _bytes(offers) > REFERENCE_BYTES:
                steps.append(Lost(attempt, "size", "its references are larger than may travel"))
            else:
                gone = self._room_for(offers)
                if gone is None:
                    break
                steps += [*map(Discard, gone), *self._admit(attempt, offers)]
            self._waiting.popleft()
        return steps

    def came(self, digest: Digest) -> list[Ready]:
        """Take in that a reference is here, and is what it should be."""
        coming = self._coming.pop(digest)
        self.here[digest] = coming.offers[0].size
        ready = []
        for attempt in coming.attempts:
            missing = self._missing.get(attempt, set())
            missing.discard(digest)
            if not missing and self._missing.pop(attempt, None) is not None:
                ready.append(Ready(attempt))
        return ready

    def failed(self, digest: Digest, code: str, why: str) -> list[Step]:
        """Take in that an offer was none: the next one is asked, or nobody can have it."""
        coming = self._coming[digest]
        coming.offers.popleft()
        if coming.offers:
            return [Fetch(digest, coming.offers[0])]
        del self._coming[digest]
        waiting = [attempt for attempt in coming.attempts if attempt in self._missing]
        return [self._lost(attempt, code, why) for attempt in waiting]

    def spoilt(self, digests: Iterable[Digest]) -> list[Discard]:
        """Take in that a slot could not use what should be here: it is fetched anew."""
        return [Discard(one) for one in digests if self.here.pop(one, None) is not None]

    # ---- inside ---------------------------------------------------------------------

    def _admit(self, attempt: int, offers: dict[Digest, Offer]) -> list[Step]:
        self._admitted[attempt] = frozenset(offers)
        missing: set[Digest] = set()
        steps: list[Step] = []
        for digest, offer in offers.items():
            if digest in self.here:
                self.here.move_to_end(digest)
                continue
            missing.add(digest)
            coming = self._coming.get(digest)
            if coming is None:
                coming = self._coming[digest] = _Coming(deque([offer]))
                steps.append(Fetch(digest, offer))
            elif offer not in coming.offers:
                coming.offers.append(offer)
            coming.attempts[attempt] = None
        if not missing:
            return [Ready(attempt)]
        self._missing[attempt] = missing
        return steps

    def _room_for(self, offers: dict[Digest, Offer]) -> list[Digest] | None:
        """Forget what is needed least so that these fit; None where they do not fit yet."""
        taken, gone = self._taken(), []
        more = [
            max(0, offer.size - taken.get(digest, 0))
            for digest, offer in offers.items()
            if digest not in self.here
        ]
        excess = sum(taken.values()) + sum(more) - self.room
        if not any(more) or excess <= 0:
            return []
        needed = frozenset(offers).union(*self._admitted.values())
        for digest, size in self.here.items():
            if excess > 0 and digest not in needed:
                gone.append(digest)
                excess -= size
        if excess > 0:
            return None
        for digest in gone:
            del self.here[digest]
        return gone

    def _taken(self) -> dict[Digest, int]:
        """Return what takes room, or is about to; of several offers the largest counts."""
        coming = {
            digest: max(offer.size for offer in one.offers) for digest, one in self._coming.items()
        }
        return {**self.here, **coming}

    def _forget_the_over(self) -> None:
        for attempt in [one for one in self._admitted if self.is_over(one)]:
            del self._admitted[attempt]
            self._missing.pop(attempt, None)

    def _lost(self, attempt: int, code: str, why: str) -> Lost:
        self._missing.pop(attempt, None)
        self._admitted.pop(attempt, None)
        return Lost(attempt, code, why)


def _bytes(offers: dict[Digest, Offer]) -> int:
    return sum(offer.size for offer in offers.values())
