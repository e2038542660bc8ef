"""One connection, bare: what it costs two processes to move bytes over it.

A DEALER and a ROUTER with the relay's marks, and nothing behind them: the chunks are framed
as the mesh frames them, and the receiver drops them. Three kinds of connection:

    ipc      as between members on one machine
    plain    TCP over loopback
    curve    the same, encrypted

Each process tells the CPU seconds of all its threads, libzmq's included. Start-up, handshake
and the first chunks are not counted. Run as ``python -P -m pixmesh.bench.link``, with the
orders as one JSON line on standard input.
"""

import os
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec
import zmq

from ..broker import wire
from ..broker.keys import KeyPair
from ..broker.messages import CHUNK_BYTES, Chunk
from ..node.net.connection import RELAY_WATER
from ..node.spawn import Process, cut, spawn

Kind = Literal["ipc", "plain", "curve"]
Socket = zmq.Socket[bytes]

KINDS: Final[tuple[Kind, ...]] = ("ipc", "plain", "curve")
MODULE: Final = "pixmesh.bench.link"
MOVED: Final = 256 * 1024 * 1024
POOL_CHUNKS: Final = 256  # 64 MiB: pixels are not in a processor's caches when they leave
WARM_UP_CHUNKS: Final = 64
ANSWER_WITHIN_MS: Final = 20_000
ENDING_PATIENCE: Final = 5.0


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What one of the two processes is to do; without keys nothing is encrypted."""

    sends: bool
    endpoint: str
    chunks: int
    server_key: str = ""
    public_key: str = ""
    secret_key: str = ""


def seconds_per_byte(kind: Kind, folder: Path, moved: int = MOVED) -> float:
    """Move bytes over a connection of that kind; return both processes' CPU seconds for each.

    A connection by ipc leaves its socket in ``folder``.
    """
    chunks = -(-moved // CHUNK_BYTES)
    receiver, sender = orders_for(kind, f"ipc://{folder}/link", chunks)
    processes: list[Process] = []
    try:
        processes.append(spawn(MODULE, receiver, answers=True))
        bound = _word(processes[0])
        processes.append(
            spawn(MODULE, msgspec.structs.replace(sender, endpoint=bound), answers=True)
        )
        return sum(float(_word(process)) for process in processes) / (chunks * CHUNK_BYTES)
    finally:
        cut(*processes, patience=ENDING_PATIENCE)


def orders_for(kind: Kind, ipc: str, chunks: int) -> tuple[Orders, Orders]:
    """Return the receiver's and the sender's orders; only the receiver knows where it is."""
    endpoint = ipc if kind == "ipc" else "tcp://127.0.0.1:*"
    receiver = Orders(sends=False, endpoint=endpoint, chunks=chunks)
    sender = Orders(sends=True, endpoint=endpoint, chunks=chunks)
    if kind != "curve":
        return receiver, sender
    server = KeyPair.fresh()
    return _with_keys(receiver, server, server), _with_keys(sender, KeyPair.fresh(), server)


def _with_keys(orders: Orders, own: KeyPair, server: KeyPair) -> Orders:
    return msgspec.structs.replace(
        orders,
        server_key=server.public.decode(),
        public_key=own.public.decode(),
        secret_key=own.secret.decode(),
    )


def _word(process: Process) -> str:
    """Return the next line that a process answers. Raises RuntimeError where it ended."""
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        raise RuntimeError("not measured: a process of the bare connection ended; see above")
    return line.decode().strip()


def opened(context: zmq.Context[Socket], orders: Orders) -> Socket:
    """Open one end as the orders say; it is not bound or connected yet."""
    socket = context.socket(zmq.DEALER if orders.sends else zmq.ROUTER)
    socket.sndhwm = socket.rcvhwm = RELAY_WATER
    socket.sndtimeo = socket.rcvtimeo = ANSWER_WITHIN_MS
    socket.linger = 0
    if orders.secret_key:
        socket.curve_secretkey = orders.secret_key.encode()
        if orders.sends:
            socket.curve_publickey = orders.public_key.encode()
            socket.curve_serverkey = orders.server_key.encode()
        else:
            socket.curve_server = True
    return socket


def _chunks() -> Iterator[list[wire.Buffer]]:
    """Yield messages without end, as a member gives them to the relay."""
    pool = memoryview(os.urandom(POOL_CHUNKS * CHUNK_BYTES))
    member, token = os.urandom(8), os.urandom(16)
    while True:
        for offset in range(0, len(pool), CHUNK_BYTES):
            chunk = Chunk(token=token, offset=offset, attempt=1)
            yield [member, *wire.encode(chunk, pool[offset : offset + CHUNK_BYTES])]


def send(socket: Socket, orders: Orders) -> float:
    """Send the chunks; return the CPU seconds until the last one was taken in there."""
    socket.connect(orders.endpoint)
    chunks = _chunks()
    began = 0.0
    for count in (WARM_UP_CHUNKS, orders.chunks):
        began = time.process_time()
        for frames in islice(chunks, count):
            socket.send_multipart(frames)
        socket.recv()
    return time.process_time() - began


def receive(socket: Socket, orders: Orders) -> float:
    """Take the chunks in and drop them; return the CPU seconds of it."""
    socket.bind(orders.endpoint)
    _answer(bytes(socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode())
    began = 0.0
    for count in (WARM_UP_CHUNKS, orders.chunks):
        began = time.process_time()
        sender: bytes | zmq.Frame = b""
        for _ in range(count):
            sender, *_, payload = socket.recv_multipart(copy=False)
            if len(payload) != CHUNK_BYTES:
                raise RuntimeError(f"not measured: a chunk came with {len(payload)} bytes")
        socket.send_multipart([sender, b""])
    return time.process_time() - began


def _answer(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    """Be one end: the orders come on standard input, the CPU seconds go to standard output."""
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    with zmq.Context() as context, opened(context, orders) as socket:
        taken = send(socket, orders) if orders.sends else receive(socket, orders)
        _answer(taken)
        # The receiver's last word is on its way until the sender's end: it closes first.
        if not orders.sends:
            sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
