"""What a hostile neighbour sends: raw bytes for strangers, frames for members."""

import contextlib
import itertools
import random
import socket
import struct
from collections.abc import Iterator

import msgpack
import msgspec
import psutil
import zmq

from pixmesh.broker import wire
from pixmesh.broker.keys import KeyPair
from pixmesh.broker.messages import (
    TYPES,
    Ask,
    Assign,
    Bye,
    Chunk,
    Drop,
    End,
    EndItem,
    Error,
    Get,
    Hello,
    Kind,
    Message,
    Note,
    Result,
    Settled,
    State,
    Submit,
    TaskItem,
    Tell,
    Welcome,
    Window,
)
from pixmesh.tests.support.meshes import Member

PATIENCE = 10.0
PATIENCE_MS = 10_000
TWO_GIB = 2**31
Socket = zmq.Socket[bytes]
Frames = list[bytes]


def ports(broker: Member) -> list[int]:
    """Return the TCP ports that a broker listens on."""
    found = psutil.Process(broker.pid).net_connections(kind="tcp")
    return sorted(one.laddr.port for one in found if one.status == psutil.CONN_LISTEN)


def greeting(mechanism: bytes) -> bytes:
    """Return a ZMTP 3.1 greeting."""
    return b"\xff" + bytes(8) + b"\x7f\x03\x01" + mechanism.ljust(20, b"\0") + bytes(32)


def raw_streams(chance: random.Random) -> Iterator[bytes]:
    """Yield what is no ZMTP at all, what only begins like it, and lengths that are lies."""
    for size in (1, 10, 64, 1000, 100_000):
        yield chance.randbytes(size)
    yield b"GET / HTTP/1.1\r\nHost: mesh\r\n\r\n"
    for mechanism in (b"NULL", b"PLAIN", b"CURVE", chance.randbytes(20)):
        yield greeting(mechanism)
        for flags in (0, 2, 4, 6, 7, 255):
            long = struct.pack(">BQ", flags, TWO_GIB)
            yield greeting(mechanism) + long + chance.randbytes(5000)
        yield greeting(mechanism) + b"\x04\xff" + chance.randbytes(255)
        yield greeting(mechanism) + bytes([4, 26, 5]) + b"READY" + chance.randbytes(20)
        yield greeting(mechanism) + bytes([4, 200, 5]) + b"HELLO" + chance.randbytes(194)
    yield b"\xff" + struct.pack(">Q", 2**63 - 1) + b"\x7f" + chance.randbytes(100)


def pour(port: int, data: bytes) -> None:
    """Send raw bytes over a connection of their own and break it off."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as one:
        try:
            one.sendall(data)
            one.shutdown(socket.SHUT_WR)
            while one.recv(4096):
                pass
        except OSError:
            return  # it hangs up in the middle: its right


def every_message(key: KeyPair) -> dict[Kind, tuple[Message, bytes | None]]:
    """Return one valid message of each kind."""
    task = TaskItem(bytes(16), bytes(16), 1, bytes(32), 1.0, 1, b"x")
    end = EndItem(7, bytes(16), bytes(8), End.DONE)
    hello = Hello(role="node", name="mallory", key=key.raw, boot=bytes(8), lowest=1, highest=1)
    messages: list[Message] = [
        *(msgspec.structs.replace(hello, slots=4, has=("blur",)), State(seen=2**40, ready=4000)),
        Submit(seq=1, batch=1, recipe="no recipe", output="{", tasks=(task,), restart=True),
        *(Settled((1, 2, 3)), Drop(attempts=(1,), tasks=(bytes(16),)), Result((end, end))),
        *(Welcome(bytes(8), 1, bytes(8), 1, 1.0, 1.0), Window(1, 0, 0, 0), Assign(1, (), ())),
        *(Note("code", "text"), Get(bytes(16), 2**47, 16), Chunk(bytes(16), 0)),
        *(Ask("status"), Tell("status", 0, 1, b""), Error("no-session", ""), Bye()),
    ]
    by_type = {type(message): message for message in messages}
    return {
        kind: (by_type[shape], b"pixels" if kind is Kind.CHUNK else None)
        for kind, shape in TYPES.items()
    }


def broken_frames(chance: random.Random) -> Iterator[Frames]:
    """Yield messages that are none, each wrong in one way or in every way."""
    for count in (1, 2, 3, 4, 9):
        yield [chance.randbytes(20) for _ in range(count)]
    yield [b""]
    yield [b"", b""]
    valid = wire.PREFIXES[Kind.STATE]
    yield [valid]
    yield [valid + msgpack.packb({}), b""]
    yield [valid[:4] + b"\xff" + msgpack.packb({})]
    yield [valid[:3] + b"\x09" + valid[4:] + msgpack.packb({})]
    yield [valid + b"\x91" * 8000]
    yield [valid + b"\x81" * 8000]
    yield [valid + chance.randbytes(wire.LIST_LIMIT)]
    yield [chance.randbytes(wire.LONGEST_FRAME - wire.CURVE_ROOM)]
    yield [wire.PREFIXES[Kind.GET] + bytes(wire.SHORT_LIMIT + 1)]
    yield [wire.PREFIXES[Kind.CHUNK] + msgpack.packb({"token": bytes(16), "offset": 0})]
    bodies = [b"", b"\xc1", msgpack.packb(7), msgpack.packb([1]), msgpack.packb({"seen": -1})]
    bodies += [msgpack.packb({b"\xff": 1}), b"\xdd\xff\xff\xff\xff", b"\xc6\x7f\xff\xff\xff"]
    for kind, body in itertools.product(Kind, bodies):
        yield [wire.PREFIXES[kind] + body]
    yield [b"x"] * 100_000


def is_malformed(frames: Frames) -> bool:
    """Whether a member that keeps to the protocol could not have sent this."""
    try:
        wire.decode(frames)
    except wire.WireError:
        return True
    return False


@contextlib.contextmanager
def dealer(
    endpoint: str, *, server: bytes = b"", key: KeyPair | None = None
) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.DEALER) as one:
        one.linger = 0
        one.sndhwm = 0
        one.reconnect_ivl = -1  # who was cut off is seen to be
        if server and key is not None:
            one.curve_serverkey = server
            one.curve_publickey, one.curve_secretkey = key.public, key.secret
        one.connect(endpoint)
        yield one


def answer(one: zmq.Socket[bytes]) -> Message:
    assert one.poll(PATIENCE_MS), "no answer"
    message, _ = wire.decode(one.recv_multipart())
    return message
