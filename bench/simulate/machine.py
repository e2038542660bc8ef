"""A simulated machine: how much work a slot of it does by when, and when it is down.

Its speed drifts: every few seconds others may begin to use it, use it more, or stop. All
of that is drawn before the run, so that every policy meets the same machine, and the work
it could have done at most is known.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

STEP = 5.0  # seconds between two looks at whether others use it
CHANGES = 1 / 6  # how likely they then use it more, less, or not at all
IN_USE = 0.5  # how likely they then use it at all
NEVER = float("inf")


@dataclass(slots=True, eq=False)
class Machine:
    """What was drawn of a machine. Speeds are reference seconds a second, per slot.

    ``shares`` is what others use of it, step by step, and what they use after the last
    step. ``done`` is what one slot could have done by the beginning of each step.
    ``tastes`` are how much longer than elsewhere a recipe takes here.
    """

    name: str
    slots: int
    speed: float
    shares: list[float]
    has: frozenset[str] = frozenset()
    down: float = NEVER
    back: float = NEVER
    delay: float = 0.001
    tastes: Mapping[str, float] = field(default_factory=dict)
    done: list[float] = field(init=False)

    def __post_init__(self) -> None:
        steps = (STEP * self.speed * (1 - share) for share in self.shares[:-1])
        self.done = list(accumulate(steps, initial=0.0))

    def others(self, now: float) -> float:
        """Return the share of the machine that others use."""
        return self.shares[self._step(now)]

    def ends(self, start: float, work: float) -> float:
        """Return when a slot that begins ``work`` reference seconds now is through."""
        until = self._done_by(start) + work
        step = bisect_right(self.done, until) - 1
        return STEP * step + (until - self.done[step]) / self._rate(step)

    def capacity(self, until: float) -> float:
        """Return the reference seconds that all of its slots could do, down time left out."""
        up = self._done_by(min(until, self.down))
        if until > self.back:
            up += self._done_by(until) - self._done_by(self.back)
        return self.slots * up

    def _done_by(self, now: float) -> float:
        step = self._step(now)
        return self.done[step] + (now - STEP * step) * self._rate(step)

    def _step(self, now: float) -> int:
        return min(int(max(now, 0.0) / STEP), len(self.shares) - 1)

    def _rate(self, step: int) -> float:
        return self.speed * (1 - self.shares[step])


def draw_shares(random: Random, most: float, steps: int) -> list[float]:
    """Draw what others use of a machine, step by step."""
    shares = [_draw_share(random, most)]
    for _ in range(steps):
        changes = random.random() < CHANGES
        shares.append(_draw_share(random, most) if changes else shares[-1])
    return shares


def _draw_share(random: Random, most: float) -> float:
    return random.uniform(0.0, most) if random.random() < IN_USE else 0.0
