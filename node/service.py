"""A node as a process: its slots first, since they take longest to start, then its agent.

What an agent needs is imported while the slots start; so nothing slow is imported here.
"""

import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import msgspec

from ..broker import lifetime
from ..broker.plain import log_plainly
from . import platform
from .errors import PixmeshError
from .net.address import Address, parse_host
from .net.way import Way
from .slot_messages import SlotOrders
from .slot_process import SlotProcess
from .spool import spool_folder

log = logging.getLogger(__name__)

Ready = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """Whose slots, how many, for which broker.

    ``lifeline`` ends the node with the process that holds its standard input; ``spool`` None
    means the system's own place.
    It takes nothing new while others use more than ``max_load`` of the machine, and has
    ``drain`` seconds for what it holds when it is told to end.
    """

    way: Way
    name: str
    slots: int
    spool: Path | None = None
    lifeline: bool = False
    max_load: float = 1.0
    drain: float = 60.0


def serve(options: NodeOptions, *, ready: Ready) -> None:
    """Run a node until it is told to end.

    ``ready`` gets its name and the broker's address when its slots are up.
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
        SlotProcess(str(number), folder, orders, lambda name: wake.call(name.encode()))
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


class Orders(msgspec.Struct, frozen=True):
    """What whoever starts a node of its own says first, as one JSON line."""

    keys: str
    name: str
    slots: int
    local: str | None = None
    network: str | None = None
    spool: str | None = None
    max_load: float = 1.0
    drain: float = 60.0

    def way(self) -> Way:
        """Return the way to the broker: by its local door, where there is one."""
        keys = Path(self.keys)
        if self.local is not None:
            return Way(keys, (Address(folder=Path(self.local)),))
        from ..broker.keys import broker_key

        host, port = parse_host(self.network or "")
        return Way(keys, (Address(host=host, port=port, key=broker_key(keys) or b""),))


def main() -> None:
    """Serve whoever started this process: its orders come first on standard input.

    The rest of standard input is the lifeline. Prints its name and the broker's address, as
    a JSON line, when its slots are up.
    """
    log_plainly("pixmesh node: %(message)s")
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    options = NodeOptions(
        way=orders.way(),
        name=orders.name,
        slots=orders.slots,
        spool=Path(orders.spool) if orders.spool is not None else None,
        lifeline=True,
        max_load=orders.max_load,
        drain=orders.drain,
    )
    try:
        serve(options, ready=_say_ready)
    except PixmeshError as error:
        log.error("%s", error)  # noqa: TRY400  # the text is for people
        sys.exit(error.exit_code)


def _say_ready(name: str, address: str) -> None:
    print(msgspec.json.encode((name, address)).decode(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
