"""The life of a task: accepted, placed, ended, settled; and what happens in between.

    WAITING --place--> PLACED --RESULT done or failed--> ENDED --SETTLED--> gone
       ^                  |  crashed, returned, lost with its node
       +------------------+  (the eighth attempt, or the second crash: ENDED as failed)

A result that comes late counts as long as the task has no end. Pure: what there is to
say goes into Outgoing.
"""

from random import Random
from typing import assert_never

from .estimate import Estimate
from .fairness import Fairness
from .messages import (
    AttemptId,
    End,
    EndItem,
    MemberId,
    Submit,
    TaskId,
    TaskItem,
    Work,
    changed_end,
)
from .outgoing import Outgoing
from .placement import Choice
from .tasks import Attempt, Batch, Node, Owner, Place, Task

MOST_ATTEMPTS = 8
MOST_CRASHES = 2
WINDOW_TASKS = 20_000
MOST_TASKS = WINDOW_TASKS + WINDOW_TASKS // 4  # SETTLEDs may be on their way
MOST_BATCHES = 1024


class Lifecycle:
    """Every task and attempt the broker knows, and their transitions."""

    def __init__(self, *, owners: dict[MemberId, Owner], out: Outgoing, random: Random) -> None:
        self.attempts: dict[AttemptId, Attempt] = {}
        self.fairness = Fairness()
        self.estimate = Estimate()
        self._owners = owners
        self._out = out
        self._random = random

    # ---- tasks come in ------------------------------------------------------------

    def submit(self, owner: Owner, message: Submit) -> None:
        """Accept what is new of an owner's tasks, as far as its window goes."""
        batch = self._batch(owner, message)
        for item in message.tasks:
            if len(owner.tasks) >= MOST_TASKS:
                return  # not seen, so the owner asks again
            self._accept(batch, item)
        if message.restart or message.seq == owner.seen + 1:
            owner.seen = message.seq

    def _batch(self, owner: Owner, message: Submit) -> Batch:
        batch = owner.batches.get(message.batch)
        if batch is None:
            _forget_idle(owner)
            batch = owner.batches[message.batch] = Batch(
                owner=owner,
                number=message.batch,
                work=Work(owner=owner.id, recipe=message.recipe, output=message.output),
                needs=frozenset(message.needs),
                priority=message.priority,
                label=message.label,
            )
        return batch

    def _accept(self, batch: Batch, item: TaskItem) -> None:
        known = batch.owner.tasks.get(TaskId(item.id))
        if known is not None:
            self._accept_again(known)
            return
        task = Task(item, batch)
        batch.open += 1
        batch.owner.tasks[TaskId(item.id)] = task
        self.fairness.enqueue(task)

    def _accept_again(self, task: Task) -> None:
        """Upsert: a task that is under way or ended stays what it is."""
        task.cancelled = False
        if task.end is not None:
            self._out.end(task.batch.owner.id, task.end)

    # ---- tasks end ----------------------------------------------------------------

    def ended(self, node: Node, end: EndItem, *, young: bool = False) -> None:
        """Take a node's word on how an attempt ended; repeated words are harmless.

        A ``young`` broker lets nodes keep results of tasks that it may yet be asked for.
        """
        attempt = self.attempts.get(AttemptId(end.attempt)) or self._late(node, end)
        if attempt is None or attempt.node is not node:
            if not (young and end.end is End.DONE and not self._knows(end)):
                self._out.settle(node.id, end.attempt)
            return
        task = attempt.task
        if task.place is Place.ENDED:
            self._tell_end(attempt, end)
            return
        node.release(attempt)
        task.batch.placed -= 1
        match end.end:
            case End.DONE | End.FAILED:
                self._finish(attempt, end)
            case End.CRASHED | End.RETURNED:
                task.crashes += end.end is End.CRASHED
                self._out.settle(node.id, end.attempt)
                del self.attempts[attempt.id]
                task.attempt = None
                self._retry(task, end)
            case _:
                assert_never(end.end)

    def _late(self, node: Node, end: EndItem) -> Attempt | None:
        """A result of an attempt given up: it counts while its task has no end."""
        owner = self._owners.get(MemberId(end.owner))
        task = owner.tasks.get(TaskId(end.task)) if owner else None
        if task is None or task.place is Place.ENDED or end.end is not End.DONE:
            return None
        if task.place is Place.WAITING:
            self.fairness.remove(task)
        elif task.attempt is not None:
            self._take_back(task.attempt)
        attempt = Attempt(AttemptId(end.attempt), task, node, node.seq, 0.0, 0.0)
        self._hold(attempt)
        return attempt

    def _knows(self, end: EndItem) -> bool:
        owner = self._owners.get(MemberId(end.owner))
        return owner is not None and TaskId(end.task) in owner.tasks

    def _finish(self, attempt: Attempt, end: EndItem) -> None:
        task, node = attempt.task, attempt.node
        task.place = Place.ENDED
        attempt.end = end.end
        node.keep(attempt, 0 if end.inline is not None else end.size)
        if end.end is End.DONE:
            recipe = task.batch.work.recipe
            self.estimate.observe(node.id, recipe, task.item.seconds, end.seconds)
        self._tell_end(attempt, end)

    def _tell_end(self, attempt: Attempt, end: EndItem) -> None:
        node, task = attempt.node, attempt.task
        told = changed_end(end, node=node.hello.name, holder=node.id, attempts=task.attempts)
        self._out.end(task.batch.owner.id, told)

    def _retry(self, task: Task, end: EndItem) -> None:
        """An attempt ended without an outcome: try again, or give up with the reason."""
        if task.cancelled:
            self._give_up(task, end, End.RETURNED)
        elif task.crashes >= MOST_CRASHES or task.attempts >= MOST_ATTEMPTS:
            self._give_up(task, end, End.FAILED)
        else:
            self._wait_again(task)

    def _wait_again(self, task: Task) -> None:
        task.place = Place.WAITING
        self.fairness.enqueue(task, first=True)

    def _give_up(self, task: Task, end: EndItem, how: End) -> None:
        owner = task.batch.owner
        task.place = Place.ENDED
        task.end = EndItem(
            attempt=end.attempt,
            task=task.item.id,
            owner=owner.id,
            end=how,
            code=end.code,
            reason=end.reason,
            node=end.node,
            attempts=task.attempts,
        )
        owner.unsettled[AttemptId(end.attempt)] = task
        self._out.end(owner.id, task.end)

    def settle(self, owner: Owner, attempt_id: AttemptId) -> None:
        """The owner has the outcome: the task and its result are forgotten."""
        attempt = self.attempts.get(attempt_id)
        if attempt is not None and attempt.task.batch.owner is owner:
            _count(attempt)
            self.remove(attempt.task)
            return
        task = owner.unsettled.get(attempt_id)
        if task is not None and task.end is not None:
            task.batch.failed += task.end.end is End.FAILED
            self.remove(task)

    def cancel(self, owner: Owner, task_id: TaskId, *, unstarted: bool) -> None:
        """Take a task back: at once, or only if no slot has started it."""
        task = owner.tasks.get(task_id)
        if task is None:
            return
        if not unstarted:
            self.remove(task)
            return
        if task.place is Place.ENDED:
            return
        task.cancelled = True
        if task.attempt is not None:
            self._out.drop(task.attempt.node.id, task.attempt.id, unstarted=True)
            return
        self.fairness.remove(task)
        end = EndItem(
            attempt=self._random.getrandbits(63), task=task_id, owner=owner.id, end=End.RETURNED
        )
        self._give_up(task, end, End.RETURNED)

    def remove(self, task: Task) -> None:
        """Forget a task, wherever it is."""
        owner = task.batch.owner
        if task.place is Place.WAITING:
            self.fairness.remove(task)
        if task.attempt is not None:
            self._let_go(task.attempt)
        if task.end is not None:
            owner.unsettled.pop(AttemptId(task.end.attempt), None)
        task.batch.open -= 1
        del owner.tasks[TaskId(task.item.id)]

    # ---- attempts -----------------------------------------------------------------

    def assign(self, task: Task, choice: Choice, now: float) -> None:
        """Give a waiting task to the node chosen for it."""
        task.attempts += 1
        attempt = Attempt(
            AttemptId(self._random.getrandbits(63)), task, choice.node, 0, choice.predicted, now
        )
        self._hold(attempt)
        self._out.assign(attempt)

    def _hold(self, attempt: Attempt) -> None:
        task = attempt.task
        task.place, task.attempt = Place.PLACED, attempt
        task.batch.placed += 1
        self.attempts[attempt.id] = attempt
        attempt.node.take(attempt)

    def _let_go(self, attempt: Attempt) -> None:
        """The broker holds this attempt no longer, whatever its node does."""
        node = attempt.node
        del self.attempts[attempt.id]
        attempt.task.attempt = None
        if attempt.id in node.active:
            node.release(attempt)
            attempt.task.batch.placed -= 1
            self._out.drop(node.id, attempt.id, unstarted=False)
        else:
            node.forget(attempt)
            self._out.settle(node.id, attempt.id)

    def _take_back(self, attempt: Attempt) -> None:
        self._let_go(attempt)
        attempt.task.place = Place.WAITING

    def requeue(self, attempt: Attempt) -> None:
        """An attempt was lost, with its node or on the way: its task waits again."""
        task, node = attempt.task, attempt.node
        if attempt.id in node.active:
            node.release(attempt)
            task.batch.placed -= 1
        else:
            node.forget(attempt)
        del self.attempts[attempt.id]
        task.attempt = None
        lost = EndItem(
            attempt=attempt.id,
            task=task.item.id,
            owner=task.batch.owner.id,
            end=End.RETURNED,
            code="lost",
            reason=f"its node was lost {task.attempts} times",
            node=node.hello.name,
        )
        self._retry(task, lost)


def _count(attempt: Attempt) -> None:
    """An outcome is counted once: when its owner settles."""
    batch, node = attempt.task.batch, attempt.node
    if attempt.end is End.DONE:
        batch.done += 1
        node.done += 1
    elif attempt.end is End.FAILED:
        batch.failed += 1
        node.failed += 1


def _forget_idle(owner: Owner) -> None:
    """Keep an owner's table of batches bounded: the oldest without tasks go."""
    if len(owner.batches) >= MOST_BATCHES:
        for number in [n for n, batch in owner.batches.items() if not batch.open][
            : MOST_BATCHES // 2
        ]:
            del owner.batches[number]
