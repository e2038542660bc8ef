"""The broker as a process: opens its doors, says where it is, serves until told to end.

run/control, run/relay     the local door
broker.json                where members of the same user find it
members.json               who joined from elsewhere, and the tickets that are out
"""

import json
import logging
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import zmq

from . import history, lifetime
from .beacon import PORT
from .desk import Desk
from .doors import Door, joined, open_local
from .interfaces import LOOPBACK
from .locks import lock_now
from .plain import log_plainly
from .private import write_private
from .scheduler import Scheduler
from .seal import Seal
from .server import Server

if TYPE_CHECKING:
    from .network import Network

log = logging.getLogger(__name__)

Context = zmq.Context[zmq.Socket[bytes]]


USAGE = 2
"""The exit code of a request that cannot be carried out as it is written."""


class AlreadyRunning(lifetime.CannotServe):
    """This user's broker runs already in this state folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """Where a broker keeps its things and which doors it opens.

    ``bind`` are interfaces and addresses; none of them means every interface that leads to a
    LAN, None the local door alone. ``lifeline`` ends the broker with the process that holds
    its standard input.
    """

    runtime: Path
    keys: Path
    announce: Path
    roll: Path
    bind: tuple[str, ...] | None = ()
    port: int = PORT
    lifeline: bool = False


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a broker that is ready listens, and which interfaces it left out."""

    address: str
    others: tuple[str, ...] = ()
    skipped: str = ""


def serve(options: BrokerOptions, *, ready: Callable[[Listening], None]) -> None:
    """Run a broker until a signal or the lifeline ends it; ``ready`` is told where it is.

    Raises CannotServe.
    """
    with ExitStack() as stack:
        context: Context = zmq.Context()
        stack.callback(context.destroy, linger=200)
        stack.enter_context(_only_one(options.runtime))
        wake = lifetime.Wake()
        stack.callback(wake.close)
        _listen_for_the_end(wake, options)
        local = open_local(context, options.runtime, wake)
        if local is not None:
            stack.callback(local.close)
        network = None
        if options.bind is not None or local is None:
            network = _open_network(context, options, wake, stack)
        server = _server(local, network, wake)
        stack.enter_context(_announced(options, local, network))
        ready(_listening(local, network))
        server.serve()


def _server(local: Door | None, network: "Network | None", wake: lifetime.Wake) -> Server:
    doors = [local] if local is not None else []
    doors += [network.door] if network is not None else []
    note = history.opened("broker", "broker")
    # Seeded by the system. Attempts' ids must be unlike, not secret: tokens and the seal are.
    scheduler = Scheduler(
        random=random.Random(),  # noqa: S311
        now=time.monotonic(),
        note=note,
        seal=Seal(network.admission.pair.secret) if network is not None else None,
    )
    desk = Desk(
        scheduler=scheduler,
        version=_version,
        address=lambda: _listening(local, network).address,
        wall=time.time,
        relay=network.door.relay_port if network is not None else 0,
        admission=network.admission if network is not None else None,
    )
    return Server(
        scheduler=scheduler,
        doors=doors,
        boot=os.urandom(8),
        wake=wake,
        desk=desk,
        gate=network.gate if network is not None else None,
        beacon=network.beacon if network is not None else None,
        follow=network.follow if network is not None else _stay,
    )


def _stay() -> None:
    """Follow no addresses: there is only the local door."""


def _version() -> str:
    try:
        from importlib.metadata import version  # slow to load: only for those who ask

        return version("pixmesh")
    except (ImportError, OSError):  # it is read from disk, for which descriptors may be lacking
        return "unknown"


def _listen_for_the_end(wake: lifetime.Wake, options: BrokerOptions) -> None:
    lifetime.call_on_signals(wake)
    if options.lifeline:
        lifetime.ignore_interrupts()
        lifetime.call_when_cut(wake)


def _open_network(
    context: Context, options: BrokerOptions, wake: lifetime.Wake, stack: ExitStack
) -> "Network":
    from .network import open_to_the_lan  # an embedded mesh starts without it

    return open_to_the_lan(
        context,
        keys=options.keys,
        roll=options.roll,
        bind=options.bind or (),
        port=options.port,
        wake=wake,
        stack=stack,
    )


def _listening(local: Door | None, network: "Network | None") -> Listening:
    if network is None:
        return Listening(local.address if local is not None else "")
    where = network.places
    return Listening(where[0], tuple(where[1:]), network.choice.skipped_in_words())


# ---- the state folder -------------------------------------------------------------------


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
def _announced(
    options: BrokerOptions, local: Door | None, network: "Network | None"
) -> Iterator[None]:
    """Write where the broker is for as long as it runs, whole or not at all."""
    facts = {
        "schema": 1,
        "pid": os.getpid(),
        "local": str(options.runtime) if local is not None else None,
        "network": joined(LOOPBACK, network.door.port) if network is not None else None,
    }
    write_private(options.announce, json.dumps(facts).encode(), durable=False)
    try:
        yield
    finally:
        options.announce.unlink(missing_ok=True)


class Orders(msgspec.Struct, frozen=True):
    """What whoever starts a broker of its own says first, as one JSON line."""

    runtime: str
    keys: str
    announce: str
    roll: str
    bind: tuple[str, ...] | None = None
    port: int = 0


def main() -> None:
    """Serve whoever started this process: its orders come first on standard input.

    The rest of standard input is the lifeline. Prints where it listens, as a JSON line, when
    members may come.
    """
    log_plainly("pixmesh broker: %(message)s")
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    options = BrokerOptions(
        runtime=Path(orders.runtime),
        keys=Path(orders.keys),
        announce=Path(orders.announce),
        roll=Path(orders.roll),
        bind=orders.bind,
        port=orders.port,
        lifeline=True,
    )
    try:
        serve(options, ready=_say_ready)
    except lifetime.CannotServe as error:
        log.error("%s", error)  # noqa: TRY400  # the text is for people
        sys.exit(USAGE)


def _say_ready(listening: Listening) -> None:
    print(msgspec.json.encode(listening).decode(), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
