"""A slot: one process that runs one task at a time. ``python -P -m pixmesh.node.slots``.

It imports everything first, says READY, then takes tasks in the order they are given. Whatever
a picture does to it costs this process and nothing else.
"""

import contextlib
import logging
import mmap
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import msgspec
import zmq

from ..broker.messages import INLINE_BYTES
from ..broker.views import Preview, Thumbnail
from ..ops.digest import digest_of
from ..ops.process import Output, process, read_output
from ..ops.recipe import Recipe, parse
from ..ops.supplies import NONE, Supplies
from ..ops.thumbnail import thumbnail
from .album import Album
from .borrowing import Borrowing
from .cell import IDLE, Cell
from .fault import Fault, fault_of, from_spool, written_whole
from .slot_messages import BORROWS, READY, SlotEnd, SlotTask
from .spool import result_path, source_path
from .tie import Tie
from .weights import WeightsCache

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.001

Pixels = bytes | memoryview
T = TypeVar("T")


class Made(msgspec.Struct, frozen=True):
    """A result's bytes and their format."""

    data: bytes
    format: str


def main() -> None:
    """Run until the agent ends or says so."""
    tie = Tie()
    cell, spool = Cell(Path(tie.orders.cell)), Path(tie.orders.spool)
    borrowing = Borrowing(tie.connect(BORROWS), spool, cell)
    socket = tie.connect()
    socket.send(READY)
    weights = WeightsCache.open().find
    supplies = Supplies(weights=weights, elsewhere=borrowing, reference=Album(spool).find)
    serve(socket, cell, Runner(spool, supplies))


def serve(socket: zmq.Socket[bytes], cell: Cell, runner: "Runner") -> None:
    """Take tasks, run them in order, tell the ends: at once, or a few together."""
    decode = msgspec.msgpack.Decoder(tuple[SlotTask, ...]).decode
    while True:
        ends: list[SlotEnd] = []
        flushed = time.monotonic()
        for task in decode(socket.recv()):
            cell.attempt = task.attempt
            ends.append(runner.run(task))
            cell.attempt = IDLE
            if time.monotonic() - flushed > FLUSH_SECONDS:
                socket.send(msgspec.msgpack.encode(ends))
                ends, flushed = [], time.monotonic()
        if ends:
            socket.send(msgspec.msgpack.encode(ends))


class Runner:
    """Runs one task after the other; recipes and outputs are read once.

    Pixels that do not travel inline are in the folder ``spool``; ``supplies`` is what
    operations may need beside pixels.
    """

    def __init__(
        self,
        spool: Path,
        supplies: Supplies = NONE,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._spool = spool
        self._supplies = supplies
        self._clock = clock
        self._recipes: dict[str, Recipe] = {}
        self._outputs: dict[str, Output] = {}

    def run(self, task: SlotTask) -> SlotEnd:
        """Run one task; every error becomes its end."""
        began = self._clock()
        try:
            return self._finished(task, began)
        except Exception as error:  # noqa: BLE001 -- the edge of the loop: it becomes an end
            fault = fault_of(error)
            end = SlotEnd(task.attempt, code=fault.code, reason=fault.reason)
        end.seconds = self._clock() - began
        return end

    def _finished(self, task: SlotTask, began: float) -> SlotEnd:
        if task.inline is not None:
            return self._succeeded(task, task.inline, began)
        with _Spooled(source_path(self._spool, task.attempt)) as pixels:
            return self._succeeded(task, pixels, began)

    def _succeeded(self, task: SlotTask, pixels: Pixels, began: float) -> SlotEnd:
        """Return the end of a task that is done; what a preview takes is none of its seconds."""
        made = self._made(task, pixels)
        end = self._written(task, made)
        end.seconds = self._clock() - began
        if task.preview and task.recipe:
            end.preview = _shown(task, pixels, made.data, end.seconds)
        return end

    def _made(self, task: SlotTask, pixels: Pixels) -> Made:
        if digest_of(pixels) != task.digest:
            raise Fault("corrupted", "the pixels arrived with another digest than promised")
        if not task.recipe:
            return Made(bytes(pixels), "same")
        recipe = _kept(self._recipes, task.recipe, parse)
        output = _kept(self._outputs, task.output, read_output)
        product = process(pixels, recipe, output, self._supplies)
        return Made(product.data, product.format)

    def _written(self, task: SlotTask, made: Made) -> SlotEnd:
        """Return the end that tells of a result; a large one is put into the spool first."""
        size, digest = len(made.data), digest_of(made.data)
        if size <= INLINE_BYTES:
            return SlotEnd(task.attempt, 0.0, size, digest, made.format, made.data)
        path = result_path(self._spool, task.attempt)
        with written_whole(path):
            path.write_bytes(made.data)
        return SlotEnd(task.attempt, 0.0, size, digest, made.format)


class _Spooled:
    """A task's encoded pixels, mapped from the agent's spool."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._map: mmap.mmap | None = None
        self._view: memoryview | None = None

    def __enter__(self) -> Pixels:
        try:
            with from_spool(), self._path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise Fault("corrupted", "the pixels arrived, and were gone from the spool") from None
        self._view = memoryview(self._map)
        return self._view

    def __exit__(self, *_: object) -> None:
        if self._view is not None and self._map is not None:
            # An error on its way out still looks into the pixels: they go when it does.
            with contextlib.suppress(BufferError):
                self._view.release()
                self._map.close()


def _shown(task: SlotTask, pixels: Pixels, result: bytes, seconds: float) -> bytes | None:
    """Return the picture before and after, made small; None where that cannot be done."""
    try:
        before, after = (Thumbnail(**asdict(thumbnail(one))) for one in (pixels, result))
        return msgspec.msgpack.encode(Preview(task.name, task.recipe, before, after, seconds))
    except Exception as error:  # noqa: BLE001 -- the picture is done, whatever becomes of this
        log.debug("attempt %d has no preview: %s", task.attempt, fault_of(error))
        return None


def _kept(table: dict[str, T], text: str, read: Callable[[str], T]) -> T:
    if text not in table:
        if len(table) >= 256:
            table.clear()
        table[text] = read(text)
    return table[text]


if __name__ == "__main__":
    main()
