"""A mesh of real processes for one owner: a broker, and one node of n slots.

They live in a private folder of their own and end with the process that started them,
however that ends: it holds their lifelines.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import zmq

from ..broker.keys import broker_key
from ..broker.names import host_name
from .errors import PixmeshError
from .net.address import Address, parse_host
from .spawn import Process, cut, spawn

ENDING_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Embedded:
    """Where an embedded mesh is. It may still be starting: members wait for it."""

    address: Address
    processes: dict[str, Process]

    def check(self) -> None:
        """Raise PixmeshError if its broker or its node has ended."""
        for role, process in self.processes.items():
            code = process.poll()
            if code is not None:
                raise PixmeshError(
                    f"the embedded {role} ended with exit code {code}; its last words are above",
                    remedy=f"run the same again; 'pixmesh {role}' shows it alone",
                )


@contextmanager
def embedded(folder: Path, slots: int) -> Iterator[Embedded]:
    """Run a broker and a node in a private folder; end them at the end of the block."""
    started: dict[str, Process] = {}
    try:
        broker = spawn("pixmesh.broker.service", _broker_orders(folder), answers=True)
        started["broker"] = broker
        address = _address(folder, broker)
        where = {"local": str(folder)} if address.folder else {"network": str(address)}
        orders = {"keys": str(folder), "spool": str(folder), "name": host_name(), "slots": slots}
        started["node"] = spawn("pixmesh.node.service", orders | where)
        yield Embedded(address, started)
    finally:
        cut(*reversed(started.values()), patience=ENDING_PATIENCE)


def _broker_orders(folder: Path) -> dict[str, object]:
    """Say that all it has is in one folder, and that nobody comes from elsewhere."""
    here = str(folder)
    files = {"announce": str(folder / "broker.json"), "roll": str(folder / "members.json")}
    return {"runtime": here, "keys": here, **files}


def _address(folder: Path, broker: Process) -> Address:
    """Return where the broker is, or will be in a moment."""
    if zmq.has("ipc"):
        return Address(folder=folder)
    line = broker.stdout.readline() if broker.stdout is not None else b""
    Embedded(Address(folder=folder), {"broker": broker}).check()
    host, port = parse_host(msgspec.json.decode(line)["address"])
    return Address(host=host, port=port, key=broker_key(folder) or b"")
