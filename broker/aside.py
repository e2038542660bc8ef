"""Tasks that wait for a node of their own. Pure.

A suspect runs alone: on a node that has nothing else. A task whose memory is free nowhere
waits until it is. So that small tasks do not take each gap away, a node is kept for such a
task: it gets nothing new until the task is there. At most a quarter of the nodes is kept.

    waiting --a node is free--> given to it
       |  ^
       v  | the node is gone
    a node is kept for it --it is free--> given to it

A task goes where it has not failed yet, as long as there is such a node.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from random import Random

from .messages import MemberId
from .nodes import Node
from .placement import fits, in_service, suits, why_nothing_new
from .tasks import Task

KEPT_SHARE = 4
LOOK_AT = 32
MOST_MISSES = 4


def is_free(node: Node, task: Task) -> bool:
    """Whether the node can take the task now, and alone if need be."""
    return fits(node, task) and not (task.suspect and node.occupied)


def usable(node: Node, task: Task, now: float) -> bool:
    """Whether the node may be given or kept for the task."""
    return (
        node.alone is None
        and node.kept_for in (None, task)
        and not why_nothing_new(node)
        and not node.lease.suspect(now)
    )


class Aside:
    """The tasks set aside, in the order in which they came.

    ``changed`` takes the nodes that are kept, or kept no more.
    """

    def __init__(self, nodes: Mapping[MemberId, Node], random: Random, changed: set[Node]) -> None:
        self._nodes = nodes
        self._changed = changed
        self._random = random
        self._tasks: dict[Task, Node | None] = {}
        self._kept = 0
        self._stuck: set[Task] = set()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks)

    def add(self, task: Task) -> None:
        """Set a task aside."""
        self._tasks[task] = None

    def remove(self, task: Task) -> None:
        """Set it aside no longer."""
        self._let_go(task)
        del self._tasks[task]
        self._stuck.discard(task)

    def kept_by(self, task: Task) -> Node | None:
        """Return the node that is kept for a task, if one is."""
        return self._tasks.get(task)

    def cramped(self) -> Iterator[Node]:
        """Yield the nodes kept for tasks that only memory of models is in the way of."""
        for task, node in self._tasks.items():
            if node is not None and node.loaded and not node.occupied and not fits(node, task):
                yield node

    def node_came(self) -> None:
        """Look again at those that no node could take."""
        self._stuck.clear()

    def node_went(self, node: Node) -> None:
        """A node is kept for nothing any more."""
        if node.kept_for is not None:
            self._let_go(node.kept_for)

    def ready(self, now: float) -> list[tuple[Task, Node]]:
        """Return the tasks that can go now, and where; keep nodes for others."""
        found: dict[Node, Task] = {}
        misses = 0
        for task in self._tasks:
            if task in self._stuck:
                continue
            node = self._node_for(task, found, now)
            if node is not None and is_free(node, task):
                found[node] = task
            elif node is None and (misses := misses + 1) >= MOST_MISSES:
                break
        return [(task, node) for node, task in found.items()]

    def _node_for(self, task: Task, taken: Container[Node], now: float) -> Node | None:
        """Return the node that is, or now becomes, this task's; None when there is none."""
        node = self._tasks[task]
        if node is not None and suits(node, task) and usable(node, task, now):
            return node
        self._let_go(task)
        node = self._pick(task, taken, now)
        if node is not None and not is_free(node, task):
            return node if self._keep(task, node) else None
        return node

    def _pick(self, task: Task, taken: Container[Node], now: float) -> Node | None:
        def best(nodes: Iterable[Node]) -> Node | None:
            found = [node for node in nodes if node not in taken and usable(node, task, now)]
            return min(found, key=lambda node: (not is_free(node, task), _wait(node)), default=None)

        able = [node for node in self._nodes.values() if in_service(node) and suits(node, task)]
        if not able:
            self._stuck.add(task)
        able = [node for node in able if node.id not in task.avoids] or able
        few = able if len(able) <= LOOK_AT else self._random.sample(able, LOOK_AT)
        return best(few) or best(able)

    def _keep(self, task: Task, node: Node) -> bool:
        """Keep the node for the task, unless enough nodes are kept."""
        if self._kept and self._kept * KEPT_SHARE >= len(self._nodes):
            return False
        self._tasks[task] = node
        node.kept_for = task
        self._kept += 1
        self._changed.add(node)
        return True

    def _let_go(self, task: Task) -> None:
        node = self._tasks[task]
        if node is not None:
            node.kept_for = None
            self._tasks[task] = None
            self._kept -= 1
            self._changed.add(node)


def _wait(node: Node) -> float:
    return node.backlog / node.ready
