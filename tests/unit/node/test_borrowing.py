"""What another process of the node makes of pixels is what the slot itself would."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq

from pixmesh.node import model_process
from pixmesh.node.borrowing import Borrowing
from pixmesh.node.cell import IDLE, TOGETHER, Cell
from pixmesh.node.fault import Fault
from pixmesh.node.model_process import Lender
from pixmesh.node.slot_messages import ModelEnd, ModelTask
from pixmesh.node.spool import seen_path
from pixmesh.ops.header import probe
from pixmesh.ops.npy import encode
from pixmesh.ops.operation import DEPTHS, Depth, Seen
from pixmesh.ops.picture import to_depth
from pixmesh.ops.process import done, measured
from pixmesh.ops.recipe import Step, parse
from pixmesh.ops.supplies import NONE
from pixmesh.tests.support.photos import Pixels, drawn

Socket = zmq.Socket[bytes]


def step_of(text: str) -> Step:
    (step,) = parse(text).steps
    return step


def seen_of(pixels: Pixels) -> Seen:
    return Seen(pixels, probe(encode(pixels)))


@dataclass(slots=True)
class Spool:
    """A node's spool, a slot that runs attempt 7, and a lender."""

    folder: Path
    slot_cell: Cell
    lender: Lender
    borrowing: Borrowing


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    context: zmq.Context[Socket] = zmq.Context()
    near, far = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    near.bind("inproc://agent")
    far.connect("inproc://agent")
    near.rcvtimeo = 30_000
    cell, slot_cell = Cell(tmp_path / "model"), Cell(tmp_path / "slot")
    slot_cell.attempt = 7
    lender = Lender(tmp_path, cell, NONE)
    serving = threading.Thread(target=_lend, args=(far, lender))
    serving.start()
    yield Spool(tmp_path, slot_cell, lender, Borrowing(near, tmp_path, slot_cell))
    near.send(b"")
    serving.join(30)
    cell.close()
    slot_cell.close()
    context.destroy(linger=0)


def _lend(socket: Socket, lender: Lender) -> None:
    while body := socket.recv():
        for end in lender.ends([msgspec.msgpack.decode(body, type=ModelTask)]):
            socket.send(msgspec.msgpack.encode(end))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_picture_comes_back_as_it_would_be_made_here(
    spool: Spool, depth: Depth, channels: int
) -> None:
    colour = to_depth(drawn(1, 31, 20), depth)
    alpha = colour[..., :1]
    shapes = {1: colour[..., 0], 2: np.dstack([colour[..., 0], alpha]), 3: colour}
    pixels = shapes.get(channels, np.dstack([colour, alpha]))
    step = step_of("flip axis=horizontal")
    made = spool.borrowing.done(step, pixels)
    expected = done(step, pixels, NONE)
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    assert np.array_equal(made, expected)
    assert not [path for path in spool.folder.iterdir() if path.suffix]


def test_what_is_found_comes_back_as_it_would_be_found_here(spool: Spool) -> None:
    seen, step = seen_of(drawn(2, 40, 30)), step_of("histogram give=data")
    assert [spool.borrowing.measured(step, seen)] == list(measured(step, [seen], NONE))


def test_what_goes_wrong_there_goes_wrong_here(spool: Spool) -> None:
    with pytest.raises(Fault, match=r"the weights of yunet are missing") as raised:
        spool.borrowing.done(step_of("faces"), drawn(1, 40, 30))
    assert raised.value.code == "no-weights"
    assert not [path for path in spool.folder.iterdir() if path.suffix]


def test_a_full_spool_is_the_nodes_fault(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixmesh.node.borrowing.seen_path", lambda *_: spool.folder / "no" / "way")
    with pytest.raises(Fault, match="the node's spool: No such file") as raised:
        spool.borrowing.done(step_of("blur"), drawn(1, 40, 30))
    assert raised.value.code == "spool"


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (MemoryError(), "memory", "not enough memory for this picture on this node"),
        (RuntimeError("no such device"), "failed", "RuntimeError: no such device"),
    ],
)
def test_what_the_node_lacks_there_goes_elsewhere_as_what_a_slot_lacks(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, reason: str
) -> None:
    def fails(*_: object) -> Pixels:
        raise error

    monkeypatch.setattr(model_process, "done", fails)
    with pytest.raises(Fault, match=reason) as raised:
        spool.borrowing.done(step_of("blur"), drawn(1, 40, 30))
    assert raised.value.code == code


def test_pixels_that_are_gone_are_the_nodes_fault(spool: Spool) -> None:
    (end,) = spool.lender.ends([ModelTask(5, "toy", step_of("blur").canonical())])
    assert (end.attempt, end.code) == (5, "spool")
    assert end.reason.startswith("the node's spool: No such file")


def test_who_is_to_be_alone_is_not_looked_at_with_others(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells: list[int] = []

    def seen_by(step: Step, seen: list[Seen], supplies: object) -> object:
        cells.append(spool.lender._cell.attempt)
        return measured(step, seen, NONE)

    monkeypatch.setattr(model_process, "measured", seen_by)
    text = step_of("histogram give=data").canonical()
    tasks = [ModelTask(number, "toy", text, alone=number > 2) for number in (1, 2, 3, 4)]
    for task in tasks:
        seen_path(spool.folder, task.attempt).write_bytes(encode(drawn(task.attempt, 40, 30)))
    assert [end.attempt for end in spool.lender.ends(tasks)] == [1, 2, 3, 4]
    assert cells == [TOGETHER, 3, 4]


def test_several_are_looked_at_together_and_who_spoils_that_alone(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def counted(step: Step, seen: list[Seen], supplies: object) -> object:
        counts.append(len(seen))
        return measured(step, seen, NONE)

    monkeypatch.setattr(model_process, "measured", counted)
    text = step_of("histogram give=data").canonical()
    tasks = [ModelTask(number, "toy", text) for number in (1, 2, 3)]
    for task in tasks:
        seen_path(spool.folder, task.attempt).write_bytes(encode(drawn(task.attempt, 40, 30)))
    together = list(spool.lender.ends(tasks))
    assert counts == [3]
    assert together == [end for task in tasks for end in spool.lender.ends([task])]
    seen_path(spool.folder, 2).write_bytes(b"no array")
    first, second, third = spool.lender.ends(tasks)
    assert (first, third) == (together[0], together[2])
    assert (second.attempt, second.code) == (2, "not-a-picture")
    assert spool.lender._cell.attempt == IDLE
    assert isinstance(second, ModelEnd)
