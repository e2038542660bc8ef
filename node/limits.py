"""How long an attempt may run before its slot is ended. Pure.

Its limit is twenty times what it was predicted to take, a minute at least. What a slot
does before it runs anything (it starts, it warms) does not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from .cell import IDLE

LEAST = 60.0
FACTOR = 20.0


def limit(predicted: float) -> float:
    """Return the seconds that an attempt may run, from those it was predicted to."""
    return max(LEAST, FACTOR * predicted)


class Running(NamedTuple):
    """What a slot runs, and since when that is known."""

    attempt: int
    since: float


@dataclass(slots=True)
class Limits:
    """What each slot runs, as it was seen at each look."""

    running: dict[str, Running] = field(default_factory=dict)

    def overrun(
        self, slots: Mapping[str, int], predicted: Mapping[int, float], now: float
    ) -> dict[str, float]:
        """Return the slots whose attempt has run too long, with its limit.

        ``slots`` says which attempt each slot runs now, ``predicted`` how long each was
        predicted to take.
        """
        before, self.running = self.running, {}
        over = {}
        for slot, attempt in slots.items():
            if attempt == IDLE:
                continue
            known = before.get(slot)
            if known is None or known.attempt != attempt:
                known = Running(attempt, now)
            self.running[slot] = known
            most = limit(predicted.get(attempt, 0.0))
            if now - known.since >= most:
                over[slot] = most
        return over
