"""A slot's way to models that other processes of its node have loaded.

    slot                    agent                   the model's process
    pixels -> spool
    ModelTask       ->      passes it on    ->
                                                    reads them, does the step, result -> spool
                    <-      passes it on    <-      ModelEnd

The slot waits for as long as it takes: where that process ends, the agent says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import zmq

from .cell import Cell
from .fault import Fault, from_spool, written_whole
from .slot_messages import ModelEnd, ModelTask
from .spool import made_path, seen_path

if TYPE_CHECKING:
    from ..ops.operation import Seen
    from ..ops.picture import Pixels
    from ..ops.recipe import Step

_read_end = msgspec.msgpack.Decoder(ModelEnd).decode


class Borrowing:
    """Has steps done where their models are. ``cell`` says which attempt the slot runs."""

    def __init__(self, socket: zmq.Socket[bytes], spool: Path, cell: Cell) -> None:
        self._socket = socket
        self._spool = spool
        self._cell = cell

    def done(self, step: Step, pixels: Pixels) -> Pixels:
        """Return what a step that gives pictures makes of these pixels. Raises Fault."""
        attempt = self._cell.attempt
        made = made_path(self._spool, attempt)
        try:
            self._ask(attempt, step, pixels)
            return _loaded(made)
        finally:
            made.unlink(missing_ok=True)

    def measured(self, step: Step, seen: Seen) -> dict[str, Any]:
        """Return what a step that gives data finds. Raises Fault."""
        end = self._ask(self._cell.attempt, step, seen.pixels)
        found: dict[str, Any] = json.loads(end.data)
        return found

    def _ask(self, attempt: int, step: Step, pixels: Pixels) -> ModelEnd:
        path = seen_path(self._spool, attempt)
        try:
            with written_whole(path), path.open("wb") as file:
                np.save(file, pixels, allow_pickle=False)
            task = ModelTask(attempt, step.model, step.canonical())
            self._socket.send(msgspec.msgpack.encode(task))
            end = _read_end(self._socket.recv())
        finally:
            path.unlink(missing_ok=True)
        if end.code:
            raise Fault(end.code, end.reason)
        return end


def _loaded(path: Path) -> Pixels:
    try:
        with from_spool(), path.open("rb") as file:
            pixels: Pixels = np.load(file, allow_pickle=False)
    except ValueError as error:
        raise Fault("spool", f"the node's spool: {error}") from None
    return pixels
