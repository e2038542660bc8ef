"""What an agent is made of: its key, its way to the broker, the door for its slots."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
import zmq

from ..broker import history, lifetime, wire
from ..broker.doors import demand_key
from ..broker.gate import Gate
from ..broker.keys import KeyPair
from ..broker.messages import FORMAT_OF, Hello
from ..broker.names import host_name
from . import platform
from .agent import FOUND, STOCKED, Agent, tell
from .attempts import Attempts
from .load import memory_budget
from .models import Models
from .net.connection import Connection
from .net.entry import entered
from .net.way import Way
from .pixels import Pixels
from .provision import Provision
from .references import References
from .service import NodeOptions, Ready
from .slot_messages import SlotOrders
from .slot_process import SlotProcess
from .weights import WeightsCache

if TYPE_CHECKING:
    from .net.seeker import Seeker

Socket = zmq.Socket[bytes]

FIRST_PATIENCE = 10.0


@contextmanager
def assembled(
    options: NodeOptions,
    folder: Path,
    slots: list[SlotProcess],
    wake: lifetime.Wake,
    ready: Ready,
) -> Iterator[Agent]:
    """Put an agent together; its sockets close at the end of the block."""
    with ExitStack() as stack:
        context: zmq.Context[Socket] = zmq.Context()
        stack.callback(context.destroy, linger=200)
        way = options.way
        us = entered(context, way, "node", options.name, patience=FIRST_PATIENCE)
        name, key, address = stack.enter_context(us)
        note = history.opened("node", name)
        attempts = Attempts(note)
        hello = _hello(options, name, key, attempts)
        connection = Connection(context, address, key, hello, monotonic())
        stack.callback(connection.close)
        seeker = _seeker(way, key, wake, stack) if way.membership is not None else None
        references = References(folder, attempts, connection, note)
        stack.callback(references.close)
        provision = Provision(WeightsCache.open(), connection, lambda: wake.call(STOCKED))
        provision.start()
        stack.callback(provision.close)
        slot_socket = _slot_door(context, folder, slots, stack)
        models = Models(
            slots=slots,
            make=_model_maker(slots[0]),
            send=functools.partial(tell, slot_socket),
            spool=folder,
        )
        stack.callback(models.close)
        yield Agent(
            connection=connection,
            slot_socket=slot_socket,
            slots=slots,
            pixels=Pixels(folder, attempts, connection, provision.read),
            references=references,
            attempts=attempts,
            provision=provision,
            models=models,
            wake=wake,
            on_ready=lambda: ready(connection.name or name, str(connection.address)),
            patience=FIRST_PATIENCE,
            drain_patience=options.drain,
            seeker=seeker,
        )


def _model_maker(like: SlotProcess) -> Callable[[str], SlotProcess]:
    """Return what makes models' processes: told what a slot is, but to use all of the machine."""

    def made(model: str) -> SlotProcess:
        def orders(name: str, cell: str) -> SlotOrders:
            told = like.orders(name, cell)
            return msgspec.structs.replace(told, model=model, threads=os.cpu_count() or 1)

        module = "pixmesh.node.model_process"
        return SlotProcess(model, like.folder, orders, like.on_exit, module)

    return made


def _seeker(way: Way, key: KeyPair, wake: lifetime.Wake, stack: ExitStack) -> "Seeker":
    """Have somebody look for the broker when it falls silent."""
    from .net.seeker import Seeker  # with it comes all that joins a mesh

    seeker = Seeker(way, key, lambda: wake.call(FOUND))
    stack.callback(seeker.close)
    return seeker


def _hello(
    options: NodeOptions, name: str, key: KeyPair, attempts: Attempts
) -> Callable[[], Hello]:
    from ..ops import raw, registry

    boot, numeric, budget = os.urandom(8), platform.numeric_class(), memory_budget()
    has = tuple(one.name for one in registry.every() if not one.missing())
    if find_spec(raw.MODULE) is not None:
        has = (*has, f"{FORMAT_OF}{raw.FORMAT}")

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
            held=attempts.tasks(),
            max_load=options.max_load,
        )

    return hello


def _slot_door(
    context: zmq.Context[Socket], folder: Path, slots: list[SlotProcess], stack: ExitStack
) -> Socket:
    """Open the socket that this node's own slots come to, and nobody else can."""
    socket = context.socket(zmq.ROUTER)
    socket.linger = 0
    socket.router_mandatory = True
    stack.callback(socket.close, linger=0)
    if platform.HAS_IPC:
        socket.bind(platform.slot_address(folder))
    else:
        _open_with_a_key(context, socket, slots, stack)
    return socket


def _open_with_a_key(
    context: zmq.Context[Socket], socket: Socket, slots: list[SlotProcess], stack: ExitStack
) -> None:
    """Bind where every process of the machine can come, and let one key in: the slots'."""
    server, pair = KeyPair.fresh(), KeyPair.fresh()
    gate = Gate(context, lambda key: key == pair.public)
    stack.callback(gate.close)
    demand_key(socket, server)
    address = f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"
    for slot in slots:
        slot.orders = _with_keys(slot.orders, address, server, pair)


def _with_keys(
    orders: Callable[[str, str], SlotOrders], address: str, server: KeyPair, pair: KeyPair
) -> Callable[[str, str], SlotOrders]:
    def with_keys(name: str, cell: str) -> SlotOrders:
        return msgspec.structs.replace(
            orders(name, cell),
            address=address,
            server_key=server.public.decode(),
            public_key=pair.public.decode(),
            secret_key=pair.secret.decode(),
        )

    return with_keys
