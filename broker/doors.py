"""The sockets that members come in by.

    local     ipc:// in the broker's own 0700 folder: whoever opens it is the user
    network   TCP, CURVE behind the gate: whoever comes in has a key we know. One port at
              each of the addresses that it is told, which may come and go

Each door has a control socket and a relay socket, and watches for lost connections; the
network door also for strangers, of whom it bears only so many. What is said there is somebody
else's business.
"""

import errno
import functools
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from .gate import DOMAIN
from .keys import KeyPair
from .leases import LEASE
from .lifetime import CannotServe, Wake
from .sockets import MONITOR_EVENT, hang_up
from .strangers import Strangers
from .wire import LONGEST_FRAME

log = logging.getLogger(__name__)

CONTROL_WATER = 256
RELAY_WATER = 16
LONGEST_FOLDER = 90
LAST_WORD_MS = 200
SPARE = 64  # more than arrive while an address or two are bound
WATCHED = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_MONITOR_STOPPED
BACKLOG = 1024
MOST_STRANGERS = 4096
LOST = b"lost"


class BindRefused(CannotServe):
    """An address that must not, or cannot, be bound; the text says what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """One way in. ``port`` and ``relay_port`` are 0 for the local door.

    ``lost`` are the descriptors of connections that were lost, as its watch saw them;
    ``hosts`` the addresses at which it listens now, ``refused`` those at which it cannot.
    """

    control: zmq.Socket[bytes]
    relay: zmq.Socket[bytes]
    address: str
    port: int
    relay_port: int
    trusted: bool
    lost: deque[int]
    strangers: Strangers
    watches: list[threading.Thread]
    hosts: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def follow(self, hosts: Iterable[str]) -> None:
        """Listen at these addresses and no others; one that cannot be bound is named."""
        wanted = list(dict.fromkeys(hosts))
        for host in [one for one in self.hosts if one not in wanted]:
            self._unbind(host)
        new = [one for one in wanted if one not in self.hosts]
        if new and not has_descriptors():
            log.warning("not listening at %s yet: too few descriptors are free", ", ".join(new))
            return
        for host in new:
            try:
                _bind(self.control, host, self.port)
                _bind(self.relay, host, self.relay_port)
            except zmq.ZMQError as error:
                self._not_bound(host, error)
                continue
            log.info("listening at %s", joined(host, self.port))
            self.hosts.append(host)
            self.refused.discard(host)

    def _not_bound(self, host: str, error: zmq.ZMQError) -> None:
        """Say once why not; it is tried again. IPv6 takes seconds to give an address out."""
        if host not in self.refused:
            soon = error.errno == errno.EADDRNOTAVAIL
            level = logging.INFO if soon else logging.WARNING
            log.log(level, "cannot listen at %s: %s", joined(host, self.port), error)
        self.refused.add(host)
        if host not in self.hosts:
            self._unbind_from(host)

    def _unbind(self, host: str) -> None:
        """Listen there no longer: the machine has that address no more."""
        log.info("no longer listening at %s", joined(host, self.port))
        self._unbind_from(host)
        self.hosts.remove(host)

    def _unbind_from(self, host: str) -> None:
        for one, port in ((self.control, self.port), (self.relay, self.relay_port)):
            try:
                one.unbind(f"tcp://{joined(host, port)}")
            except zmq.ZMQError as error:
                log.debug("it was not bound: %s", error)

    def close(self) -> None:
        """Close the sockets; what is unsent is dropped."""
        for one in (self.control, self.relay):
            one.disable_monitor()
        for watch in self.watches:
            watch.join()
        for one in (self.control, self.relay):
            one.close(linger=LAST_WORD_MS)


def local_addresses(folder: Path) -> tuple[str, str] | None:
    """Return where control and relay of the local door are, if this platform has ipc."""
    if not zmq.has("ipc"):
        return None
    if len(os.fsencode(folder)) > LONGEST_FOLDER:
        raise BindRefused(
            f"{folder} is too long for a local socket ({LONGEST_FOLDER} bytes at most); "
            "set PIXMESH_STATE to a shorter folder"
        )
    return f"ipc://{folder}/control", f"ipc://{folder}/relay"


def open_local(context: zmq.Context[zmq.Socket[bytes]], folder: Path, wake: Wake) -> Door | None:
    """Open the local door in a folder that only the user can enter."""
    addresses = local_addresses(folder)
    if addresses is None:
        return None
    control, relay = _router(context, CONTROL_WATER), _router(context, RELAY_WATER)
    control.bind(addresses[0])
    relay.bind(addresses[1])
    return _watched(control, relay, wake, address=addresses[0], trusted=True)


def open_network(
    context: zmq.Context[zmq.Socket[bytes]],
    *,
    key: KeyPair,
    hosts: Sequence[str],
    port: int,
    wake: Wake,
) -> Door:
    """Open the network door at each of ``hosts``, all at one port; the relay is at the next.

    Raises BindRefused for an address that is taken or not this machine's.
    """
    control, relay = _router(context, CONTROL_WATER), _router(context, RELAY_WATER)
    for one in (control, relay):
        demand_key(one, key)
    try:
        bound = _bind_all(control, hosts, port)
        relay_port = _bind_all(relay, hosts, bound + 1 if port else 0)
    except zmq.ZMQError as error:
        for one in (control, relay):
            one.close(linger=0)
        raise BindRefused(
            f"cannot listen at {', '.join(joined(host, port) for host in hosts)} "
            f"(and {port + 1}): {error}; choose another with --port, or end what listens there"
        ) from None
    door = _watched(
        control,
        relay,
        wake,
        address=joined(hosts[0], bound),
        port=bound,
        relay_port=relay_port,
        trusted=False,
    )
    door.hosts.extend(hosts)
    return door


def demand_key(socket: zmq.Socket[bytes], key: KeyPair) -> None:
    """Let a socket, before it is bound, admit only whom the gate lets in."""
    socket.curve_server = True
    socket.curve_secretkey = key.secret
    socket.setsockopt_string(zmq.ZAP_DOMAIN, DOMAIN)
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def has_descriptors(count: int = SPARE) -> bool:
    """Whether so many descriptors are free. libzmq ends the process that binds without any."""
    made: list[int] = []
    try:
        with Path(os.devnull).open("rb") as one:
            for _ in range(count):
                made.append(os.dup(one.fileno()))
    except OSError:
        return False
    finally:
        for descriptor in made:
            os.close(descriptor)
    return True


def descriptor_limit() -> int:
    """Return how many files and connections this process may have open."""
    if sys.platform == "win32":
        return 4 * MOST_STRANGERS
    import resource

    return int(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def joined(host: str, port: int) -> str:
    """Write an address as people and libzmq do."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _router(context: zmq.Context[zmq.Socket[bytes]], water: int) -> zmq.Socket[bytes]:
    router = context.socket(zmq.ROUTER)
    router.router_mandatory = True
    router.linger = 0
    router.sndhwm = router.rcvhwm = water
    router.maxmsgsize = LONGEST_FRAME
    router.backlog = BACKLOG
    # Who vanished without a word is nobody's by then, but the kernel would keep the connection.
    router.tcp_keepalive, router.tcp_keepalive_cnt = 1, 3
    router.tcp_keepalive_idle, router.tcp_keepalive_intvl = int(LEASE), 1
    router.tcp_maxrt = int(2 * LEASE * 1000)
    router.setsockopt(zmq.HANDSHAKE_IVL, 5_000)
    return router


