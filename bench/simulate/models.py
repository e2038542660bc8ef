"""Cost models to hold against the broker's own: one that knows less, one that knows all.

``ByRecipe`` learns what a recipe costs, not where. ``Told`` learns nothing: it is told each
machine's speed, what others use of it at this moment, and what each recipe really costs.
"""

from collections.abc import Callable

from ...broker.estimate import Estimate
from ...broker.messages import MemberId
from .members import member_id
from .world import World


class ByRecipe(Estimate):
    """A task costs the same on every node."""

    def predict(self, node: MemberId, recipe: str, declared: float) -> float:  # noqa: ARG002
        """Return the seconds that tasks of the recipe usually need."""
        return self.usual(recipe, declared)


class Told(Estimate):
    """What a task costs is told; only its own noise is not."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        super().__init__()
        self._machines = {member_id(machine.name): machine for machine in world.machines}
        self._clock = clock
        self._factors = {
            batch.recipe: sum(batch.costs) / sum(batch.declared) for batch in world.batches
        }

    def predict(self, node: MemberId, recipe: str, declared: float) -> float:
        """Return the seconds that the task needs there if the load stays as it is."""
        machine = self._machines[node]
        speed = machine.speed * (1 - machine.others(self._clock()))
        return declared * self._factors[recipe] * machine.tastes.get(recipe, 1.0) / speed
