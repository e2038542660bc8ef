"""Row 33 with real processes: garbage at the broker's doors, from strangers and from members.

A job runs meanwhile, and finishes. Its slots are held still while the garbage flies, so that
it always comes in the middle; then they go on.
"""

import contextlib
import random
import resource
import socket

import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from pixmesh.broker import wire
from pixmesh.broker.keys import KeyPair, published, read_pair
from pixmesh.broker.messages import Ask, Error, Hello, Kind, Tell, Welcome
from pixmesh.node.net.reach import ask_status
from pixmesh.node.state import StateFolder
from pixmesh.tests.support.eventually import eventually

from . import hostile
from .hostile import PATIENCE_MS, answer, dealer
from .siege import Siege

CONNECTIONS = 1000


def test_row33_P_strangers_without_any_protocol(siege: Siege) -> None:
    chance = random.Random(5)
    before = siege.counts()
    for port in hostile.ports(siege.broker):
        for data in hostile.raw_streams(chance):
            hostile.pour(port, data)
    assert siege.counts() == before
    siege.lifted()


def test_row33_P_a_thousand_connections_that_say_nothing(siege: Siege) -> None:
    """A member still comes in over the same port."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    try:
        with contextlib.ExitStack() as stack:
            ports = hostile.ports(siege.broker)
            for number in range(CONNECTIONS):
                where = ("127.0.0.1", ports[number % len(ports)])
                stack.enter_context(socket.create_connection(where, timeout=10))
            status = ask_status(siege.way, patience=10)
            assert [node.name for node in status.nodes] == ["calm"]
            siege.lifted()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_row33_P_an_unknown_key_reaches_nothing(siege: Siege) -> None:
    """Every kind of message at both ports, and nobody ever reads one."""
    before = siege.counts()
    address, key = siege.network, KeyPair.fresh()
    for port in hostile.ports(siege.broker):
        with (
            dealer(f"tcp://127.0.0.1:{port}", server=address.key, key=key) as one,
            one.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH) as monitor,
        ):
            for message, payload in hostile.every_message(key).values():
                one.send_multipart(wire.encode(message, payload))
            assert monitor.poll(PATIENCE_MS), "it was not refused"
            assert recv_monitor_message(monitor)["value"] == 400
            assert not one.poll(0)
            one.disable_monitor()
    assert siege.counts() == before
    siege.lifted()


@pytest.mark.parametrize("door", [pytest.param("local", marks=pytest.mark.soak), "network"])
def test_row33_P_a_member_that_speaks_nonsense_is_told_so(siege: Siege, door: str) -> None:
    """Each message that is none is counted and answered with ERROR."""
    state = StateFolder.open()
    before = siege.mesh.status()
    with published(state.keys) as key:
        address = siege.network if door == "network" else siege.mesh.way().first
        with dealer(address.control, server=address.key, key=key) as one:
            count = 0
            for frames in hostile.broken_frames(random.Random(7)):
                malformed = hostile.is_malformed(frames)
                one.send_multipart(frames)
                reply = answer(one)
                assert isinstance(reply, Error), frames[:3]
                assert malformed == (reply.code != "no-session"), (reply, frames[:3])
                count += malformed
    status = siege.mesh.status()
    assert status.malformed - before.malformed == count > 100
    assert (status.refused, len(status.nodes)) == (before.refused, 1)
    siege.lifted()


def test_row33_P_a_member_that_sends_frames_beyond_the_limit_is_cut_off_alone(siege: Siege) -> None:
    state = StateFolder.open()
    with published(state.keys) as key:
        address = siege.network
        with dealer(address.control, server=address.key, key=key) as one:
            one.send_multipart(wire.encode(Ask("status")))
            assert isinstance(answer(one), Tell)
            with one.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
                one.send_multipart([wire.PREFIXES[Kind.STATE], bytes(64 * 1024 * 1024)])
                assert monitor.poll(PATIENCE_MS), "it was not cut off"
                one.disable_monitor()
    siege.lifted()


@pytest.mark.parametrize("role", [pytest.param("owner", marks=pytest.mark.soak), "node"])
def test_row33_P_a_member_in_session_whose_messages_make_no_sense_hurts_only_itself(
    siege: Siege, role: str
) -> None:
    """It says every kind, valid in form and false in content, to the broker and to others."""
    state = StateFolder.open()
    address = siege.mesh.way().first
    with published(state.keys) as key, dealer(address.control) as one:
        hello = Hello(role=role, name="mallory", key=key.raw, boot=bytes(8), lowest=1, highest=1)
        one.send_multipart(wire.encode(hello))
        assert isinstance(answer(one), Welcome)
        with dealer(address.relay(0)) as relay:
            relay.send_multipart([b"", *wire.encode(hello)])
            assert relay.poll(PATIENCE_MS)
            messages = hostile.every_message(key)
            for kind, (message, payload) in messages.items():
                if kind not in (Kind.HELLO, Kind.BYE):
                    one.send_multipart(wire.encode(message, payload))
                for to in (b"", bytes(8), b"long name" * 9):
                    relay.send_multipart([to, *wire.encode(message, payload)])
            for frames in hostile.broken_frames(random.Random(7)):
                relay.send_multipart(frames)
        one.send_multipart(wire.encode(messages[Kind.BYE][0]))
    eventually(lambda: siege.mesh.node_view("mallory") is None and siege.mesh.status().owners == 1)
    siege.lifted()


def test_row26_P_row33_P_a_hello_with_another_members_key_is_refused(siege: Siege) -> None:
    """Over the network a key speaks for itself alone; the member it names keeps its session."""
    state = StateFolder.open()
    node = read_pair(state.keys, "node", "calm")
    assert node is not None
    with published(state.keys) as key:
        address = siege.network
        with dealer(address.control, server=address.key, key=key) as one:
            hello = Hello(role="node", name="x", key=node.raw, boot=bytes(8), lowest=1, highest=1)
            one.send_multipart(wire.encode(hello))
            reply = answer(one)
            assert isinstance(reply, Error)
            assert reply.code == "identity"
    assert siege.mesh.status().refused == 1
    siege.lifted()
