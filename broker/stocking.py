"""Weights that tasks wait for: who is to fetch them, and from whom. Pure.

A node says which weights it has, and which of these it would have to load first; what a batch needs
is among the operations that it needs. Where somebody has them, all who could do the batch with them
fetch them there; where nobody has, one node after the other is to get them from where they are
published: a LAN downloads once. Who has them only loads them: meanwhile it does all else.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
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
    """What a node is to load, and from whom it has it first; None where it, or nobody, has it."""

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
        """Yield what is to be fetched, or loaded where it is, now."""
        self._told = {key: told for key, told in self._told.items() if _lacks(nodes, *key)}
        here = [one for one in nodes.values() if not one.lease.suspect(now)]
        free = [one for one in here if in_service(one) and one.kept_for is None]
        for model, want in _wants(free, batches).items():
            cold = [one for one in want.nodes if model in one.models]
            for node in self._to_load(model, cold, want.tasks, now):
                yield self._told_now(Errand(node, model, None), now)
            bare = [one for one in want.nodes if model not in one.models]
            holders = [one for one in here if model in one.models]
            for number, node in enumerate(self._to_fetch(model, bare, holders, now)):
                holder = holders[number % len(holders)].id if holders else None
                yield self._told_now(Errand(node, model, holder), now)

    def _to_load(self, model: str, cold: list[Node], tasks: int, now: float) -> list[Node]:
        """Return who is to load a model: as many nodes as there are tasks for it, at most."""
        at_it = sum(one.warming == model for one in cold)
        due = [one for one in cold if one.warming != model and self._is_due(one, model, now)]
        due.sort(key=lambda one: (self._when(one, model).at, one.id))
        return due[: max(0, tasks - at_it)]

    def _to_fetch(
        self, model: str, bare: list[Node], holders: list[Node], now: float
    ) -> list[Node]:
        """Return who is to fetch a model: all where somebody has it, else one after the other."""
        if holders:
            return [one for one in bare if not one.pulling and self._is_due(one, model, now)]
        return self._next(bare, model, now)

    def _told_now(self, errand: Errand, now: float) -> Errand:
        times = self._when(errand.node, errand.model).times + 1
        self._told[errand.node.id, errand.model] = Telling(now, times)
        return errand

    def _is_due(self, node: Node, model: str, now: float) -> bool:
        told = self._when(node, model)
        patience = AGAIN * 2.0 ** min(MOST_DOUBLINGS, max(0, told.times - 1))
        return now - told.at >= patience

    def _when(self, node: Node, model: str) -> Telling:
        return self._told.get((node.id, model), NEVER)

    def _next(self, lacking: list[Node], model: str, now: float) -> list[Node]:
        """Return the one node that is to try next, unless one is at it."""
        asked = [one for one in lacking if one.pulling or not self._is_due(one, model, now)]
        if asked or not lacking:
            return []
        return [min(lacking, key=lambda one: (self._when(one, model).at, one.id))]


def _lacks(nodes: Mapping[MemberId, Node], node: MemberId, model: str) -> bool:
    return node in nodes and f"{WEIGHTS_OF}{model}" not in nodes[node].has


class Want(NamedTuple):
    """The nodes that lack nothing but weights for batches that wait, and how many tasks do."""

    nodes: list[Node]
    tasks: int


def _wants(nodes: Collection[Node], batches: Iterable[Batch]) -> dict[str, Want]:
    """Return by model who lacks it."""
    found: dict[str, dict[MemberId, Node]] = {}
    tasks: dict[str, int] = {}
    for batch in batches:
        for model in _models(batch.needs):
            tasks[model] = tasks.get(model, 0) + len(batch.queue) + batch.aside
        for node in nodes:
            missing = batch.needs - node.has
            if missing and all(one.startswith(WEIGHTS_OF) for one in missing):
                for model in _models(missing):
                    found.setdefault(model, {})[node.id] = node
    return {model: Want(list(many.values()), tasks[model]) for model, many in sorted(found.items())}


def _models(needs: Iterable[str]) -> list[str]:
    return [one.removeprefix(WEIGHTS_OF) for one in needs if one.startswith(WEIGHTS_OF)]
