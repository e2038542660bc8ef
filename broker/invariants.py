"""What is always true of the scheduler's state between two events; tests check it.

Each task is in exactly one place, and every sum equals what it sums.
"""

from math import isclose
from typing import TYPE_CHECKING

from .messages import TaskId
from .tasks import Node, Owner, Place, Task

if TYPE_CHECKING:
    from .scheduler import Scheduler


class Violation(AssertionError):
    """The scheduler's state contradicts itself."""


def check(scheduler: "Scheduler") -> None:
    """Raise Violation with what is wrong."""
    for owner in scheduler.owners.values():
        _check_owner(scheduler, owner)
    for node in scheduler.nodes.values():
        _check_node(node)
    held = sum(len(node.active) + len(node.ended) for node in scheduler.nodes.values())
    _demand(held == len(scheduler.tasks.attempts), "an attempt is held by no node, or by two")
    for batch in scheduler.tasks.fairness:
        _demand(bool(batch.queue), "a batch without work waits to be served")


def _check_owner(scheduler: "Scheduler", owner: Owner) -> None:
    for key, task in owner.tasks.items():
        _demand(key == task.item.id, "a task is filed under another's id")
        _check_task(scheduler, task)
    queued = [task for batch in owner.batches.values() for task in batch.queue]
    waiting = [task for task in owner.tasks.values() if task.place is Place.WAITING]
    _demand(len(queued) == len(waiting), "the queues hold other tasks than those that wait")
    for task in owner.unsettled.values():
        _demand(owner.tasks.get(TaskId(task.item.id)) is task, "an end without its task")
    for batch in owner.batches.values():
        placed = [t for t in owner.tasks.values() if t.batch is batch and t.place is Place.PLACED]
        _demand(batch.placed == len(placed), "a batch miscounts its placed tasks")


def _check_task(scheduler: "Scheduler", task: Task) -> None:
    attempt = task.attempt
    match task.place:
        case Place.WAITING:
            _demand(attempt is None, "a waiting task has an attempt")
            _demand(task in task.batch.queue, "a waiting task is in no queue")
        case Place.PLACED:
            if attempt is None or scheduler.tasks.attempts.get(attempt.id) is not attempt:
                raise Violation("a placed task has no attempt")
            _demand(attempt.id in attempt.node.active, "a placed task's node does not hold it")
        case Place.ENDED:
            _demand(task.end is not None or attempt is not None, "an ended task has no end to tell")


def _check_node(node: Node) -> None:
    _demand(not node.active.keys() & node.ended.keys(), "an attempt is active and ended")
    for attempt in [*node.active.values(), *node.ended.values()]:
        _demand(attempt.node is node, "a node holds another's attempt")
        _demand(attempt.task.attempt is attempt, "a node holds an attempt its task gave up")
    kept = sum(attempt.kept for attempt in node.ended.values())
    _demand(node.kept == kept, "a node's kept results do not add up")
    reserved = sum(attempt.task.item.memory for attempt in node.active.values())
    _demand(node.reserved == reserved, "a node's reservations do not add up")
    backlog = sum(attempt.predicted for attempt in node.active.values())
    _demand(isclose(node.backlog, backlog, abs_tol=1e-6), "a node's backlog does not add up")


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise Violation(what)
