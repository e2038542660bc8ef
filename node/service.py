"""A node as a process: its slots, its spool, its key and its way to the broker."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import zmq

from ..broker import lifetime, wire
from ..broker.doors import ZAP_DOMAIN
from ..broker.keys import KeyPair, claimed
from ..broker.messages import Hello
from . import platform
from .agent import Agent
from .attempts import Attempts
from .errors import MeshUnreachable, PixmeshError
from .load import memory_budget
from .net.address import Address, parse_host
from .net.connection import Connection
from .pixels import Pixels
from .settings import host_name
from .slot_messages import SlotOrders
from .slot_process import SlotProcess
from .spool import spool_folder

log = logging.getLogger(__name__)

Socket = zmq.Socket[bytes]

FIRST_PATIENCE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """Whose slots, how many, for which broker.

    ``keys`` is the folder of this user's keys; ``lifeline`` ends the node with the
    process that holds its standard input; ``spool`` None means the system's own place.
    """

    address: Address
    keys: Path
    name: str
    slots: int
    spool: Path | None = None
    lifeline: bool = False


def serve(options: NodeOptions, *, ready: Callable[[str], None]) -> None:
    """Run a node until it is told to end; ``ready`` gets its name when slots are up.

    Raises MeshUnreachable when no broker answers at first, PixmeshError when it refuses.
    """
    platform.raise_descriptor_limit()
    with ExitStack() as stack:
        context: zmq.Context[Socket] = zmq.Context()
        stack.callback(context.destroy, linger=200)
        wake = lifetime.Wake()
        stack.callback(wake.close)
        _listen_for_the_end(wake, options)
        name, key = stack.enter_context(claimed(options.keys, "node", options.name))
        folder = stack.enter_context(spool_folder(options.spool))
        attempts = Attempts()
        hello = _hello(options, name, key, attempts)
        connection = Connection(context, options.address, key, hello, monotonic())
        stack.callback(connection.close)
        slot_socket, orders = stack.enter_context(_slot_door(context, folder, options.slots))
        agent = Agent(
            connection=connection,
            slot_socket=slot_socket,
            slots=_slots(options.slots, folder, orders, wake, stack),
            pixels=Pixels(folder, attempts, connection),
            attempts=attempts,
            wake=wake,
            on_ready=lambda: ready(name),
            patience=FIRST_PATIENCE,
        )
        agent.serve()
        _explain(agent, options)


def _slots(
    count: int,
    folder: Path,
    orders: Callable[[str, str], SlotOrders],
    wake: lifetime.Wake,
    stack: ExitStack,
) -> list[SlotProcess]:
    slots = [
        SlotProcess(number, folder, orders, lambda name: wake.call(name.encode()))
        for number in range(count)
    ]
    for slot in slots:
        stack.callback(slot.stop)
    return slots


def _hello(
    options: NodeOptions, name: str, key: KeyPair, attempts: Attempts
) -> Callable[[], Hello]:
    from ..ops import registry

    boot, numeric, budget = os.urandom(8), platform.numeric_class(), memory_budget()
    has = tuple(operation.name for operation in registry.every())

    def hello() -> Hello:
        return Hello(
            role="node",
            name=name,
            key=key.raw,
            boot=boot,
            lowest=wire.LOWEST_VERSION,
            highest=wire.HIGHEST_VERSION,
            host=host_name(),
            numeric=numeric,
            slots=options.slots,
            memory=budget,
            has=has,
            held=attempts.state(),
        )

    return hello


@contextmanager
def _slot_door(
    context: zmq.Context[Socket], folder: Path, slots: int
) -> Iterator[tuple[Socket, Callable[[str, str], SlotOrders]]]:
    """Open the socket that this node's own slots come to, and nobody else can."""
    socket = context.socket(zmq.ROUTER)
    socket.linger = 0
    socket.router_mandatory = True
    threads = max(1, (os.cpu_count() or 1) // max(1, slots))
    with ExitStack() as stack:
        stack.callback(socket.close, linger=0)
        if zmq.has("ipc"):
            address = f"ipc://{folder}/slots"
            socket.bind(address)
            yield socket, lambda name, cell: SlotOrders(name, address, cell, threads)
            return
        server, pair = KeyPair.fresh(), KeyPair.fresh()
        _demand_key(context, socket, server, pair.public, stack)
        address = f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"
        keys = (server.public.decode(), pair.public.decode(), pair.secret.decode())
        yield socket, lambda name, cell: SlotOrders(name, address, cell, threads, *keys)


def _demand_key(
    context: zmq.Context[Socket], socket: Socket, server: KeyPair, admitted: bytes, stack: ExitStack
) -> None:
    """Let one key in, where a socket can be reached by every process of the machine."""
    from zmq.auth.thread import ThreadAuthenticator

    class Provider:
        def callback(self, domain: str, key: bytes) -> bool:
            return domain == ZAP_DOMAIN and key == admitted

    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    stack.callback(authenticator.stop)
    authenticator.configure_curve_callback(ZAP_DOMAIN, credentials_provider=Provider())
    socket.curve_server = True
    socket.curve_secretkey = server.secret
    socket.setsockopt_string(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def _listen_for_the_end(wake: lifetime.Wake, options: NodeOptions) -> None:
    lifetime.call_on_signals(wake)
    if options.lifeline:
        lifetime.ignore_interrupts()
        lifetime.call_when_cut(wake)


def _explain(agent: Agent, options: NodeOptions) -> None:
    """Raise why the agent ended, unless it was told to."""
    refusal = agent.connection.refusal
    if refusal is not None:
        raise PixmeshError(
            f"the broker at {options.address} refuses this node: {refusal.text}",
            remedy=refusal.remedy,
        )
    if agent.unanswered:
        raise MeshUnreachable(
            f"no broker answers at {options.address} (tried for {FIRST_PATIENCE:.0f} s)",
            remedy="start one with 'pixmesh broker', or check the address",
        )


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
