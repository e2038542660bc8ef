"""Why a batch waits, why a task is nowhere, why a node does less than it could. Pure."""

from collections.abc import Iterable

from .messages import WEIGHTS_COME
from .nodes import Node
from .placement import can_run, in_service, most_memory, suits, why_nothing_new
from .tasks import Batch, Task


def why_waiting(batch: Batch, nodes: list[Node], aside: Iterable[Task] = ()) -> str:
    """Return why no task of a batch can be placed, or nothing.

    ``aside`` are those of its tasks that wait for a node of their own.
    """
    if batch.placed or not (batch.queue or batch.aside):
        return ""
    waiting = [*aside, *batch.queue.values()]
    return why_not_placed(waiting[0], nodes) if waiting else ""


def why_not_placed(task: Task, nodes: list[Node]) -> str:
    """Return why no node takes a task, or nothing. Judged by totals, not by what is free."""
    if not nodes:
        return "no node is connected"
    able = [node for node in nodes if can_run(node, task.batch)]
    if not able:
        return _lacking(task.batch, nodes)
    if not any(suits(node, task) for node in able):
        most, largest = max((most_memory(node, task.batch), node.hello.name) for node in able)
        return (
            f"fits nowhere: it needs {_gigabytes(task.item.memory)}, "
            f"{largest} has most with {_gigabytes(most)}"
        )
    serving = [node for node in able if in_service(node)]
    if not serving:
        return _everyone(able)
    if all(why_nothing_new(node) for node in serving):
        return _everyone(serving)
    return ""


def _everyone(nodes: list[Node]) -> str:
    """Say of nodes that take nothing new why they do not."""
    first = nodes[0]
    more = f", nor do {len(nodes) - 1} more" if len(nodes) > 1 else ""
    return f"{first.hello.name} takes nothing new ({why_nothing_new(first)}){more}"


def why_idle(node: Node, batches: list[Batch], now: float) -> str:
    """Return why a node does less than it could, or nothing."""
    if node.lease.suspect(now):
        return f"silent for {now - node.lease.heard:.1f} s"
    if reason := why_nothing_new(node):
        return reason
    if node.alone is not None or node.kept_for is not None:
        return _why_kept(node)
    waiting = [batch for batch in batches if batch.queue]
    if node.active or not waiting:
        return ""
    return _lacks(node, waiting)


def _lacking(batch: Batch, nodes: list[Node]) -> str:
    """Say what none of the nodes has that a batch needs, and what becomes of it."""
    for node in nodes:
        if does := _is_getting(node):
            return f"{WEIGHTS_COME}: {node.hello.name} {does}"
    missing = min((batch.needs - node.has for node in nodes), key=len)
    whys = (f"; {node.hello.name} {why}" for node in nodes if (why := _could_not(node)))
    return f"no node has {', '.join(sorted(missing))}{next(whys, '')}"


def _lacks(node: Node, waiting: list[Batch]) -> str:
    """Say what a node lacks for each of these batches; nothing where it can do one."""
    missing = [batch.needs - node.has for batch in waiting]
    if not all(missing):
        return ""
    if does := _is_getting(node):
        return does
    why = f"; {why}" if (why := _could_not(node)) else ""
    return f"lacks {', '.join(sorted(missing[0]))}{why}"


def _is_getting(node: Node) -> str:
    """Say how a node comes to a model, or nothing."""
    if node.pulling:
        return f"fetches {node.pulling}"
    return f"is warming {node.warming}" if node.warming else ""


def _could_not(node: Node) -> str:
    if node.unfetched:
        return f"could not fetch {node.unfetched}"
    return f"could not load {node.unloaded}" if node.unloaded else ""


def _why_kept(node: Node) -> str:
    if node.alone is not None:
        return f"runs {node.alone.task.name} alone: it may have cost a slot or a node"
    return f"kept for {node.kept_for.name}, which needs it to itself" if node.kept_for else ""


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
