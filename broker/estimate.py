"""How long a task will take on a node, learned online. Pure.

An owner declares seconds on the reference core from the operation's cost and the
picture's megapixels. What is learned is one factor for each (node, recipe): observed
over declared, as an exponentially weighted mean. A node that has not run the recipe yet
is judged by the recipe's mean over all nodes, a recipe nobody has run by 1. Whatever nodes and
owners say, a factor is within bounds: others divide by it.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

from .messages import MemberId

K = TypeVar("K", bound=Hashable)

WEIGHT = 0.2
LIGHTER = 0.01  # in the mean over all nodes one attempt says less
SHORTEST = 20e-6
LEAST, MOST = 1e-6, 1e6
LARGEST_TABLE = 65_536


@dataclass(slots=True)
class Estimate:
    """Factors from declared to observed seconds."""

    by_node: dict[tuple[MemberId, str], float] = field(default_factory=dict)
    by_recipe: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def finished(self, recipe: str) -> int:
        """Return how many attempts of a recipe were observed."""
        return self.counts.get(recipe, 0)

    def usual(self, recipe: str, declared: float) -> float:
        """Return the seconds a slot will need, as the nodes that do most of the work go."""
        return max(declared, SHORTEST) * self.by_recipe.get(recipe, 1.0)

    def predict(self, node: MemberId, recipe: str, declared: float) -> float:
        """Return the seconds a slot of ``node`` will need."""
        factor = self.by_node.get((node, recipe))
        if factor is None:
            return self.usual(recipe, declared)
        return max(declared, SHORTEST) * factor

    def observe(self, node: MemberId, recipe: str, declared: float, seconds: float) -> None:
        """Learn from an attempt that took ``seconds``."""
        factor = _bounded(seconds / max(declared, SHORTEST))
        if len(self.counts) >= LARGEST_TABLE and recipe not in self.counts:
            del self.counts[next(iter(self.counts))]
        count = self.counts[recipe] = self.counts.get(recipe, 0) + 1
        _learn(self.by_node, (node, recipe), factor, WEIGHT)
        _learn(self.by_recipe, recipe, factor, max(1 / count, LIGHTER))

    def forget(self, node: MemberId) -> None:
        """Drop what is known of a node that left."""
        for key in [key for key in self.by_node if key[0] == node]:
            del self.by_node[key]


def _learn(table: dict[K, float], key: K, factor: float, weight: float) -> None:
    known = table.get(key)
    if known is not None:
        table[key] = _bounded(known + weight * (factor - known))
        return
    if len(table) >= LARGEST_TABLE:
        del table[next(iter(table))]
    table[key] = factor


def _bounded(factor: float) -> float:
    return min(MOST, max(LEAST, factor))
