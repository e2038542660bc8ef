"""A process in which one model is loaded, for all slots of its node.

``python -P -m pixmesh.node.model_process``

It loads the model, says READY, then does steps that slots ask for, in the order in which they
come; those that give data are looked at together where several wait.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import zmq

from ..ops.decode import decode
from ..ops.header import probe
from ..ops.operation import Seen
from ..ops.process import done, measured
from ..ops.recipe import Step, parse
from ..ops.registry import loader
from ..ops.supplies import Supplies
from .cell import IDLE, TOGETHER, Cell
from .fault import fault_of, from_spool, written_whole
from .slot_messages import READY, ModelEnd, ModelTask
from .spool import made_path, seen_path
from .tie import Tie
from .weights import WeightsCache

if TYPE_CHECKING:
    from ..ops.picture import Pixels

log = logging.getLogger(__name__)

MOST_TOGETHER = 8

_read_task = msgspec.msgpack.Decoder(ModelTask).decode


def main() -> None:
    """Run until the agent ends or says so."""
    tie = Tie()
    model, cache, socket = tie.orders.model, WeightsCache.open(), tie.connect()
    try:
        loader(model)(model, cache.find(model))
    except Exception as error:  # noqa: BLE001 -- whatever it is, people are told
        socket.send(msgspec.msgpack.encode(_refused(0, error)))
        tie.close()
        sys.exit(1)
    socket.send(READY)
    cell, spool = Cell(Path(tie.orders.cell)), Path(tie.orders.spool)
    lender = Lender(spool, cell, Supplies(weights=cache.find))
    while True:
        for end in lender.ends(_waiting(socket)):
            socket.send(msgspec.msgpack.encode(end))


def _waiting(socket: zmq.Socket[bytes]) -> list[ModelTask]:
    """Wait for a task; return it with those that wait already."""
    tasks = [_read_task(socket.recv())]
    while len(tasks) < MOST_TOGETHER and socket.poll(0):
        tasks.append(_read_task(socket.recv()))
    return tasks


class Lender:
    """Does slots' steps, and tells by ``cell`` which attempt's runs: who dies of it is known."""

    def __init__(self, spool: Path, cell: Cell, supplies: Supplies) -> None:
        self._spool = spool
        self._cell = cell
        self._supplies = supplies

    def ends(self, tasks: Sequence[ModelTask]) -> Iterator[ModelEnd]:
        """Do all of these, and yield their ends."""
        alike: dict[tuple[str, int], list[ModelTask]] = {}
        for task in tasks:
            alike.setdefault((task.step, task.attempt if task.alone else IDLE), []).append(task)
        for (text, _), group in alike.items():
            (step,) = parse(text).steps
            if step.gives_data and len(group) > 1:
                yield from self._ends_together(step, group)
            else:
                yield from (self._end(step, task) for task in group)

    def _end(self, step: Step, task: ModelTask) -> ModelEnd:
        self._cell.attempt = task.attempt
        try:
            if step.gives_data:
                (found,) = measured(step, [self._seen(task)], self._supplies)
                return _told(task, found)
            self._write(task, done(step, self._seen(task).pixels, self._supplies))
            return ModelEnd(task.attempt)
        except Exception as error:  # noqa: BLE001 -- the edge of the loop: it becomes an end
            return _refused(task.attempt, error)
        finally:
            self._cell.attempt = IDLE

    def _ends_together(self, step: Step, tasks: Sequence[ModelTask]) -> list[ModelEnd]:
        """Look at several pictures together; where one spoils that, at each alone."""
        self._cell.attempt = TOGETHER
        try:
            found = measured(step, [self._seen(task) for task in tasks], self._supplies)
            return [_told(task, one) for task, one in zip(tasks, found, strict=True)]
        except Exception as error:  # noqa: BLE001 -- whose it is shows when each is alone
            log.debug("%d together: %s", len(tasks), error)
            return [self._end(step, task) for task in tasks]
        finally:
            self._cell.attempt = IDLE

    def _seen(self, task: ModelTask) -> Seen:
        with from_spool():
            data = seen_path(self._spool, task.attempt).read_bytes()
        header = probe(data)
        return Seen(decode(data, max_pixels=header.layout.pixels, header=header).pixels, header)

    def _write(self, task: ModelTask, pixels: "Pixels") -> None:
        path = made_path(self._spool, task.attempt)
        with written_whole(path), path.open("wb") as file:
            np.save(file, pixels, allow_pickle=False)


def _told(task: ModelTask, found: Mapping[str, object]) -> ModelEnd:
    return ModelEnd(task.attempt, json.dumps(found).encode())


def _refused(attempt: int, error: Exception) -> ModelEnd:
    fault = fault_of(error)
    return ModelEnd(attempt, code=fault.code, reason=fault.reason)


if __name__ == "__main__":
    main()
