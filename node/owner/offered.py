"""The references that nodes may fetch from an owner now.

Each has one token as long as the session lives, so that a batch asked again is the same batch; the
bytes are there for it while a job takes them that has no outcome.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...broker.messages import ReferenceItem
from .job import JobId, Source
from .tokens import Tokens


@dataclass(slots=True, eq=False)
class _Offer:
    """One reference, and whose it is now."""

    source: Source
    jobs: set[JobId] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Offered:
    """What is offered, by token."""

    tokens: Tokens
    _items: dict[bytes, ReferenceItem] = field(default_factory=dict)
    _offers: dict[bytes, _Offer] = field(default_factory=dict)
    _taken: dict[JobId, tuple[ReferenceItem, ...]] = field(default_factory=dict)

    def take(self, job: JobId, sources: Sequence[Source]) -> tuple[ReferenceItem, ...]:
        """Offer what a job takes until it has its outcome; return how nodes are told of it."""
        items = tuple(map(self._item, sources))
        for item, source in zip(items, sources, strict=True):
            self._offers.setdefault(item.token, _Offer(source)).jobs.add(job)
        if items:
            self._taken[job] = items
        return items

    def ended(self, job: JobId) -> None:
        """Offer no longer what this job alone took."""
        for item in self._taken.pop(job, ()):
            offer = self._offers[item.token]
            offer.jobs.discard(job)
            if not offer.jobs:
                del self._offers[item.token]

    def find(self, token: bytes) -> Source | None:
        """Return the bytes that a token lets out; None where it lets out none now."""
        offer = self._offers.get(token)
        return offer.source if offer is not None else None

    def _item(self, source: Source) -> ReferenceItem:
        digest = source.digest
        if digest not in self._items:
            self._items[digest] = ReferenceItem(self.tokens.next(), digest, source.size)
        return self._items[digest]
