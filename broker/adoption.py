"""Work that outlives a broker. Pure.

A new broker knows nothing. Owners ask it for the same tasks as the last one, and name the
node that was last seen at work on each; nodes tell what they hold. Whoever comes first:

    the owner   the task is AWAITED: it waits for that node, a lease at most
    the node    what it holds is an orphan, until its owner asks or the broker is young no more
"""

from dataclasses import dataclass, field

from .leases import LEASE
from .messages import HeldTask, MemberId
from .nodes import Node, TaskKey
from .tasks import Place, Task


@dataclass(slots=True)
class Orphans:
    """What nodes hold of tasks that nobody has asked for yet."""

    holders: dict[TaskKey, list[Node]] = field(default_factory=dict)

    def add(self, key: TaskKey, node: Node, held: HeldTask) -> None:
        """Note that a node holds a task nobody has asked for."""
        if node.orphan(key, held):
            self.holders.setdefault(key, []).append(node)

    def take(self, key: TaskKey) -> list[tuple[Node, HeldTask]]:
        """Return who holds a task, now that somebody asks for it."""
        found = ((node, node.adopted(key)) for node in self.holders.pop(key, ()))
        return [(node, held) for node, held in found if held is not None]

    def drop(self, node: Node) -> list[HeldTask]:
        """Return, and forget, what a node holds."""
        held = list(node.orphans.values())
        for key in list(node.orphans):
            self.forget(key, node)
        return held

    def forget(self, key: TaskKey, node: Node) -> None:
        """Forget that a node holds a task, if it was said to."""
        if node.adopted(key) is not None:
            self.holders[key].remove(node)
            if not self.holders[key]:
                del self.holders[key]


@dataclass(slots=True)
class Awaited:
    """Tasks that wait for the node which works on them, and until when."""

    nodes: dict[MemberId, dict[Task, float]] = field(default_factory=dict)

    def add(self, task: Task, node: MemberId, now: float) -> None:
        """Let a task wait for a node."""
        task.place = Place.AWAITED
        task.batch.awaited += 1
        self.nodes.setdefault(node, {})[task] = now + LEASE

    def remove(self, task: Task) -> None:
        """Let it wait no longer."""
        task.batch.awaited -= 1
        node, tasks = next(one for one in self.nodes.items() if task in one[1])
        del tasks[task]
        if not tasks:
            del self.nodes[node]

    def came(self, node: MemberId) -> list[Task]:
        """A node is here: return the tasks that waited for it, and forget them."""
        tasks = list(self.nodes.pop(node, ()))
        for task in tasks:
            task.batch.awaited -= 1
        return tasks

    def overdue(self, now: float) -> list[Task]:
        """Return, and forget, the tasks that have waited long enough."""
        late = [
            task for tasks in self.nodes.values() for task, until in tasks.items() if now >= until
        ]
        for task in late:
            self.remove(task)
        return late

    def extend(self, seconds: float) -> None:
        """Forgive a time in which nobody was listening."""
        for tasks in self.nodes.values():
            for task in tasks:
                tasks[task] += seconds

    def deadline(self) -> float:
        """Return when the next of them has waited long enough."""
        return min(
            (until for tasks in self.nodes.values() for until in tasks.values()),
            default=float("inf"),
        )
