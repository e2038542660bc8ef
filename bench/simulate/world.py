"""A drawn mesh and its work, and the bound on how soon it can be done.

Drawn before anything runs, so that each policy meets the same machines, the same failures
and the same tasks. Work is counted in reference seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...broker.messages import TaskItem
from .machine import Machine

PRECISION = 0.001
LONGEST = 1e5


@dataclass(slots=True)
class Batch:
    """Tasks of one recipe, numbered from ``first``: what each is declared to cost, and costs."""

    recipe: str
    needs: frozenset[str]
    first: int
    declared: list[float]
    costs: list[float]

    def scale(self, factor: float) -> None:
        """Make all of its tasks longer, or shorter."""
        self.declared = [seconds * factor for seconds in self.declared]
        self.costs = [seconds * factor for seconds in self.costs]

    def items(self, start: int, stop: int) -> tuple[TaskItem, ...]:
        """Return some of its tasks as an owner submits them."""
        return tuple(
            TaskItem(
                id=number.to_bytes(16, "big"),
                token=bytes(16),
                size=1,
                digest=bytes(32),
                seconds=seconds,
                memory=1,
            )
            for number, seconds in enumerate(self.declared[start:stop], self.first + start)
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """What one owner asks for, and from when on."""

    name: str
    batch: Batch
    starts: float = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """Machines, and what is asked of them."""

    machines: Sequence[Machine]
    asks: Sequence[Ask]

    @property
    def batches(self) -> list[Batch]:
        """All of the batches, in the order of their tasks' numbers."""
        return [ask.batch for ask in self.asks]

    def scale_to(self, bound: float) -> None:
        """Make the work as much as could be done until then."""
        done = min(_capacity(self._able(needs), bound) / self._work(needs) for needs in self._kinds)
        for batch in self.batches:
            batch.scale(done)

    def bound(self) -> float:
        """Return a makespan below which no policy can get.

        All of the work has all of the nodes, each as long as it is up; the work that needs
        an operation has the nodes with that; and a task has the node that ends it first.
        """
        fluid = max(self._bound(needs) for needs in self._kinds)
        return max(fluid, *(self._largest(batch) for batch in self.batches))

    @property
    def _kinds(self) -> set[frozenset[str]]:
        return {frozenset(), *(batch.needs for batch in self.batches)}

    def _work(self, needs: frozenset[str]) -> float:
        return sum(sum(batch.costs) for batch in self.batches if needs <= batch.needs)

    def _able(self, needs: frozenset[str]) -> list[Machine]:
        return [machine for machine in self.machines if needs <= machine.has]

    def _bound(self, needs: frozenset[str]) -> float:
        work, able = self._work(needs), self._able(needs)
        low, high = 0.0, LONGEST
        while high - low > PRECISION:
            middle = (low + high) / 2
            low, high = (middle, high) if _capacity(able, middle) < work else (low, middle)
        return high

    def _largest(self, batch: Batch) -> float:
        return min(machine.ends(0.0, max(batch.costs)) for machine in self._able(batch.needs))


def _capacity(machines: Iterable[Machine], until: float) -> float:
    return sum(machine.capacity(until) for machine in machines)
