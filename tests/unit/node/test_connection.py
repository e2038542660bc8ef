"""A member's way to its broker, over real sockets, with a broker that a test plays."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from pixmesh.broker import leases, wire
from pixmesh.broker.keys import KeyPair
from pixmesh.broker.messages import Error, Get, Hello, MemberId, Message, Settled, State, Welcome
from pixmesh.node.net.address import Address
from pixmesh.node.net.connection import HELLO_AGAIN, Connection, Heard
from pixmesh.tests.support.eventually import eventually

BOOT = b"bootboot"
PEER = MemberId(b"peer....")
WELCOME = Welcome(MemberId(b"me......"), 1, BOOT, 0, leases.BEAT, leases.LEASE)

needs_ipc = pytest.mark.skipif(not zmq.has("ipc"), reason="no ipc:// here")


class Stage:
    """A connection, and the two sockets of the broker that it talks to."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], folder: Path) -> None:
        self.now = 0.0
        address = Address(folder=folder)
        self.control, self.relay = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
        self.control.bind(address.control)
        self.relay.bind(address.relay(0))
        key = KeyPair.fresh()
        hello = Hello("node", "atlas", key.raw, BOOT, 1, 1)
        self.connection = Connection(context, address, key, lambda: hello, self.now)
        self.route = b""
        self.heard: list[Heard] = []

    def close(self) -> None:
        self.connection.close()
        self.control.close(linger=0)
        self.relay.close(linger=0)

    def turn(self) -> list[Heard]:
        sockets = (self.connection.control, self.connection.monitor, self.connection.relay)
        self.heard += self.connection.receive(self.now, sockets)
        self.connection.tick(self.now)
        return self.heard

    def takes(self, socket: zmq.Socket[bytes]) -> list[bytes]:
        """Return the next message that the broker gets on a socket."""
        assert socket.poll(5000)
        route, *frames = socket.recv_multipart()
        self.route = route
        return frames

    def says(self, *messages: Message) -> None:
        for message in messages:
            self.control.send_multipart([self.route, *wire.encode(message)])

    def welcome(self) -> None:
        self.turn()
        assert isinstance(wire.decode(self.takes(self.control))[0], Hello)
        self.says(WELCOME)
        eventually(lambda: self.turn() is not None and self.connection.welcome)


@pytest.fixture
def stage(tmp_path: Path, state_folder: Path) -> Iterator[Stage]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    one = Stage(context, state_folder)
    yield one
    one.close()
    context.term()


@needs_ipc
def test_hello_is_repeated_until_it_is_answered(stage: Stage) -> None:
    stage.turn()
    stage.now += HELLO_AGAIN / 2
    stage.turn()
    stage.now += HELLO_AGAIN / 2
    stage.turn()
    for _ in range(2):
        assert isinstance(wire.decode(stage.takes(stage.control))[0], Hello)
    assert not stage.control.poll(50)


@needs_ipc
def test_a_lost_session_is_answered_with_one_hello_however_often_it_is_said(stage: Stage) -> None:
    stage.welcome()
    stage.says(*[Error(code="no-session", text="say HELLO first")] * 10)
    eventually(lambda: stage.turn() is not None and stage.connection.welcome is None)
    eventually(lambda: stage.turn() is not None and stage.control.poll(50))
    assert isinstance(wire.decode(stage.takes(stage.control))[0], Hello)
    stage.turn()
    assert not stage.control.poll(50)


@needs_ipc
def test_the_relay_is_greeted_at_an_empty_destination_and_answers_welcome(stage: Stage) -> None:
    stage.welcome()
    to, *frames = stage.takes(stage.relay)
    assert to == b""
    assert isinstance(wire.decode(frames)[0], Hello)
    answer = wire.encode(Error(code="welcome", text=""))
    stage.relay.send_multipart([stage.route, b"", *answer])
    assert eventually(lambda: stage.turn() is not None and stage.connection.relayed)


@needs_ipc
def test_another_member_is_listened_to_about_transfers_alone(stage: Stage) -> None:
    stage.welcome()
    stage.takes(stage.relay)
    get = Get(token=bytes(16), offset=0, credit=1)
    orders = [Error(code=code, text="do as I say") for code in ("forgotten", "no-session", "x")]
    said: list[Message] = [Settled((1,)), State(), *orders, get]
    for message in said:
        stage.relay.send_multipart([stage.route, PEER, *wire.encode(message)])
    heard = eventually(stage.turn)
    assert [(one.message, one.source) for one in heard] == [(get, PEER)]
    assert stage.connection.welcome
    assert stage.connection.refusal is None


@needs_ipc
def test_another_member_cannot_end_a_session_that_begins_anew(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor fill its log: what it sends may be no message, or one of another version."""
    stage.welcome()
    stage.says(Error(code="no-session", text="say HELLO first"))
    stage.takes(stage.relay)
    eventually(lambda: stage.turn() is not None and stage.connection.welcome is None)
    get = Get(token=bytes(16), offset=0, credit=1)
    for frame in (wire.MAGIC + bytes([7, 1]), b"garbage", *wire.encode(get)):
        stage.relay.send_multipart([stage.route, PEER, frame])
    assert [one.message for one in eventually(stage.turn)] == [get]
    assert stage.connection.refusal is None
    assert [one for one in caplog.records if one.levelname == "WARNING"] == []


@needs_ipc
def test_what_is_no_message_is_passed_over(stage: Stage) -> None:
    stage.welcome()
    stage.control.send_multipart([stage.route, b"garbage"])
    stage.says(Settled((1,)))
    assert [one.message for one in eventually(stage.turn)] == [Settled((1,))]


@needs_ipc
@pytest.mark.parametrize("code", ["version", "duplicate", "identity"])
def test_a_refusal_is_final_and_kept(stage: Stage, code: str) -> None:
    stage.turn()
    stage.takes(stage.control)
    stage.says(Error(code=code, text="no", remedy="another key"))
    refusal = eventually(lambda: stage.turn() is not None and stage.connection.refusal)
    assert refusal
    assert (refusal.code, refusal.remedy) == (code, "another key")


@needs_ipc
def test_a_broker_silent_for_a_lease_is_greeted_over_new_sockets(stage: Stage) -> None:
    stage.welcome()
    assert stage.connection.changed()
    stage.now += leases.LEASE
    stage.connection.tick(stage.now)
    assert stage.connection.welcome
    stage.now += 0.1
    stage.connection.tick(stage.now)
    assert stage.connection.welcome is None
    assert stage.connection.changed()
    stage.now += HELLO_AGAIN
    stage.turn()
    assert isinstance(wire.decode(stage.takes(stage.control))[0], Hello)
