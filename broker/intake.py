"""How owners' tasks come in: as far as there is room, once, and adopted where they run already.

Pure. What becomes of a task from then on is its ``lifecycle``.
"""

from collections.abc import Mapping

from .history import Note, ignore
from .lifecycle import Lifecycle
from .messages import End, MemberId, Submit, TaskId, TaskItem, Window, Work
from .nodes import Node
from .tasks import Batch, Owner, Task
from .windows import Stock

MOST_BATCHES = 1024


class Intake:
    """Takes SUBMITs in, and tells owners how much more they may ask."""

    def __init__(
        self,
        *,
        owners: Mapping[MemberId, Owner],
        nodes: Mapping[MemberId, Node],
        tasks: Lifecycle,
        note: Note = ignore,
    ) -> None:
        self._note = note
        self._owners = owners
        self._nodes = nodes
        self._tasks = tasks

    def submit(self, owner: Owner, message: Submit, now: float, *, young: bool) -> None:
        """Accept what is new of an owner's tasks, as far as its window goes."""
        batch = _batch(owner, message)
        left = self._stock().left(len(owner.tasks), owner.bytes)
        tasks, inline = left.tasks, left.bytes
        for item in message.tasks:
            known = owner.tasks.get(TaskId(item.id))
            if known is not None:
                self._accept_again(known)
                continue
            if tasks <= 0 or inline <= 0:
                return  # not seen, so the owner asks again
            tasks -= 1
            inline -= len(item.inline or b"")
            self._accept(batch, item, now, young=young)
        if message.restart or message.seq == owner.seen + 1:
            owner.seen = message.seq

    def window(self, owner: Owner) -> Window:
        """Say how far an owner's SUBMITs were seen, what it may have, and what it has."""
        room = self._stock().window(len(owner.tasks), owner.bytes)
        return Window(seen=owner.seen, tasks=room.tasks, bytes=room.bytes, held=len(owner.tasks))

    def _stock(self) -> Stock:
        owners = self._owners.values()
        return Stock(
            owners=len(owners),
            tasks=sum(len(owner.tasks) for owner in owners),
            bytes=sum(owner.bytes for owner in owners),
        )

    def _accept(self, batch: Batch, item: TaskItem, now: float, *, young: bool) -> None:
        task, task_id, owner = Task(item, batch), TaskId(item.id), batch.owner
        batch.open += 1
        owner.tasks[task_id] = task
        owner.bytes += len(item.inline or b"")
        if self._note is not ignore:
            self._note("accepted", task=task_id, owner=owner.id, memory=item.memory)
        condemned = self._tasks.quarantine.pictures.get(task_id)
        if condemned is not None and condemned.is_what(task):
            self._tasks.refuse(task, End.FAILED, code="quarantined", reason=condemned.reason)
        elif not self._goes_on(task, now, young=young):
            self._tasks.wait(task)

    def _goes_on(self, task: Task, now: float, *, young: bool) -> bool:
        """Whether a node has the task from an earlier broker, or may yet come back with it."""
        if self._tasks.orphans.holders:
            for node, held in self._tasks.orphans.take((task.batch.owner.id, task.id)):
                self._tasks.adopt(task, node, held, now)
        last = task.item.last
        if task.live or not young or last is None or last in self._nodes:
            return bool(task.live)
        self._tasks.awaited.add(task, MemberId(last), now)
        return True

    def _accept_again(self, task: Task) -> None:
        """Upsert: a task that is under way or ended stays what it is."""
        task.cancelled = False
        self._tasks.tell_again(task)


def _batch(owner: Owner, message: Submit) -> Batch:
    batch = owner.batches.get(message.batch)
    if batch is None:
        _forget_idle(owner)
        batch = owner.batches[message.batch] = Batch(
            owner=owner,
            number=message.batch,
            work=Work(owner.id, message.recipe, message.output, message.references),
            needs=frozenset(message.needs),
            priority=message.priority,
            label=message.label,
        )
    return batch


def _forget_idle(owner: Owner) -> None:
    """Keep an owner's table of batches bounded: the oldest without tasks go."""
    if len(owner.batches) >= MOST_BATCHES:
        idle = [number for number, batch in owner.batches.items() if not batch.open]
        for number in idle[: MOST_BATCHES // 2]:
            del owner.batches[number]
