"""Who may decide in a simulation: the broker's scheduler with a cost model, or a baseline."""

from collections.abc import Callable
from random import Random

from ...broker.estimate import Estimate
from ...broker.scheduler import Scheduler
from .dealers import LeastLoaded, RoundRobin
from .models import ByRecipe, Told
from .simulation import EARLY, Policy
from .world import World

OURS = "pixmesh"
BASELINES = ("round robin", "least loaded")
MODELS = ("by recipe", "told")

Clock = Callable[[], float]


def policy(name: str, world: World, clock: Clock, seed: int) -> Policy:
    """Return a policy by its name; ``clock`` tells the virtual time, for who is told all."""
    random = Random(seed)
    match name:
        case "round robin":
            return RoundRobin()
        case "least loaded":
            return LeastLoaded(random)
        case "by recipe":
            return _scheduler(random, ByRecipe())
        case "told":
            return _scheduler(random, Told(world, clock))
        case _:
            return _scheduler(random, Estimate())


def _scheduler(random: Random, estimate: Estimate) -> Scheduler:
    return Scheduler(random=random, now=EARLY, estimate=estimate)
