"""Where a task goes: the node that is predicted to finish it first. Pure.

A node takes work ahead of need so that its slots never wait for the network: about 25 ms
of predicted work for each slot, at least one task and at most 64.
"""

from collections.abc import Iterable
from random import Random

from msgspec import Struct

from .estimate import Estimate
from .tasks import Batch, Node, Task

AHEAD_SECONDS = 0.025
AHEAD_MOST = 64
KEPT_MOST = 2 * 1024**3  # bytes of results in its spool that owners have not fetched
HELD_MOST = 16_384  # a STATE names every attempt held, results not yet settled among them
SAMPLE = 32


class Choice(Struct, frozen=True):
    """A node for a task, and the seconds the task is predicted to take there."""

    node: Node
    predicted: float


def can_run(node: Node, batch: Batch) -> bool:
    """Whether the node has every operation that the batch needs."""
    return batch.needs <= node.has


def has_room(node: Node, now: float) -> bool:
    """Whether the node may be given one more task now."""
    slots = node.ready
    held = len(node.active)
    if slots == 0 or node.draining or node.lease.suspect(now):
        return False
    if held + len(node.ended) >= HELD_MOST or node.kept >= KEPT_MOST:
        return False
    if held < 2 * slots:
        return True
    return held < slots * (1 + AHEAD_MOST) and node.backlog < slots * AHEAD_SECONDS


def fits(node: Node, task: Task) -> bool:
    """Whether the task's memory can be reserved there; a node alone with it may try."""
    return not node.active or node.reserved + task.item.memory <= node.hello.memory


def choose(
    task: Task, nodes: Iterable[Node], *, estimate: Estimate, random: Random
) -> Choice | None:
    """Return the node among those with room that is predicted to finish the task first."""
    batch = task.batch
    able = [node for node in nodes if can_run(node, batch) and fits(node, task)]
    if len(able) > SAMPLE:
        able = random.sample(able, SAMPLE)
    recipe, declared = batch.work.recipe, task.item.seconds
    best: Choice | None = None
    best_finish = float("inf")
    for node in able:
        predicted = estimate.predict(node.id, recipe, declared)
        finish = node.backlog / node.ready + predicted
        if finish < best_finish:
            best, best_finish = Choice(node, predicted), finish
    return best
