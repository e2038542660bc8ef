"""Attempts that another node would end sooner: while slots idle, each gets one copy elsewhere.

Pure. What an attempt will still take is what its node was predicted to take, less the time
that went by; one that is late is taken to be late by as much again. The first result of
the two counts; the other attempt is left to finish and ignored, since cancelling native
code would mean ending its slot.
"""

from collections.abc import Iterable
from heapq import nlargest

from .estimate import Estimate
from .tasks import Attempt

LOOK_EVERY = 0.5
SAVES = 1.25  # how many times sooner a copy must be predicted to end
LATE = 0.5  # of its due time: what a late attempt takes at least
SHORTEST = 1.0
ENOUGH = 10  # tasks of the recipe that ended: before that no prediction is worth it
MOST = 512  # copies made at one look


def stragglers(
    attempts: Iterable[Attempt], estimate: Estimate, now: float
) -> list[tuple[float, Attempt]]:
    """Return the attempts that may be copied, and the seconds each still takes; longest first."""
    known = (attempt for attempt in attempts if may_be_copied(attempt, estimate, now))
    left = ((remaining(attempt, estimate, now), attempt) for attempt in known)
    return nlargest(MOST, left, key=lambda pair: pair[0])


def may_be_copied(attempt: Attempt, estimate: Estimate, now: float) -> bool:
    """Whether an attempt is the only one of its task, and enough is known to judge it."""
    task = attempt.task
    return (
        now - attempt.given > SHORTEST
        and attempt.end is None
        and len(task.live) == 1
        and not (task.suspect or task.cancelled)
        and estimate.finished(task.batch.work.recipe) >= ENOUGH
    )


def remaining(attempt: Attempt, estimate: Estimate, now: float) -> float:
    """Return the seconds that an attempt still takes, as far as anyone can tell."""
    task = attempt.task
    recipe, declared = task.batch.work.recipe, task.item.seconds
    due = attempt.due - attempt.predicted + estimate.predict(attempt.node.id, recipe, declared)
    left = due - (now - attempt.given)
    return left if left > 0 else max(-left, LATE * due)
