"""The sockets that members come in by.

    local     ipc:// in the broker's own 0700 folder: whoever opens it is the user
    network   TCP, CURVE with ZAP default deny: whoever comes in has a key we know

Each door has a control socket and a relay socket, and watches for lost connections. What
is said there is somebody else's business.
"""

import ipaddress
import os
import socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from .keys import KeyPair
from .leases import LEASE
from .lifetime import Wake
from .sockets import MONITOR_EVENT
from .wire import LONGEST_FRAME

if TYPE_CHECKING:
    from zmq.auth.thread import ThreadAuthenticator

ZAP_DOMAIN = "pixmesh"
CONTROL_WATER = 256
RELAY_WATER = 16
LONGEST_FOLDER = 90
LAST_WORD_MS = 200
LOST = b"lost"


class BindRefused(Exception):
    """An address that must not, or cannot, be bound; the text says what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """One way in. ``relay_port`` is 0 where the relay is beside the local door.

    ``lost`` are the descriptors of connections that were lost, as its watch saw them.
    """

    control: zmq.Socket[bytes]
    relay: zmq.Socket[bytes]
    address: str
    relay_port: int
    trusted: bool
    lost: deque[int]
    watch: threading.Thread

    def close(self) -> None:
        """Close the sockets; what is unsent is dropped."""
        self.control.disable_monitor()
        self.watch.join()
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
    lost, watch = _watched(control, wake)
    return Door(control, relay, addresses[0], 0, trusted=True, lost=lost, watch=watch)


def open_network(
    context: zmq.Context[zmq.Socket[bytes]], *, key: KeyPair, host: str, port: int, wake: Wake
) -> Door:
    """Open the network door at ``host``; the relay is at the next port.

    Raises BindRefused for an address that is not this machine's alone, or is taken.
    """
    refuse_beyond_loopback(host)
    control, relay = _router(context, CONTROL_WATER), _router(context, RELAY_WATER)
    for one in (control, relay):
        demand_key(one, key)
        one.setsockopt(zmq.IPV6, int(":" in host))
    try:
        bound = _bind(control, host, port)
        relay_port = _bind(relay, host, bound + 1 if port else 0)
    except zmq.ZMQError as error:
        for one in (control, relay):
            one.close(linger=0)
        raise BindRefused(
            f"cannot listen on {host}:{port} (and {port + 1}): {error}; "
            "choose another with --port, or end what listens there"
        ) from None
    lost, watch = _watched(control, wake)
    address = f"{host}:{bound}"
    return Door(control, relay, address, relay_port, trusted=False, lost=lost, watch=watch)


def demand_key(socket: zmq.Socket[bytes], key: KeyPair) -> None:
    """Let a socket, before it is bound, admit only whom the authenticator knows."""
    socket.curve_server = True
    socket.curve_secretkey = key.secret
    socket.setsockopt_string(zmq.ZAP_DOMAIN, ZAP_DOMAIN)
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def start_authenticator(
    context: zmq.Context[zmq.Socket[bytes]], admits: Callable[[bytes], bool]
) -> "ThreadAuthenticator":
    """Answer libzmq's question who may come in, by the public key; all others stay out.

    Should its thread die, nobody is let in any more.
    """
    from zmq.auth.thread import ThreadAuthenticator  # brings asyncio: not for local doors

    class Provider:
        def callback(self, domain: str, key: bytes) -> bool:
            return domain == ZAP_DOMAIN and admits(key)

    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve_callback(ZAP_DOMAIN, credentials_provider=Provider())
    return authenticator


def refuse_beyond_loopback(host: str) -> None:
    """Raise BindRefused unless every address of ``host`` is this machine's alone."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise BindRefused(f"{host!r} is no address of this machine: {error}") from None
    if not all(ipaddress.ip_address(str(one).split("%")[0]).is_loopback for one in found):
        raise BindRefused(
            f"{host} can be reached from other machines, and letting them join is not built "
            "yet; bind 127.0.0.1 (the default) and start nodes on this machine"
        )


def _router(context: zmq.Context[zmq.Socket[bytes]], water: int) -> zmq.Socket[bytes]:
    router = context.socket(zmq.ROUTER)
    router.router_mandatory = True
    router.linger = 0
    router.sndhwm = router.rcvhwm = water
    router.maxmsgsize = LONGEST_FRAME
    # Who vanished without a word is nobody's by then, but the kernel would keep the connection.
    router.tcp_keepalive, router.tcp_keepalive_cnt = 1, 3
    router.tcp_keepalive_idle, router.tcp_keepalive_intvl = int(LEASE), 1
    router.tcp_maxrt = int(2 * LEASE * 1000)
    router.setsockopt(zmq.HANDSHAKE_IVL, 5_000)
    return router


def _watched(control: zmq.Socket[bytes], wake: Wake) -> tuple[deque[int], threading.Thread]:
    """Note lost connections in a thread of their own, and call the loop for each."""
    monitor = control.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_MONITOR_STOPPED)
    lost: deque[int] = deque()
    watch = threading.Thread(target=_watch, args=(monitor, lost, wake), name="door", daemon=True)
    watch.start()
    return lost, watch


def _watch(monitor: zmq.Socket[bytes], lost: deque[int], wake: Wake) -> None:
    with monitor:
        while True:
            event, descriptor = MONITOR_EVENT.unpack(monitor.recv_multipart()[0])
            if event != zmq.EVENT_DISCONNECTED:
                return
            lost.append(descriptor)
            wake.call(LOST)


def _bind(router: zmq.Socket[bytes], host: str, port: int) -> int:
    shown = f"[{host}]" if ":" in host else host
    router.bind(f"tcp://{shown}:{port or '*'}")
    endpoint = bytes(router.getsockopt(zmq.LAST_ENDPOINT))
    return int(endpoint.rstrip(b"\0").rsplit(b":", 1)[1])
