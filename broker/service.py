"""The broker as a process: opens its doors, says where it is, serves until told to end.

run/control, run/relay     the local door
broker.json                where members of the same user find it
"""

import json
import logging
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import BinaryIO

import zmq

from . import history, lifetime
from .doors import Door, open_local, open_network, start_authenticator
from .keys import claimed, public_keys
from .locks import lock_now
from .scheduler import Scheduler
from .server import Server

log = logging.getLogger(__name__)

DEFAULT_HOST = "127.0.0.1"


class AlreadyRunning(Exception):
    """This user's broker runs already in this state folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """Where a broker keeps its things and which doors it opens.

    ``host`` None opens the local door alone. ``lifeline`` ends the broker with the
    process that holds its standard input.
    """

    runtime: Path
    keys: Path
    announce: Path
    host: str | None = DEFAULT_HOST
    port: int = 7710
    lifeline: bool = False


def serve(options: BrokerOptions, *, ready: Callable[[str], None]) -> None:
    """Run a broker until a signal or the lifeline ends it; ``ready`` gets its address.

    Raises BindRefused, AlreadyRunning.
    """
    with ExitStack() as stack:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        stack.callback(context.destroy, linger=200)
        stack.enter_context(_only_one(options.runtime))
        wake = lifetime.Wake()
        stack.callback(wake.close)
        _listen_for_the_end(wake, options)
        doors = _open_doors(context, options, wake, stack)
        note = history.opened("broker", "broker")
        server = Server(
            # Seeded by the system. Attempts' ids must be unlike, not secret: tokens are the secret.
            scheduler=Scheduler(random=random.Random(), now=monotonic(), note=note),  # noqa: S311
            doors=doors,
            boot=os.urandom(8),
            version=_version,
            wake=wake,
        )
        stack.enter_context(_announced(options, doors))
        ready(doors[-1].address)
        server.serve()


def _version() -> str:
    from importlib.metadata import version  # slow to load: only for those who ask

    return version("pixmesh")


def _listen_for_the_end(wake: lifetime.Wake, options: BrokerOptions) -> None:
    lifetime.call_on_signals(wake)
    if options.lifeline:
        lifetime.ignore_interrupts()
        lifetime.call_when_cut(wake)


def _open_doors(
    context: zmq.Context[zmq.Socket[bytes]],
    options: BrokerOptions,
    wake: lifetime.Wake,
    stack: ExitStack,
) -> list[Door]:
    doors = []
    local = open_local(context, options.runtime, wake)
    if local is not None:
        stack.callback(local.close)
        doors.append(local)
    if options.host is not None or local is None:
        doors.append(_open_network(context, options, wake, stack))
    return doors


def _open_network(
    context: zmq.Context[zmq.Socket[bytes]],
    options: BrokerOptions,
    wake: lifetime.Wake,
    stack: ExitStack,
) -> Door:
    _, key = stack.enter_context(claimed(options.keys, "broker", "broker"))
    authenticator = start_authenticator(context, lambda one: one in public_keys(options.keys))
    stack.callback(authenticator.stop)
    door = open_network(
        context, key=key, host=options.host or DEFAULT_HOST, port=options.port, wake=wake
    )
    stack.callback(door.close)
    return door


@contextmanager
def _only_one(runtime: Path) -> Iterator[None]:
    """Hold the folder's lock: two brokers cannot share a local door."""
    with (runtime / "broker.lock").open("a+b") as lock:
        _lock_or_refuse(lock, runtime)
        yield


def _lock_or_refuse(lock: BinaryIO, runtime: Path) -> None:
    if not lock_now(lock):
        raise AlreadyRunning(
            f"your broker runs already (its folder {runtime} is locked); "
            "'pixmesh status' shows it, PIXMESH_STATE names another folder for a second one"
        )


@contextmanager
def _announced(options: BrokerOptions, doors: list[Door]) -> Iterator[None]:
    """Write where the broker is for as long as it runs, whole or not at all."""
    network = next((door.address for door in doors if not door.trusted), None)
    local = next((str(options.runtime) for door in doors if door.trusted), None)
    facts = {"schema": 1, "pid": os.getpid(), "local": local, "network": network}
    temp = options.announce.with_name(f".{options.announce.name}.{os.getpid()}.part")
    temp.write_text(json.dumps(facts), encoding="utf-8")
    temp.replace(options.announce)
    try:
        yield
    finally:
        options.announce.unlink(missing_ok=True)


def main() -> None:
    """Serve an embedded mesh: the options come as one JSON line on standard input.

    The rest of standard input is the lifeline. Prints ``ready`` when members may come.
    """
    logging.basicConfig(level=logging.WARNING, format="pixmesh broker: %(message)s")
    folder = Path(json.loads(sys.stdin.buffer.readline())["folder"])
    options = BrokerOptions(
        runtime=folder,
        keys=folder,
        announce=folder / "broker.json",
        host=None,
        port=0,
        lifeline=True,
    )
    serve(options, ready=lambda address: print(f"ready {address}", flush=True))  # noqa: T201


if __name__ == "__main__":
    main()
