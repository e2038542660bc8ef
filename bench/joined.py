"""A mesh that stays, as people start it: ``pixmesh broker``, ``pixmesh node``, an owner here.

Owns its processes, in a state folder of their own, and by which of the broker's doors they
come in: ``local`` is ipc, ``network`` is TCP with CURVE. The members are the same either way.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal

from ..node.net.reach import named_broker, running_broker
from ..node.state import VARIABLE, StateFolder

if TYPE_CHECKING:
    from .. import Mesh

Door = Literal["local", "network"]
Process = subprocess.Popen[str]

COMMAND = (sys.executable, "-P", "-m", "pixmesh.tui.cli")
LOOPBACK = ("--bind", "127.0.0.1", "--port", "0")
BROKER_READY = "pixmesh broker at "
NODE_READY = "pixmesh node bench: "
ENDING_PATIENCE = 10.0


@contextmanager
def joined(door: Door, *, slots: int) -> Iterator["Mesh"]:
    """Start a broker and a node of ``slots`` slots, and join them; end all with the block.

    For a process that does nothing else: this user's settings leave its environment, and
    its state folder is the mesh's.
    """
    from .. import Mesh

    with ExitStack() as stack:
        made = tempfile.TemporaryDirectory(prefix="pixmesh-bench-")
        os.environ.update(_only_state(stack.enter_context(made)))
        state = StateFolder.open()
        settings = state.root / "none.toml"
        settings.touch()
        isolated = ("--config", str(settings))
        said = stack.enter_context(_member(BROKER_READY, "broker", *LOOPBACK, *isolated))
        network = said.removeprefix(BROKER_READY).partition(";")[0]
        way = running_broker(state) if door == "local" else named_broker(network, state)
        if way is None:
            raise RuntimeError("not measured: the broker has ended")
        words = ["node", "--name", "bench", "--slots", str(slots), "--max-load", "1", *isolated]
        words += [] if door == "local" else ["--broker", network]
        said = stack.enter_context(_member(NODE_READY, *words))
        if not said.endswith(f" at {way}"):
            raise RuntimeError(f"not measured: the node should be at {way}, but: {said}")
        yield stack.enter_context(Mesh.at(way))


def _only_state(folder: str) -> dict[str, str]:
    """Take this user's settings out of the environment, and return what replaces them."""
    for name in [name for name in os.environ if name.startswith("PIXMESH_")]:
        del os.environ[name]
    return {VARIABLE: folder}


@contextmanager
def _member(ready: str, *words: str) -> Iterator[str]:
    """Start a command; yield the line with which it says that it is ready; end it."""
    process = subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _line(process, ready)
    finally:
        _end(process)


def _line(process: Process, ready: str) -> str:
    said = ""
    for line in process.stderr or ():
        if line.startswith(ready):
            return line.strip()
        said += line
    raise RuntimeError(f"not measured: a member ended before it was ready: {said}")


def _end(process: Process) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=ENDING_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
