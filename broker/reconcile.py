"""What a node says it holds, against what the broker believes: how lost messages are found.

    believed, not held    the ASSIGN was lost, or the result: the task waits again. An ASSIGN
                          may also be late: then an empty one follows it. Whoever has seen that
                          one takes no earlier one any more
    held, not believed    of an earlier broker: adopted, or kept a while for its owner to come
                          given up: it is told to drop it

Pure.
"""

from collections.abc import Mapping

from .lifecycle import Lifecycle
from .messages import AttemptId, HeldTask, Hello, MemberId, Phase, State, TaskId
from .nodes import Node, Stray
from .outgoing import Outgoing
from .tasks import Attempt, Owner, Place

FENCE_AFTER = 1.0
LOST_AFTER = 3.0


class Reconciler:
    """Compares nodes' words with the broker's tables, and mends the tables."""

    def __init__(
        self, *, tasks: Lifecycle, owners: Mapping[MemberId, Owner], out: Outgoing
    ) -> None:
        self._tasks = tasks
        self._owners = owners
        self._out = out

    def came(self, node: Node, hello: Hello, now: float, *, young: bool) -> None:
        """Take in what a node holds that is here for the first time, or again."""
        held = {AttemptId(item.attempt): item.phase for item in hello.held}
        self._missing(node, held, 0, now)
        for item in hello.held:
            if AttemptId(item.attempt) not in self._tasks.attempts:
                self._unknown(node, item, now, young=young)
        for task in self._tasks.awaited.came(node.id):
            self._tasks.wait(task, first=True)
        self._surplus(node, held, young=young)

    def beats(self, node: Node, state: State, now: float, *, young: bool) -> None:
        """Take in what a node holds by its heartbeat."""
        held = {AttemptId(item.attempt): item.phase for item in state.held}
        self._missing(node, held, state.seen, now)
        self._surplus(node, held, young=young)

    def _missing(self, node: Node, held: Mapping[AttemptId, Phase], seen: int, now: float) -> None:
        self._tasks.changed.add(node)
        for attempt in list(node.active.values()):
            phase = held.get(attempt.id)
            if phase is not None:
                attempt.phase = phase
            elif self._is_nowhere(attempt, seen, now):
                self._tasks.lost(attempt, now, suspect=False, arrived=False)
        for attempt in [one for one in node.ended.values() if one.id not in held]:
            self._tasks.lost(attempt, now, suspect=False)
        for given_up, stray in [one for one in node.strays.items() if one[0] not in held]:
            if stray.attempt is None or self._is_nowhere(stray.attempt, seen, now):
                node.strayed_no_more(given_up)

    def _is_nowhere(self, attempt: Attempt, seen: int, now: float) -> bool:
        """Whether what a node does not hold is not on its way there either."""
        if not attempt.seq:
            return _is_old(attempt, LOST_AFTER, now)
        if attempt.seq > seen and _is_old(attempt, FENCE_AFTER, now):
            self._out.fence(attempt.node.id)
        return attempt.seq <= seen

    def _unknown(self, node: Node, item: HeldTask, now: float, *, young: bool) -> None:
        key = (MemberId(item.owner), TaskId(item.task))
        owner = self._owners.get(key[0])
        task = owner.tasks.get(key[1]) if owner is not None else None
        if AttemptId(item.attempt) in node.strays:
            return
        given = not item.dropped and self._tasks.was_given(node, item)
        if given and task is not None and task.place is not Place.ENDED:
            self._tasks.adopt(task, node, item, now)
        elif given and young and task is None:
            self._tasks.orphans.add(key, node, item)
        elif item.phase is not Phase.ENDED:
            node.stray(AttemptId(item.attempt), Stray(item.memory))

    def _surplus(self, node: Node, held: Mapping[AttemptId, Phase], *, young: bool) -> None:
        """Have the node drop what nobody wants."""
        if young:
            return
        for orphan in self._tasks.orphans.drop(node):
            node.stray(AttemptId(orphan.attempt), Stray(orphan.memory))
        for attempt, phase in held.items():
            if attempt not in self._tasks.attempts:
                if phase is not Phase.ENDED:
                    node.stray(attempt, Stray(0))
                self._out.drop(node.id, attempt, unstarted=False)


def _is_old(attempt: Attempt, seconds: float, now: float) -> bool:
    return now - attempt.given >= seconds
