"""What is always true of the scheduler's state between two events; tests check it.

Each task is in exactly one place, and every sum equals what it sums.
"""

from math import isclose
from typing import TYPE_CHECKING

from .lifecycle import MOST_ATTEMPTS
from .messages import TaskId
from .nodes import Node
from .tasks import Batch, Owner, Place, Task

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
    _check_kept(scheduler)


def _check_owner(scheduler: "Scheduler", owner: Owner) -> None:
    for key, task in owner.tasks.items():
        _demand(key == task.id, "a task is filed under another's id")
        _check_task(scheduler, task)
    for task in owner.unsettled.values():
        _demand(owner.tasks.get(TaskId(task.item.id)) is task, "an end without its task")
    for batch in owner.batches.values():
        _check_batch(batch, [task for task in owner.tasks.values() if task.batch is batch])
    inline = sum(len(task.item.inline or b"") for task in owner.tasks.values())
    _demand(owner.bytes == inline, "an owner's inline bytes do not add up")


def _check_batch(batch: Batch, tasks: list[Task]) -> None:
    count = {place: sum(task.place is place for task in tasks) for place in Place}
    _demand(batch.open == len(tasks), "a batch miscounts its tasks")
    _demand(len(batch.queue) == count[Place.WAITING], "the queue holds others than those waiting")
    _demand(batch.placed == count[Place.PLACED], "a batch miscounts its placed tasks")
    _demand(batch.aside == count[Place.ASIDE], "a batch miscounts its tasks set aside")
    _demand(batch.awaited == count[Place.AWAITED], "a batch miscounts its awaited tasks")


def _check_task(scheduler: "Scheduler", task: Task) -> None:
    tables = scheduler.tasks
    _demand(task.place is not Place.NOWHERE, "a task is nowhere")
    _demand((task.place is Place.PLACED) == bool(task.live), "placed, and nothing is under way")
    _demand((task.place is Place.ENDED) or task.kept is None, "a result of what has no end")
    _demand(task.tries <= MOST_ATTEMPTS + 1, "a task was tried too often")
    _demand((task.place is Place.ASIDE) == (task in set(tables.aside)), "aside and not, a task")
    for attempt in task.live:
        _demand(tables.attempts.get(attempt.id) is attempt, "a live attempt is not known")
        _demand(attempt.id in attempt.node.active, "a live attempt's node does not hold it")
    match task.place:
        case Place.WAITING:
            _demand(task.batch.queue.get(task.id) is task, "a waiting task is in no queue")
            _demand(not (task.suspect or task.avoids), "a suspect waits among the others")
        case Place.AWAITED:
            known = any(task in tasks for tasks in tables.awaited.nodes.values())
            _demand(known, "an awaited task waits for no node")
        case Place.ENDED:
            _demand(task.end is not None or task.kept is not None, "an ended task has no end")
        case _:
            pass


def _check_node(node: Node) -> None:
    _demand(not node.active.keys() & node.ended.keys(), "an attempt is active and ended")
    _demand(not node.active.keys() & node.strays.keys(), "an attempt is active and given up")
    for attempt in node.active.values():
        _demand(attempt.node is node, "a node holds another's attempt")
        _demand(attempt in attempt.task.live, "a node holds an attempt its task gave up")
    for attempt in node.ended.values():
        _demand(attempt.task.kept is attempt, "a node keeps a result its task gave up")
    kept = sum(attempt.kept for attempt in node.ended.values())
    _demand(node.kept == kept, "a node's kept results do not add up")
    reserved = sum(attempt.task.item.memory for attempt in node.active.values())
    reserved += sum(stray.memory for stray in node.strays.values())
    reserved += sum(held.memory for held in node.orphans.values())
    _demand(node.reserved == reserved, "a node's reservations do not add up")
    backlog = sum(attempt.predicted for attempt in node.active.values())
    _demand(isclose(node.backlog, backlog, abs_tol=1e-6), "a node's backlog does not add up")
    alone = [attempt for attempt in node.active.values() if attempt.alone]
    _demand(alone == ([node.alone] if node.alone else []), "an attempt alone is not known as such")
    _demand(not alone or node.occupied == 1, "an attempt alone has company")


def _check_kept(scheduler: "Scheduler") -> None:
    kept = [node for node in scheduler.nodes.values() if node.kept_for is not None]
    for node in kept:
        _demand(node.kept_for in set(scheduler.tasks.aside), "a node is kept for what is gone")
        by = scheduler.tasks.aside.kept_by(node.kept_for) if node.kept_for else None
        _demand(by is node, "a node is kept for what another is kept for")


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise Violation(what)
