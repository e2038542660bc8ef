"""When a batch's waiting tasks will all have ended, and which must not wait that long. Pure.

While much waits, any node may have the next task, however slow it is. Near the end, a long
task on a slow node is what everybody waits for. So it is reckoned, every few seconds, when
all that waits could have ended (the horizon), and until the next look

    a task that takes longer than half of that   goes before the others, the longest first
    a node that would not end it by then         gets the longest that it would end

Nobody idles for that: where nothing would end in time, the node gets the shortest.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from random import Random

from .estimate import Estimate
from .messages import MemberId
from .nodes import Node
from .placement import Choice, choose, takes_new, wait
from .tasks import Batch, Place, Task

LOOK_EVERY = 2.0
SAMPLE = 128  # nodes that are asked how soon they would end the longest task
LONG = 0.5  # of the horizon
MARGIN = 0.75  # of the horizon: by then a task is to end, as predicted; some take longer
SLACK = 1.25  # how many times later than on the best node the longest task may end

_declared = attrgetter("item.seconds")


@dataclass(slots=True)
class Outlook:
    """A batch at the last look: by when its tasks are to end, and they, the longest last.

    ``long`` are the declared seconds above which a task goes before the others.
    """

    end_by: float
    long: float
    tasks: list[Task]

    def longest(self, limit: float = float("inf")) -> Task | None:
        """Return the longest that still waits, of ``limit`` declared seconds at most."""
        place = bisect_right(self.tasks, limit, key=_declared) - 1
        while place >= 0 and self.tasks[place].place is not Place.WAITING:
            del self.tasks[place]
            place -= 1
        return self.tasks[place] if place >= 0 else None

    def shortest(self) -> Task | None:
        """Return the shortest that still waits."""
        while self.tasks and self.tasks[0].place is not Place.WAITING:
            del self.tasks[0]
        return self.tasks[0] if self.tasks else None


class Horizon:
    """The outlook of each batch that had tasks waiting at the last look."""

    def __init__(
        self,
        *,
        batches: Iterable[Batch],
        nodes: Mapping[MemberId, Node],
        estimate: Estimate,
        random: Random,
    ) -> None:
        self._batches = batches
        self._nodes = nodes
        self._estimate = estimate
        self._random = random
        self._outlooks: dict[Batch, Outlook] = {}
        self._look_at = float("-inf")

    def pick(self, batch: Batch, nodes: list[Node], now: float) -> tuple[Task, Choice | None]:
        """Return the task of the batch to place now, and on which of the nodes, if on any."""
        if now >= self._look_at:
            self._look(now)
        first = next(iter(batch.queue.values()))
        outlook = self._outlooks.get(batch)
        if outlook is None:
            return first, choose(first, nodes, estimate=self._estimate)
        longest = outlook.longest()
        if longest is not None and longest.item.seconds > outlook.long:
            first = longest
        choice = choose(first, nodes, estimate=self._estimate)
        if choice is None or now + choice.finish <= outlook.end_by or not outlook.tasks:
            return first, choice
        left = outlook.end_by - now - wait(choice.node)
        pace = self._estimate.predict(choice.node.id, batch.work.recipe, 1.0)
        other = outlook.longest(left / pace) or outlook.shortest() or first
        fitting = choose(other, [choice.node], estimate=self._estimate)
        return (other, fitting) if fitting is not None else (first, choice)

    def _look(self, now: float) -> None:
        self._look_at = now + LOOK_EVERY
        nodes = [n for n in self._nodes.values() if takes_new(n) and not n.lease.suspect(now)]
        works = {batch: self._work_of(batch) for batch in self._batches}
        everything = sum(works.values())
        self._outlooks.clear()
        for batch, work in works.items():
            able = [node for node in nodes if batch.needs <= node.has]
            if able:
                left = max(_left(nodes, everything), _left(able, work))
                self._outlooks[batch] = self._outlook(batch, able, left, now)

    def _work_of(self, batch: Batch) -> float:
        declared = sum(task.item.seconds for task in batch.queue.values())
        return self._estimate.usual(batch.work.recipe, declared)

    def _outlook(self, batch: Batch, able: list[Node], left: float, now: float) -> Outlook:
        recipe = batch.work.recipe
        tasks = sorted(batch.queue.values(), key=_declared)
        few = able if len(able) <= SAMPLE else self._random.sample(able, SAMPLE)
        longest = tasks[-1].item.seconds
        soonest = min(wait(n) + self._estimate.predict(n.id, recipe, longest) for n in few)
        return Outlook(
            end_by=now + max(MARGIN * left, SLACK * soonest),
            long=LONG * left / self._estimate.usual(recipe, 1.0),
            tasks=tasks,
        )


def _left(nodes: list[Node], work: float) -> float:
    """Return in how many seconds these nodes will have done that and what they hold."""
    slots = sum(node.ready for node in nodes)
    return (work + sum(node.backlog for node in nodes)) / max(1, slots)
