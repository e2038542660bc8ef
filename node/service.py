"""A node as a process: its slots first, since they take longest to start, then its agent.

What an agent needs is imported while the slots start; so nothing slow is imported here.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from ..broker import lifetime
from . import platform
from .net.address import Address, parse_host
from .slot_messages import SlotOrders
from .slot_process import SlotProcess
from .spool import spool_folder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """Whose slots, how many, for which broker.

    ``keys`` is the folder of this user's keys; ``lifeline`` ends the node with the
    process that holds its standard input; ``spool`` None means the system's own place.
    It takes nothing new while others use more than ``max_load`` of the machine, and has
    ``drain`` seconds for what it holds when it is told to end.
    """

    address: Address
    keys: Path
    name: str
    slots: int
    spool: Path | None = None
    lifeline: bool = False
    max_load: float = 1.0
    drain: float = 60.0


def serve(options: NodeOptions, *, ready: Callable[[str], None]) -> None:
    """Run a node until it is told to end; ``ready`` gets its name when slots are up.

    Raises MeshUnreachable when no broker answers at first, PixmeshError when it refuses.
    """
    platform.raise_descriptor_limit()
    with ExitStack() as stack:
        wake = lifetime.Wake()
        stack.callback(wake.close)
        _listen_for_the_end(wake, options)
        folder = stack.enter_context(spool_folder(options.spool))
        slots = _slots(options.slots, folder, wake, stack)
        if platform.HAS_IPC:
            for slot in slots:
                slot.start_if_due(monotonic())
        from .assembly import assembled  # while the slots start

        agent = stack.enter_context(assembled(options, folder, slots, wake, ready))
        agent.serve()
        agent.explain()


def _slots(count: int, folder: Path, wake: lifetime.Wake, stack: ExitStack) -> list[SlotProcess]:
    threads = max(1, (os.cpu_count() or 1) // max(1, count))

    def orders(name: str, cell: str) -> SlotOrders:
        return SlotOrders(name, platform.slot_address(folder), cell, str(folder), threads)

    slots = [
        SlotProcess(number, folder, orders, lambda name: wake.call(name.encode()))
        for number in range(count)
    ]
    for slot in slots:
        stack.callback(slot.stop)
    return slots


def _listen_for_the_end(wake: lifetime.Wake, options: NodeOptions) -> None:
    lifetime.call_on_signals(wake)
    if options.lifeline:
        lifetime.ignore_interrupts()
        lifetime.call_when_cut(wake)


def main() -> None:
    """Serve an embedded mesh: the options come as one JSON line on standard input."""
    logging.basicConfig(level=logging.WARNING, format="pixmesh node: %(message)s")
    orders = json.loads(sys.stdin.buffer.readline())
    folder = Path(orders["folder"])
    options = NodeOptions(
        address=_embedded_address(folder, orders["broker"]),
        keys=folder,
        name=orders["name"],
        slots=orders["slots"],
        spool=folder,
        lifeline=True,
    )
    serve(options, ready=lambda name: log.info("node %s is ready", name))


def _embedded_address(folder: Path, broker: str) -> Address:
    if broker == str(folder):
        return Address(folder=folder)
    host, port = parse_host(broker)
    return Address(host=host, port=port, key=(folder / "broker-broker.pub").read_bytes().strip())


if __name__ == "__main__":
    main()
