"""The least a dispatcher can be: owner -> broker -> agent -> slot and back, bare pyzmq.

The baseline for ``bench dispatch``. Four kinds of real processes, ROUTER and DEALER over
``ipc://`` in a 0700 folder, one message per task with a msgpack header of about 100 bytes
that every hop decodes. No batching, no bookkeeping, no retries, no heartbeat: whatever it
takes, a mesh takes more.

Run as ``python -P -m pixmesh.bench.chain ROLE FOLDER`` for one of its processes.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import zmq

MODULE = "pixmesh.bench.chain"
SLOTS = 2
WINDOW = 64
READY = b"ready"
ANSWER_WITHIN_MS = 20_000


class Chain:
    """The owner's end of a running chain."""

    def __init__(self, socket: "zmq.Socket[bytes]") -> None:
        self._socket = socket
        self._sent = 0

    def latencies(self, samples: int) -> list[float]:
        """Return the seconds of one task after another, one in flight."""
        taken = []
        for _ in range(samples):
            began = time.perf_counter()
            self._send()
            self._receive()
            taken.append(time.perf_counter() - began)
        return taken

    def rate(self, tasks: int, window: int = WINDOW) -> float:
        """Return the tasks per second with a window of them in flight."""
        began = time.perf_counter()
        for _ in range(window):
            self._send()
        for _ in range(tasks - window):
            self._receive()
            self._send()
        for _ in range(window):
            self._receive()
        return tasks / (time.perf_counter() - began)

    def _send(self) -> None:
        self._sent += 1
        self._socket.send(msgpack.packb(_header(self._sent)))

    def _receive(self) -> None:
        if not self._socket.poll(ANSWER_WITHIN_MS):
            raise TimeoutError("the chain does not answer; is one of its processes dead?")
        msgpack.unpackb(self._socket.recv())


@contextlib.contextmanager
def running(slots: int = SLOTS) -> Iterator[Chain]:
    """Start the chain's processes, wait until all answer, end them in every case."""
    folder = Path(tempfile.mkdtemp(prefix="pixmesh-chain-"))
    context = zmq.Context()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for role in ("broker", "agent", *["slot"] * slots):
            processes.append(_start(role, folder, slots))
        owner = _connect(context, folder / "broker", b"owner")
        chain = Chain(owner)
        chain.latencies(10 * slots)
        yield chain
    finally:
        for process in processes:
            _end(process)
        context.destroy(linger=0)
        shutil.rmtree(folder, ignore_errors=True)


def _header(number: int) -> dict[str, object]:
    return {
        "task": number.to_bytes(16, "big"),
        "attempt": number,
        "recipe": "identity",
        "token": b"0123456789abcdef",
        "size": 16,
        "megapixels": 0.0,
    }


def _start(role: str, folder: Path, slots: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", MODULE, role, str(folder), str(slots)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def _end(process: subprocess.Popen[bytes]) -> None:
    with process:
        process.kill()


def _die_with_parent() -> None:
    """End when stdin does: it is a pipe that only the owner holds open."""
    sys.stdin.buffer.read()
    os._exit(0)


def _socket(context: "zmq.Context[Any]", kind: int) -> "zmq.Socket[bytes]":
    socket: zmq.Socket[bytes] = context.socket(kind)
    socket.linger = 0
    socket.set_hwm(0)
    return socket


def _connect(context: "zmq.Context[Any]", path: Path, name: bytes) -> "zmq.Socket[bytes]":
    socket = _socket(context, zmq.DEALER)
    socket.routing_id = name
    socket.connect(f"ipc://{path}")
    return socket


def _bind(context: "zmq.Context[Any]", path: Path) -> "zmq.Socket[bytes]":
    socket = _socket(context, zmq.ROUTER)
    socket.bind(f"ipc://{path}")
    return socket


def broker(context: "zmq.Context[Any]", folder: Path, _slots: int) -> None:
    """Pass the owner's tasks to the agent and the agent's results to the owner."""
    members = _bind(context, folder / "broker")
    early: list[bytes] = []
    while True:
        sender, message = members.recv_multipart()
        if message == READY:
            break
        early.append(message)
    for message in early:
        members.send_multipart([b"agent", message])
    while True:
        sender, message = members.recv_multipart()
        msgpack.unpackb(message)
        members.send_multipart([b"agent" if sender == b"owner" else b"owner", message])


def agent(context: "zmq.Context[Any]", folder: Path, slots: int) -> None:
    """Deal tasks to the slots in turn, and pass their results on."""
    below = _bind(context, folder / "agent")
    names = [below.recv_multipart()[0] for _ in range(slots)]
    above = _connect(context, folder / "broker", b"agent")
    above.send(READY)
    poller = zmq.Poller()
    poller.register(above, zmq.POLLIN)
    poller.register(below, zmq.POLLIN)
    dealt = 0
    while True:
        waiting = dict(poller.poll())
        if above in waiting:
            message = above.recv()
            msgpack.unpackb(message)
            below.send_multipart([names[dealt % slots], message])
            dealt += 1
        if below in waiting:
            _, message = below.recv_multipart()
            msgpack.unpackb(message)
            above.send(message)


def slot(context: "zmq.Context[Any]", folder: Path, _slots: int) -> None:
    """Do nothing to every task, and say so."""
    above = _connect(context, folder / "agent", f"slot-{os.getpid()}".encode())
    above.send(READY)
    while True:
        task = msgpack.unpackb(above.recv())
        above.send(msgpack.packb(task))


ROLES: dict[str, Callable[["zmq.Context[Any]", Path, int], None]] = {
    "broker": broker,
    "agent": agent,
    "slot": slot,
}


def main(role: str, folder: str, slots: str) -> None:
    """Be one process of the chain until killed."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        ROLES[role](zmq.Context(), Path(folder), int(slots))


if __name__ == "__main__":
    main(*sys.argv[1:])
