"""An agent's turn: what it shows, what it hears of its processes, and which it ends."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
import zmq
from msgspec import structs

from pixmesh.broker.messages import Ask, Message, Tell, Welcome
from pixmesh.broker.previews import MOST_BYTES
from pixmesh.node.agent import Agent
from pixmesh.node.attempts import Attempts
from pixmesh.node.models import Models
from pixmesh.node.net.connection import Connection, Heard
from pixmesh.node.pixels import Pixels
from pixmesh.node.provision import Provision
from pixmesh.node.references import References
from pixmesh.node.slot_messages import READY, SlotEnd, SlotTask
from pixmesh.node.slot_process import SlotProcess

from .items import assign, assign_item, slot_end

Socket = zmq.Socket[bytes]
WELCOME = Welcome(member=b"node....", version=1, boot=b"boot....", relay=0, beat=1.0, lease=6.0)


@dataclass(slots=True)
class Broker:
    """Stands in for a Connection: what it says next, and what it was told."""

    says: list[Message] = field(default_factory=list)
    told: list[Message] = field(default_factory=list)
    welcome: Welcome | None = WELCOME
    refusal: None = None
    heard_at: float = 0.0

    def receive(self, _now: float, _ready: object) -> list[Heard]:
        said, self.says = self.says, []
        return [Heard(message) for message in said]

    def send(self, message: Message) -> bool:
        self.told.append(message)
        return True

    def tick(self, _now: float) -> None:
        pass

    @property
    def previews(self) -> list[Tell]:
        return [message for message in self.told if isinstance(message, Tell)]


@dataclass(slots=True)
class Bench:
    """An agent with one slot, whose part the test plays."""

    agent: Agent
    broker: Broker
    slot: Socket
    given: int = 0

    def turn(self, now: float, *says: Message) -> None:
        self.broker.says += says
        ready: list[object] = [self.agent.slot_socket] if self.agent.slot_socket.poll(0) else []
        self.agent.turn(now, ready)

    def task(self, now: float) -> SlotTask:
        """Let the node be given a task; return what its slot is given."""
        self.given += 1
        item = assign_item(self.given)
        named = structs.replace(item, task=structs.replace(item.task, name=f"{self.given}.jpg"))
        self.turn(now, assign(named, seq=self.given))
        (task,) = msgspec.msgpack.decode(self.slot.recv(), type=tuple[SlotTask, ...])
        return task

    def ends(self, now: float, preview: bytes | None = None) -> None:
        """The slot is done with the task that it was given last."""
        end: SlotEnd = structs.replace(slot_end(self.given), preview=preview)
        self.say(msgspec.msgpack.encode([end]), now)

    def say(self, body: bytes, now: float) -> None:
        self.slot.send(body)
        assert self.agent.slot_socket.poll(5000)
        self.turn(now)


@dataclass(slots=True)
class FakeSlot:
    """A slot's process that runs one attempt for ever."""

    name: str
    running: int
    alive: bool = True
    killed: list[str] = field(default_factory=list)

    def start_if_due(self, _now: float) -> None:
        pass

    def kill(self, _code: str, reason: str) -> None:
        self.killed.append(reason)


@dataclass(slots=True)
class FakeModels:
    """Models for which attempts wait."""

    waiting: frozenset[int]
    news: bool = False
    warming: str = ""
    unloaded: str = ""
    memory: int = 0
    loaded: tuple[()] = ()

    def tick(self, _here: object, _room: int, _now: float) -> None:
        pass

    def cold(self, _here: object) -> tuple[str, ...]:
        return ()

    def end_overrun(self, _predicted: object, _now: float) -> None:
        pass


def _no_model(model: str) -> SlotProcess:
    raise AssertionError(f"nobody wants {model}")


def _says_nothing(name: str, body: bytes) -> None:
    raise AssertionError(f"nobody says {body!r} to {name}")


