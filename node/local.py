"""A mesh of real processes for one owner: a broker, and one node of n slots.

They live in a private folder of their own and end with the process that started them,
however that ends: it holds their lifelines.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

from .errors import PixmeshError
from .net.address import Address
from .settings import host_name
from .spawn import Process, cut, spawn

PATIENCE = 30.0
ENDING_PATIENCE = 5.0


@contextmanager
def embedded(folder: Path, slots: int) -> Iterator[Address]:
    """Run a broker and a node; yield where they are, once both are started.

    They are started together and may still be warming up: work can be submitted at once.
    Raises PixmeshError when the broker ends at its start.
    """
    orders = {"folder": str(folder), "name": host_name(), "slots": slots}
    with ExitStack() as stack:
        broker = _started("pixmesh.broker.service", orders, stack)
        _started("pixmesh.node.service", orders, stack)
        _wait_until_ready(broker)
        yield Address(folder=folder)


def _started(module: str, orders: dict[str, object], stack: ExitStack) -> Process:
    process = spawn(module, orders, answers=True)
    stack.callback(cut, process, patience=ENDING_PATIENCE)
    return process


def _wait_until_ready(broker: Process) -> None:
    began = monotonic()
    line = broker.stdout.readline() if broker.stdout is not None else b""
    if not line.startswith(b"ready"):
        raise PixmeshError(
            f"the embedded broker ended after {monotonic() - began:.1f} s with exit code "
            f"{broker.wait(PATIENCE)}; its last words are above",
            remedy="run 'pixmesh broker' to see it alone",
        )
