"""A node's models: loaded when they are wanted, lent to slots, and who ends one ends with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec
import pytest

from pixmesh.node.cell import IDLE, TOGETHER
from pixmesh.node.models import LONG_UNUSED, LONGEST_LOADING, Models
from pixmesh.node.slot_messages import READY, ModelEnd, ModelTask
from pixmesh.node.slot_process import SlotProcess
from pixmesh.ops.weights import WEIGHTS

HERE = frozenset({"u2netp", "yunet"})
PLENTY = 1 << 40
NOW = 100.0


@dataclass(slots=True)
class Process:
    """Stands for a process: what is done to it is kept."""

    name: str
    alive: bool = False
    running: int = IDLE
    parted: int = 0
    killed: list[str] = field(default_factory=list)
    how_it_ended: str = "was killed by SIGSEGV"

    def start_if_due(self, _now: float) -> None:
        self.alive = True

    def part(self) -> None:
        self.parted += 1

    def kill(self, _code: str, reason: str) -> None:
        self.killed.append(reason)

    def ended(self, _now: float) -> None:
        self.alive = False


@dataclass(slots=True)
class Node:
    """Two slots and the models that they borrow; ``said`` is to whom, and what."""

    slots: list[Process] = field(default_factory=lambda: [Process("0.1"), Process("1.1")])
    processes: dict[str, Process] = field(default_factory=dict)
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def models(self) -> Models:
        return Models(
            slots=cast(Sequence[SlotProcess], self.slots),
            make=self._made,
            send=lambda name, body: self.said.append((name, body)),
        )

    def _made(self, model: str) -> SlotProcess:
        self.processes[model] = Process(f"{model}.1")
        return cast(SlotProcess, self.processes[model])

    def told(self) -> list[tuple[str, ModelEnd]]:
        ends = [(to, msgspec.msgpack.decode(body, type=ModelEnd)) for to, body in self.said]
        self.said.clear()
        return ends


def asked(attempt: int, model: str = "u2netp") -> bytes:
    return msgspec.msgpack.encode(ModelTask(attempt, model, f"cutout model={model}"))


def end(attempt: int, code: str = "", reason: str = "") -> bytes:
    return msgspec.msgpack.encode(ModelEnd(attempt, b"", code, reason))


def warm(node: Node) -> Models:
    models = node.models()
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    assert models.heard("u2netp.1", READY, NOW)
    return models


def test_what_is_wanted_is_loaded_once_its_weights_are_here() -> None:
    node = Node()
    models = node.models()
    models.want("u2netp")
    models.tick({"yunet"}, PLENTY, NOW)
    assert node.processes == {}
    models.tick(HERE, PLENTY, NOW)
    assert (models.warming, models.cold(HERE), models.news) == ("u2netp", ("u2netp",), True)
    assert models.memory == WEIGHTS["u2netp"].memory
    assert models.heard("u2netp.1", READY, NOW)
    assert (models.warming, models.cold(HERE)) == ("", ())
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    assert list(node.processes) == ["u2netp"]


@pytest.mark.parametrize("model", ["yunet", "no such model"])
def test_what_each_slot_loads_by_itself_and_what_is_unknown_has_no_process(model: str) -> None:
    node = Node()
    models = node.models()
    models.want(model)
    models.tick({*HERE}, PLENTY, NOW)
    assert node.processes == {}
    assert models.cold({"yunet"}) == ()


def test_a_model_for_which_there_is_no_memory_is_not_loaded_and_that_is_said() -> None:
    node = Node()
    models = node.models()
    models.want("u2netp")
    models.tick(HERE, 300_000_000, NOW)
    assert node.processes == {}
    assert models.unloaded == "u2netp: it takes 0.8 GB of memory, and 0.3 are free"
    assert models.news
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    assert models.unloaded == ""


def test_what_a_slot_asks_goes_to_the_model_and_the_answer_back() -> None:
    node = Node()
    models = warm(node)
    assert models.heard("1.1+", asked(7), NOW)
    assert node.said == [("u2netp.1", asked(7))]
    assert models.heard("u2netp.1", end(7), NOW)
    assert node.said[1:] == [("1.1+", end(7))]
    assert models.heard("u2netp.1", end(7), NOW)  # it comes twice: nobody waits for it
    assert len(node.said) == 2
    assert not models.heard("1.1", b"its own", NOW)
    assert not models.heard("u2netp.0", READY, NOW)


def test_what_is_cold_is_refused_and_loaded_for_the_next() -> None:
    node = Node()
    models = node.models()
    assert models.heard("0.1+", asked(7), NOW)
    assert node.told() == [("0.1+", ModelEnd(7, b"", "no-model", "u2netp is not loaded"))]
    models.tick(HERE, PLENTY, NOW)
    assert models.warming == "u2netp"
    assert models.heard("0.1+", asked(8), NOW)
    assert node.told() == [("0.1+", ModelEnd(8, b"", "no-model", "u2netp is not loaded"))]


def test_who_ended_a_model_ends_and_who_waited_behind_it_is_told() -> None:
    node = Node()
    models = warm(node)
    models.heard("0.1+", asked(7), NOW)
    models.heard("1.1+", asked(8), NOW)
    node.said.clear()
    node.processes["u2netp"].running = 7
    assert models.died("u2netp.1", NOW)
    why = "its model's process was killed by SIGSEGV"
    assert [slot.killed for slot in node.slots] == [[why], []]
    assert node.told() == [("1.1+", ModelEnd(8, b"", "no-model", why))]
    assert models.cold(HERE) == ("u2netp",)
    assert models.unloaded == ""  # it had been loaded
    assert not models.died("0.1", NOW)


def test_of_several_looked_at_together_each_may_have_ended_the_model() -> None:
    node = Node()
    models = warm(node)
    models.heard("0.1+", asked(7), NOW)
    models.heard("1.1+", asked(8), NOW)
    node.processes["u2netp"].running = TOGETHER
    models.died("u2netp.1", NOW)
    assert [len(slot.killed) for slot in node.slots] == [1, 1]


def test_a_model_that_cannot_be_loaded_is_told_of_with_its_reason() -> None:
    node = Node()
    models = node.models()
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    models.heard("u2netp.1", end(0, code="failed", reason="ImportError: no onnxruntime"), NOW)
    models.died("u2netp.1", NOW)
    assert models.unloaded == "u2netp: ImportError: no onnxruntime"
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    models.died("u2netp.1", NOW)
    assert models.unloaded == "u2netp: its model's process was killed by SIGSEGV"


def test_a_model_that_is_never_loaded_is_given_up() -> None:
    node = Node()
    models = node.models()
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    models.tick(HERE, PLENTY, NOW + LONGEST_LOADING - 1)
    process = node.processes["u2netp"]
    assert process.killed == []
    for late in (0.0, 1.0):
        models.tick(HERE, PLENTY, NOW + LONGEST_LOADING + late)
    assert process.killed == ["u2netp: it was not loaded after 300 s"]
    models.died("u2netp.1", NOW)
    assert (models.warming, models.unloaded) == ("", "u2netp: it was not loaded after 300 s")


def test_a_slot_that_ends_leaves_nothing_lent_and_takes_what_hangs_with_it() -> None:
    node = Node()
    models = warm(node)
    models.heard("0.1+", asked(7), NOW)
    models.heard("1.1+", asked(8), NOW)
    process = node.processes["u2netp"]
    process.running = 7
    models.slot_died("1.1")
    assert process.killed == []
    models.slot_died("0.1")
    assert process.killed == ["u2netp was at work for a slot that is gone"]
    node.said.clear()
    models.died("u2netp.1", NOW)
    assert node.said == []


def test_a_model_that_is_not_used_for_long_ends_by_itself() -> None:
    node = Node()
    models = warm(node)
    models.heard("0.1+", asked(7), NOW)
    models.tick(HERE, PLENTY, NOW + 2 * LONG_UNUSED)
    assert node.processes["u2netp"].parted == 0  # it is at work
    models.heard("u2netp.1", end(7), NOW + 3 * LONG_UNUSED)
    models.tick(HERE, PLENTY, NOW + 4 * LONG_UNUSED - 1)
    assert node.processes["u2netp"].parted == 0
    models.tick(HERE, PLENTY, NOW + 4 * LONG_UNUSED)
    assert node.processes["u2netp"].parted == 1
    models.died("u2netp.1", NOW)
    assert (models.memory, models.cold(HERE), models.unloaded) == (0, ("u2netp",), "")


def test_a_process_that_cannot_be_started_is_told_of(tmp_path: Path) -> None:
    def unstartable(model: str) -> SlotProcess:
        folder = tmp_path / "gone"
        return SlotProcess(model, folder, lambda *_: pytest.fail("started"), lambda _: None)

    models = Models(slots=[], make=unstartable, send=lambda *_: pytest.fail("said"))
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    assert models.unloaded == "u2netp: its process cannot be started"
