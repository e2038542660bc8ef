"""A node's models: loaded when they are wanted, lent to slots, and who ends one ends with it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import msgspec
import pytest

from pixmesh.node.cell import IDLE, TOGETHER
from pixmesh.node.limits import FACTOR, LEAST
from pixmesh.node.models import LONG_UNUSED, LONGEST_LOADING, UNNEEDED, Models
from pixmesh.node.slot_messages import READY, ModelEnd, ModelTask
from pixmesh.node.slot_process import SlotProcess
from pixmesh.node.spool import made_path
from pixmesh.ops.weights import WEIGHTS

HERE = frozenset({"u2netp", "yunet"})
BOTH = HERE | {"u2net"}
PLENTY = 1 << 40
NOW = 100.0


@dataclass(slots=True)
class Process:
    """Stands for a process: what is done to it is kept."""

    label: str
    alive: bool = False
    running: int = IDLE
    start_at: float = 0.0
    started: int = 0
    parted: int = 0
    killed: list[str] = field(default_factory=list)
    how_it_ended: str = "was killed by SIGSEGV"

    @property
    def name(self) -> str:
        return f"{self.label}.{self.started}"

    def start_if_due(self, _now: float) -> None:
        self.alive = True
        self.started += 1

    def part(self) -> None:
        self.parted += 1

    def kill(self, _code: str, reason: str) -> None:
        self.killed.append(reason)

    def ended(self, _now: float) -> None:
        self.alive = False


@dataclass(slots=True)
class Node:
    """Two slots and the models that they borrow; ``said`` is to whom, and what."""

    spool: Path = Path("no such folder")
    slots: list[Process] = field(default_factory=lambda: [_slot("0"), _slot("1")])
    processes: dict[str, Process] = field(default_factory=dict)
    said: list[tuple[str, bytes]] = field(default_factory=list)

    def models(self) -> Models:
        return Models(
            spool=self.spool,
            slots=cast(Sequence[SlotProcess], self.slots),
            make=self._made,
            send=lambda name, body: self.said.append((name, body)),
        )

    def _made(self, model: str) -> SlotProcess:
        assert model not in self.processes
        self.processes[model] = Process(model)
        return cast(SlotProcess, self.processes[model])

    def told(self) -> list[tuple[str, ModelEnd]]:
        ends = [(to, msgspec.msgpack.decode(body, type=ModelEnd)) for to, body in self.said]
        self.said.clear()
        return ends


def _slot(label: str) -> Process:
    return Process(label, alive=True, started=1)


def asked(attempt: int, model: str = "u2netp") -> bytes:
    return msgspec.msgpack.encode(ModelTask(attempt, model, f"cutout model={model}"))


def end(attempt: int, code: str = "", reason: str = "") -> bytes:
    return msgspec.msgpack.encode(ModelEnd(attempt, b"", code, reason))


def warm(node: Node) -> Models:
    models = node.models()
    load(node, models)
    return models


def load(node: Node, models: Models, model: str = "u2netp", now: float = NOW) -> None:
    models.want(model)
    models.tick(BOTH, PLENTY, now)
    assert models.heard(node.processes[model].name, READY, now)


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
    assert not node.processes["u2netp"].alive
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


def die_together(node: Node, models: Models) -> None:
    process = node.processes["u2netp"]
    models.heard("0.1+", asked(7), NOW)
    models.heard("1.1+", asked(8), NOW)
    node.said.clear()
    process.running = TOGETHER
    models.died(process.name, NOW)


def is_alone(node: Node) -> bool:
    ((_, body),) = node.said
    node.said.clear()
    return msgspec.msgpack.decode(body, type=ModelTask).alone


def test_of_several_looked_at_together_nobody_is_blamed_and_the_next_are_alone() -> None:
    node = Node()
    models = warm(node)
    die_together(node, models)
    assert [slot.killed for slot in node.slots] == [[], []]
    assert [(to, end.attempt, end.code) for to, end in node.told()] == [
        ("0.1+", 7, "no-model"),
        ("1.1+", 8, "no-model"),
    ]
    load(node, models)
    models.heard("0.1+", asked(9), NOW)
    assert is_alone(node)


@pytest.mark.parametrize("found", [True, False], ids=["found", "unused"])
def test_they_are_looked_at_together_again_once_who_ended_it_is_found_or_it_was_unused(
    found: bool,
) -> None:
    node = Node()
    models = warm(node)
    die_together(node, models)
    load(node, models)
    process = node.processes["u2netp"]
    if found:
        models.heard("0.1+", asked(9), NOW)
    process.running = 9 if found else IDLE
    models.died(process.name, NOW)
    load(node, models)
    node.said.clear()
    models.heard("0.1+", asked(10), NOW)
    assert not is_alone(node)


@pytest.mark.parametrize("running", [TOGETHER, IDLE])
def test_a_process_that_says_nothing_is_ended_and_no_slot(running: int) -> None:
    node = Node()
    models = warm(node)
    process = node.processes["u2netp"]
    process.running = running
    models.end_overrun({}, NOW + 9 * LEAST)
    assert process.killed == []  # nobody waits for it
    models.heard("0.1+", asked(7), NOW)
    models.heard("1.1+", asked(8), NOW + 1)
    assert models.waiting == {7, 8}
    models.end_overrun({7: 2.0, 8: 2.0}, NOW + 1 + 4.0 * FACTOR - 0.1)
    assert process.killed == []
    models.end_overrun({7: 2.0, 8: 2.0}, NOW + 1 + 4.0 * FACTOR)
    assert process.killed == ["it said nothing for 80 s"]
    models.died("u2netp.1", NOW)
    assert [slot.killed for slot in node.slots] == [[], []]


def test_an_attempt_waits_until_the_process_is_at_work_for_it() -> None:
    node = Node()
    models = warm(node)
    models.heard("0.1+", asked(7), NOW)
    models.heard("1.1+", asked(8), NOW)
    process = node.processes["u2netp"]
    process.running = 7
    assert models.waiting == {8}
    models.end_overrun({}, NOW + 99 * LEAST)
    assert process.killed == []  # that one's limit is its slot's
    models.heard("u2netp.1", end(7), NOW)
    process.running = 8
    assert models.waiting == frozenset()


def test_a_late_word_of_a_process_that_is_gone_is_no_word_of_the_next() -> None:
    node = Node()
    models = warm(node)
    models.died("u2netp.1", NOW)
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    assert not models.heard("u2netp.1", READY, NOW)
    assert models.warming == "u2netp"
    assert models.heard("u2netp.2", READY, NOW)
    assert models.warming == ""


def test_a_process_that_died_early_is_started_when_it_is_due() -> None:
    node = Node()
    models = warm(node)
    models.died("u2netp.1", NOW)
    node.processes["u2netp"].start_at = NOW + 5
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW + 4)
    assert models.warming == ""
    models.tick(HERE, PLENTY, NOW + 5)
    assert models.warming == "u2netp"


def test_what_a_slot_asked_that_is_gone_is_lent_to_nobody() -> None:
    node = Node()
    models = warm(node)
    node.slots[0].alive = False
    assert models.heard("0.1+", asked(7), NOW)
    assert models.heard("2.1+", asked(8), NOW)
    assert (node.said, models.waiting) == ([], frozenset())


def test_what_was_made_for_a_slot_that_is_gone_does_not_stay(tmp_path: Path) -> None:
    node = Node(tmp_path)
    models = warm(node)
    models.heard("0.1+", asked(7), NOW)
    models.slot_died("0.1")
    made = made_path(tmp_path, 7)
    made.write_bytes(b"pixels")
    models.heard("u2netp.1", end(7), NOW)
    assert not made.exists()


ROOM = WEIGHTS["u2net"].memory + WEIGHTS["u2netp"].memory - 1


def test_a_model_that_nobody_uses_makes_way_for_one_that_is_wanted() -> None:
    node = Node()
    models = warm(node)
    models.want("u2net")
    models.tick(BOTH, ROOM, NOW + UNNEEDED - 1)
    old = node.processes["u2netp"]
    assert (old.parted, models.unloaded.split(",")[0]) == (
        0,
        "u2net: it takes 1.2 GB of memory",
    )
    models.tick(BOTH, ROOM, NOW + UNNEEDED)
    assert (old.parted, models.warming) == (1, "")
    models.died("u2netp.1", NOW + UNNEEDED)
    models.tick(BOTH, ROOM, NOW + UNNEEDED)
    assert (models.warming, models.unloaded) == ("u2net", "")


def test_a_model_in_use_makes_way_for_nothing() -> None:
    node = Node()
    models = warm(node)
    models.heard("0.1+", asked(7), NOW)
    models.make_room(NOW + LONG_UNUSED)
    models.want("u2net")
    models.tick(BOTH, ROOM, NOW + LONG_UNUSED)
    assert node.processes["u2netp"].parted == 0
    models.heard("u2netp.1", end(7), NOW)
    models.make_room(NOW)
    assert node.processes["u2netp"].parted == 1


def test_what_one_model_could_not_is_not_said_of_another() -> None:
    node = Node()
    models = node.models()
    models.want("u2net")
    models.tick(BOTH, WEIGHTS["u2netp"].memory, NOW)
    models.want("u2netp")
    models.tick(BOTH, WEIGHTS["u2netp"].memory, NOW)
    assert models.unloaded == "u2net: it takes 1.2 GB of memory, and 0.8 are free"
    assert models.warming == "u2netp"
    models.tick(BOTH, PLENTY, NOW + LONGEST_LOADING)
    assert node.processes["u2netp"].killed == ["it was not loaded after 300 s"]
    assert models.unloaded.endswith("; u2netp: it was not loaded after 300 s")


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
    models.died("u2netp.2", NOW)
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
    assert process.killed == ["it was not loaded after 300 s"]
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

    def says_nothing(_name: str, _body: bytes) -> None:
        pytest.fail("said")

    models = Models(slots=[], make=unstartable, send=says_nothing, spool=tmp_path)
    models.want("u2netp")
    models.tick(HERE, PLENTY, NOW)
    assert models.unloaded == "u2netp: its process cannot be started"