@pytest.fixture
def bench() -> Iterator[Bench]:
    context: zmq.Context[Socket] = zmq.Context()
    door, slot = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    slot.routing_id, slot.rcvtimeo = b"slot-1", 5000
    door.bind("inproc://slots")
    slot.connect("inproc://slots")
    broker = Broker()
    provision = SimpleNamespace(tick=lambda _now: None, here=frozenset(), pulling="", unfetched="")
    still = SimpleNamespace(tick=lambda _now: None, pump=lambda: None, waiting=False)
    agent = Agent(
        connection=cast(Connection, broker),
        slot_socket=door,
        slots=[],
        provision=cast(Provision, provision),
        models=Models(slots=[], make=_no_model, send=_says_nothing, spool=Path("no such folder")),
        references=cast(References, SimpleNamespace(turn=lambda _now: None)),
        pixels=cast(Pixels, SimpleNamespace(receiver=still, sender=still)),
        attempts=Attempts(),
        wake=cast(Any, SimpleNamespace(fileno=-1)),
        on_ready=lambda: None,
    )
    agent.attempts.slot_ready("slot-1")
    one = Bench(agent, broker, slot)
    one.say(READY, 0.0)
    yield one
    context.destroy(linger=0)


LOOK = Ask(what="preview")


def test_no_task_is_shown_before_somebody_looks_nor_after(bench: Bench) -> None:
    first = bench.task(1.0)
    assert (first.preview, first.name) == (False, "")
    bench.ends(1.1)
    bench.turn(1.2, LOOK)
    second = bench.task(1.3)
    assert (second.preview, second.name) == (True, "2.jpg")
    bench.ends(1.4)
    third = bench.task(1.5)
    assert (third.preview, third.name) == (False, "")
    bench.ends(1.6)
    assert bench.task(9.0).preview is False


def test_what_a_slot_shows_goes_to_the_broker_as_it_is(bench: Bench) -> None:
    bench.turn(1.0, LOOK)
    bench.task(1.1)
    bench.ends(1.2, b"as it is")
    assert bench.broker.previews == [Tell("preview", 0, 1, b"as it is")]
    bench.task(1.3)
    bench.ends(1.4)
    assert len(bench.broker.previews) == 1


@pytest.mark.parametrize(("size", "told"), [(MOST_BYTES, 1), (MOST_BYTES + 1, 0)])
def test_nothing_larger_goes_than_the_broker_takes(bench: Bench, size: int, told: int) -> None:
    bench.task(1.0)
    bench.ends(1.1, bytes(size))
    assert len(bench.broker.previews) == told


def test_what_is_shown_while_there_is_no_broker_is_dropped(bench: Bench) -> None:
    bench.task(1.0)
    bench.broker.welcome = None
    bench.ends(1.1, b"as it is")
    bench.broker.welcome = WELCOME
    bench.turn(1.2)
    assert bench.broker.previews == []


@pytest.mark.parametrize("body", [b"ready", b"\x94\x07\xa0\xa0\xa0", b"no message"])
def test_a_late_word_of_a_process_that_is_gone_changes_nothing(bench: Bench, body: bytes) -> None:
    bench.task(1.0)
    with bench.slot.context.socket(zmq.DEALER) as gone:
        gone.routing_id = b"u2netp.1"
        gone.connect("inproc://slots")
        gone.send(body)
        assert bench.agent.slot_socket.poll(5000)
        bench.turn(1.1)
    assert list(bench.agent.attempts.benches) == ["slot-1"]
    bench.ends(1.2)
    assert bench.task(1.3).attempt == 2


def test_a_slot_that_waits_for_its_turn_at_a_model_does_not_hang(bench: Bench) -> None:
    slot = FakeSlot("slot-1", running=7)
    bench.agent.slots.append(cast(SlotProcess, slot))
    models = FakeModels(frozenset({7}))
    bench.agent.models = cast(Models, models)
    for second in range(0, 600, 10):
        bench.turn(float(second))
    assert slot.killed == []
    models.waiting = frozenset()
    for second in range(600, 661, 10):
        bench.turn(float(second))
    assert slot.killed == ["it ran longer than its limit of 60 s"]
