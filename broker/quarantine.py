"""What is set aside for cause: pictures that cost slots, nodes on which too much fails. Pure.

A slot that died is blame only where the agent saw it. A first time makes the task a
suspect, whose next tries run alone; two slots lost alone, and the picture is set aside.
A node is set aside for three different tasks that cost it a slot and then ended well on
another node; or that cost it one alone before anything at all had ended well there. The last
node in service is never set aside: a mesh that waits for ever helps nobody.

Both stay set aside until somebody lets them go, or the broker ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from .messages import EndItem, MemberId, TaskId
from .nodes import Node
from .placement import in_service
from .tasks import Attempt, Task

MOST_BLAME = 2
MOST_CHARGES = 3
MOST_PICTURES = 1024


class Condemned(Struct, frozen=True):
    """A picture set aside: what people call it, why, and since when; ``digest`` is its pixels'."""

    name: str
    recipe: str
    reason: str
    since: float
    digest: bytes

    def is_what(self, task: Task) -> bool:
        """Whether a task of the same id is the same work, whoever made up that id."""
        return (self.digest, self.recipe) == (task.item.digest, task.batch.work.recipe)


SHORTEST_ID = 4


def is_meant(about: str, task: TaskId, name: str) -> bool:
    """Whether people who write ``about`` mean this task: by its name, or how its id begins."""
    return about == name or (len(about) >= SHORTEST_ID and task.hex().startswith(about.lower()))


@dataclass(slots=True)
class Quarantine:
    """The pictures and nodes set aside."""

    pictures: dict[TaskId, Condemned] = field(default_factory=dict)
    nodes: dict[MemberId, str] = field(default_factory=dict)

    def crashed(self, attempt: Attempt) -> None:
        """A slot died under an attempt, says its agent."""
        task, node = attempt.task, attempt.node
        task.suspect = True
        task.crashed_on |= {node.id}
        task.avoids |= {node.id}
        if attempt.alone:
            task.blame += 1
            if not node.proved:
                node.doubts.add(task.id)

    def ended_well(self, attempt: Attempt, nodes: Mapping[MemberId, Node]) -> list[Node]:
        """An attempt gave a result: that speaks for its node, and for its task.

        Returns the nodes that it speaks against.
        """
        node, crashed_on = attempt.node, attempt.task.crashed_on
        node.proved = True
        node.refusals = 0
        node.doubts.clear()
        if not crashed_on:
            return []
        accused = [nodes[other] for other in crashed_on if other in nodes and other != node.id]
        for other in accused:
            other.charges.add(attempt.task.id)
            self.judge(other, nodes)
        return accused

    def judge(self, node: Node, nodes: Mapping[MemberId, Node]) -> None:
        """Set a node aside if there is cause, and another one to do its work."""
        count = len(node.charges | node.doubts)
        others = any(in_service(other) for other in nodes.values() if other is not node)
        if count >= MOST_CHARGES and others and not node.quarantined:
            node.quarantined = self.nodes[node.id] = f"{count} different tasks cost it a slot"

    def condemn(self, task: Task, end: EndItem, now: float) -> str:
        """Set a picture aside; return the reason."""
        where = ", ".join(dict.fromkeys(one.node for one in task.story if one.alone))
        reason = f"it cost {task.blame} slots that ran it alone, on {where}: {end.reason}"
        while len(self.pictures) >= MOST_PICTURES:
            del self.pictures[next(iter(self.pictures))]
        self.pictures[task.id] = Condemned(
            task.item.name, task.batch.work.recipe, reason, now, task.item.digest
        )
        return reason

    def guilty(self, task: Task) -> bool:
        """Whether the task has cost enough slots alone."""
        return task.blame >= MOST_BLAME

    def release(self, node: Node) -> None:
        """Let a node work again, with nothing held against it."""
        node.quarantined = ""
        node.charges.clear()
        node.doubts.clear()
        self.nodes.pop(node.id, None)
