"""The whole story of one task: where it is, what it waits for, what was tried. Pure."""

from typing import assert_never

from .messages import TaskId
from .nodes import Node
from .placement import fits
from .quarantine import Condemned, is_meant
from .reasons import why_not_placed
from .scheduler import Scheduler
from .tasks import Attempt, Place, Task
from .views import NowView, Story


def why(scheduler: Scheduler, about: str, now: float) -> tuple[Story, ...]:
    """Return the stories of the tasks whose id begins with ``about``, or that are called so."""
    tasks = [task for owner in scheduler.owners.values() for task in owner.tasks.values()]
    known = [task for task in tasks if is_meant(about, task.id, task.item.name)]
    if known:
        return tuple(_story(scheduler, task, now) for task in known)
    pictures = scheduler.tasks.quarantine.pictures.items()
    return tuple(_condemned(task, one) for task, one in pictures if is_meant(about, task, one.name))


def _story(scheduler: Scheduler, task: Task, now: float) -> Story:
    return Story(
        id=task.id.hex(),
        name=task.item.name,
        recipe=task.batch.work.recipe,
        owner=task.batch.owner.hello.name,
        place=task.place.value,
        reason=_reason(scheduler, task),
        tries=task.story,
        now=tuple(_now(attempt, now) for attempt in task.live),
    )


def _condemned(task: TaskId, one: Condemned) -> Story:
    return Story(
        id=task.hex(),
        name=one.name,
        recipe=one.recipe,
        owner="",
        place="quarantined",
        reason=one.reason,
        tries=(),
    )


def _reason(scheduler: Scheduler, task: Task) -> str:
    nodes = list(scheduler.nodes.values())
    match task.place:
        case Place.WAITING:
            ahead = list(task.batch.queue).index(task.id)
            return why_not_placed(task, nodes) or f"{ahead} of its batch go before it"
        case Place.ASIDE:
            return why_not_placed(task, nodes) or _why_aside(scheduler, task, nodes)
        case Place.AWAITED:
            return "the node that worked on it before the broker started may come back"
        case Place.PLACED | Place.NOWHERE:
            return ""
        case Place.ENDED:
            return task.end.reason if task.end is not None else "done; its owner fetches the result"
        case _:
            assert_never(task.place)


def _why_aside(scheduler: Scheduler, task: Task, nodes: list[Node]) -> str:
    kept = scheduler.tasks.aside.kept_by(task)
    where = f"{kept.hello.name} is kept for it" if kept is not None else "no node is free for it"
    if task.suspect:
        return f"it may have cost a slot or a node, so it runs alone; {where}"
    if task.avoids:
        return f"it goes where it has not failed yet; {where}"
    if not any(fits(node, task) for node in nodes):
        return f"its {task.item.memory / 1e9:.1f} GB are free nowhere now; {where}"
    return where


def _now(attempt: Attempt, now: float) -> NowView:
    return NowView(
        node=attempt.node.hello.name,
        phase=attempt.phase.name.lower(),
        seconds=now - attempt.given,
        predicted=attempt.due,
        alone=attempt.alone,
    )
