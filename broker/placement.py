"""Where a task goes: the node that is predicted to finish it first. Pure.

A node takes work ahead of need so that its slots never wait for the network: about 25 ms
of predicted work for each slot, at least one task and at most 64.
"""

from collections.abc import Iterable

from msgspec import Struct

from .estimate import Estimate
from .nodes import Node
from .tasks import Batch, Task

AHEAD_SECONDS = 0.025
AHEAD_MOST = 64
KEPT_MOST = 2 * 1024**3  # bytes of results in its spool that owners have not fetched
HELD_MOST = 4096  # a HELLO names every attempt held, results not yet settled among them


class Choice(Struct, frozen=True):
    """A node for a task: the seconds it is predicted to take there, and until it ends."""

    node: Node
    predicted: float
    finish: float = 0.0


def can_run(node: Node, batch: Batch) -> bool:
    """Whether the node has every operation that the batch needs."""
    return batch.needs <= node.has


def most_memory(node: Node, batch: Batch) -> int:
    """Return the bytes that a task of the batch could have there; models not needed can go."""
    return node.hello.memory - sum(node.loaded.get(one, 0) for one in batch.needs)


def suits(node: Node, task: Task) -> bool:
    """Whether the node could do the task if nothing else were there."""
    return can_run(node, task.batch) and task.item.memory <= most_memory(node, task.batch)


def in_service(node: Node) -> bool:
    """Whether the node is neither leaving nor set aside."""
    return not (node.draining or node.paused or node.quarantined)


def fits(node: Node, task: Task) -> bool:
    """Whether the task's memory can be reserved there now."""
    return node.reserved + task.item.memory <= node.budget


def drain_word(node: Node) -> str:
    """Return how far a node is that takes nothing new: told to rest, or about to leave."""
    return "draining" if node.draining or node.active else "drained"


def why_nothing_new(node: Node) -> str:
    """Return why the node is to be given nothing new, or nothing."""
    if node.quarantined:
        return f"quarantined: {node.quarantined}"
    if node.draining or node.paused:
        return drain_word(node)
    if node.trouble:
        return f"resting: {node.trouble}"
    if node.ready == 0:
        return "its slots are starting"
    if node.others > node.hello.max_load:
        return f"load {node.others:.0%} by others"
    return ""


def takes_new(node: Node) -> bool:
    """Whether the node is to be given new tasks at all, as far as it is alive."""
    return node.alone is None and node.kept_for is None and not why_nothing_new(node)


def has_room(node: Node) -> bool:
    """Whether the node may be given one more task, as far as it is alive."""
    if not takes_new(node):
        return False
    held, slots = node.occupied, node.ready
    if held + len(node.ended) >= HELD_MOST or node.kept >= KEPT_MOST:
        return False
    if held < 2 * slots:
        return True
    return held < slots * (1 + AHEAD_MOST) and node.backlog < slots * AHEAD_SECONDS


def choose(task: Task, nodes: Iterable[Node], *, estimate: Estimate) -> Choice | None:
    """Return the node among those with room that is predicted to finish the task first.

    None where none of them has the memory now.
    """
    recipe, declared = task.batch.work.recipe, task.item.seconds
    best: Choice | None = None
    for node in nodes:
        if not fits(node, task):
            continue
        predicted = estimate.predict(node.id, recipe, declared)
        ends = wait(node) + predicted
        if best is None or ends < best.finish:
            best = Choice(node, predicted, ends)
    return best


def wait(node: Node) -> float:
    """Return in how many seconds a slot will be free for one more task.

    Attempts that run are half through, on the average.
    """
    held = node.occupied
    running = min(held, node.ready)
    return node.backlog * (1 - running / (2 * max(1, held))) / max(1, node.ready)
