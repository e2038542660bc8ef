"""Attempts that take far longer than predicted: while slots idle, each gets one copy elsewhere.

Pure. The first result of the two counts; the other attempt is left to finish and ignored,
since cancelling native code would mean ending its slot.
"""

from collections.abc import Iterable

from .estimate import Estimate
from .tasks import Attempt

LOOK_EVERY = 0.5
FACTOR = 3.0
SHORTEST = 1.0
ENOUGH = 10  # tasks of the recipe that ended: before that no prediction is worth it


def stragglers(attempts: Iterable[Attempt], estimate: Estimate, now: float) -> list[Attempt]:
    """Return the attempts that deserve a copy, the latest first."""
    late = [attempt for attempt in attempts if is_late(attempt, estimate, now)]
    return sorted(late, key=lambda attempt: (attempt.given - now) / attempt.due)


def is_late(attempt: Attempt, estimate: Estimate, now: float) -> bool:
    """Whether an attempt has taken so long that another node is worth a try."""
    task, elapsed = attempt.task, now - attempt.given
    return (
        elapsed > SHORTEST
        and elapsed > FACTOR * attempt.due
        and attempt.end is None
        and len(task.live) == 1
        and not (task.suspect or task.cancelled)
        and estimate.finished(task.batch.work.recipe) >= ENOUGH
    )
