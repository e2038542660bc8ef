"""Which batch is served next. Pure.

Start-time fair queueing: of the batches with work, the one that was given the least
predicted work goes first, priorities above that. A batch that comes in begins where the
last one served of its priority began, so a newcomer neither waits for the old nor starves
them, though their queues were empty at the moment it came.
"""

from collections.abc import Iterator

from .tasks import Batch, Task


class Fairness:
    """The batches that have tasks waiting."""

    def __init__(self) -> None:
        self._waiting: dict[int, Batch] = {}
        self._level: dict[int, float] = {}

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._waiting.values())

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def enqueue(self, task: Task, *, first: bool = False) -> None:
        """Put a task into its batch's queue; ``first`` for one that was already placed."""
        batch = task.batch
        if not batch.queue:
            self._begin(batch)
        batch.queue[task.id] = task
        if first:
            batch.queue.move_to_end(task.id, last=False)

    def remove(self, task: Task) -> None:
        """Take a waiting task out, wherever it stands."""
        del task.batch.queue[task.id]
        self._end_if_empty(task.batch)

    def take(self, task: Task, predicted: float) -> None:
        """Take a waiting task out to be served, charging its batch the predicted seconds."""
        batch = task.batch
        del batch.queue[task.id]
        self._level[batch.priority] = max(batch.served, self._level.get(batch.priority, 0.0))
        batch.served += predicted
        self._end_if_empty(batch)

    def next(self, blocked: set[int]) -> Batch | None:
        """Return the batch to serve, leaving out those known to be blocked (by id())."""
        if len(self._waiting) == 1 and not blocked:
            (batch,) = self._waiting.values()
            return batch
        open_ = (batch for key, batch in self._waiting.items() if key not in blocked)
        return min(open_, key=lambda batch: (-batch.priority, batch.served), default=None)

    def _begin(self, batch: Batch) -> None:
        batch.served = max(batch.served, self._level.get(batch.priority, 0.0))
        self._waiting[id(batch)] = batch

    def _end_if_empty(self, batch: Batch) -> None:
        if not batch.queue:
            self._waiting.pop(id(batch), None)