def _watched(
    control: zmq.Socket[bytes],
    relay: zmq.Socket[bytes],
    wake: Wake,
    *,
    address: str,
    trusted: bool,
    port: int = 0,
    relay_port: int = 0,
) -> Door:
    """Return a door whose connections are watched, before anybody can come in."""
    lost: deque[int] = deque()
    strangers = Strangers(min(MOST_STRANGERS, descriptor_limit() // 4))
    watches = [
        threading.Thread(target=_watch, args=(monitor, seen, strangers), name="door", daemon=True)
        for monitor, seen in (
            (control.get_monitor_socket(WATCHED), functools.partial(_note_lost, lost, wake)),
            (relay.get_monitor_socket(WATCHED), lambda _descriptor: None),
        )
    ]
    for watch in watches:
        watch.start()
    return Door(control, relay, address, port, relay_port, trusted, lost, strangers, watches)


def _note_lost(lost: deque[int], wake: Wake, descriptor: int) -> None:
    lost.append(descriptor)
    wake.call(LOST)


def _watch(monitor: zmq.Socket[bytes], gone: Callable[[int], None], strangers: Strangers) -> None:
    """Tell what becomes of connections; hang up on strangers who are too many."""
    with monitor:
        while True:
            event, descriptor = MONITOR_EVENT.unpack(monitor.recv_multipart()[0])
            if event == zmq.EVENT_ACCEPTED:
                surplus = strangers.came(descriptor, time.monotonic())
                if surplus is not None:
                    hang_up(surplus)
            elif event == zmq.EVENT_DISCONNECTED:
                strangers.gone(descriptor)
                gone(descriptor)
            else:
                return


def _bind_all(router: zmq.Socket[bytes], hosts: Sequence[str], port: int) -> int:
    for host in hosts:
        port = _bind(router, host, port)
    return port


def _bind(router: zmq.Socket[bytes], host: str, port: int) -> int:
    router.setsockopt(zmq.IPV6, int(":" in host))
    router.bind(f"tcp://{joined(host, port)}" if port else f"tcp://{joined(host, 0)[:-1]}*")
    endpoint = bytes(router.getsockopt(zmq.LAST_ENDPOINT))
    return int(endpoint.rstrip(b"\0").rsplit(b":", 1)[1])
