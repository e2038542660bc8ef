"""Weights that tasks wait for: who is to fetch them, and from whom. Pure.

A node says which weights it has; what a batch needs is among the operations that it needs. Where
somebody has them, all who could do the batch with them fetch them there; where nobody has, one node
after the other is to get them from where they are published: a LAN downloads once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .messages import WEIGHTS_OF, MemberId
from .nodes import Node
from .placement import in_service
from .tasks import Batch

LOOK_EVERY = 1.0
AGAIN = 10.0
"""Seconds after which a node that has not begun, or that failed, is told again; then twice that."""

MOST_DOUBLINGS = 6


class Errand(NamedTuple):
    """What a node is to fetch, and who has it; None where nobody of the mesh has."""

    node: Node
    model: str
    holder: MemberId | None


def has_of(operations: Iterable[str], models: Iterable[str]) -> frozenset[str]:
    """Return all that a node has."""
    return frozenset(operations) | {f"{WEIGHTS_OF}{model}" for model in models}


class Telling(NamedTuple):
    """When a node was told last, and how often."""

    at: float
    times: int


NEVER = Telling(float("-inf"), 0)


@dataclass(slots=True)
class Stocking:
    """Who was told to fetch what, and when."""

    _told: dict[tuple[MemberId, str], Telling] = field(default_factory=dict)

    def errands(
        self, nodes: Mapping[MemberId, Node], batches: Iterable[Batch], now: float
    ) -> Iterator[Errand]:
        """Yield what is to be fetched now."""
        self._told = {key: told for key, told in self._told.items() if key[0] in nodes}
        here = [one for one in nodes.values() if not one.lease.suspect(now)]
        for model, lacking in _lacking(filter(in_service, here), batches).items():
            holders = [one for one in here if f"{WEIGHTS_OF}{model}" in one.has]
            if holders:
                due = [one for one in lacking if self._is_due(one, model, now)]
            else:
                due = self._next(lacking, model, now)
            for number, node in enumerate(due):
                self._told[node.id, model] = Telling(now, self._when(node, model).times + 1)
                holder = holders[number % len(holders)].id if holders else None
                yield Errand(node, model, holder)

    def _is_due(self, node: Node, model: str, now: float) -> bool:
        told = self._when(node, model)
        patience = AGAIN * 2 ** min(MOST_DOUBLINGS, max(0, told.times - 1))
        return not node.pulling and now - told.at >= patience

    def _when(self, node: Node, model: str) -> Telling:
        return self._told.get((node.id, model), NEVER)

    def _next(self, lacking: list[Node], model: str, now: float) -> list[Node]:
        """Return the one node that is to try next, unless one is at it."""
        asked = [one for one in lacking if one.pulling or not self._is_due(one, model, now)]
        if asked or not lacking:
            return []
        return [min(lacking, key=lambda one: (self._when(one, model).at, one.id))]


def _lacking(nodes: Iterable[Node], batches: Iterable[Batch]) -> dict[str, list[Node]]:
    """Return by model the nodes that lack nothing but weights for a batch that waits."""
    found: dict[str, dict[MemberId, Node]] = {}
    serving = list(nodes)
    for batch in batches:
        for node in serving:
            missing = batch.needs - node.has
            if missing and all(one.startswith(WEIGHTS_OF) for one in missing):
                for one in missing:
                    found.setdefault(one.removeprefix(WEIGHTS_OF), {})[node.id] = node
    return {model: list(many.values()) for model, many in sorted(found.items())}
