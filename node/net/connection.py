"""A member's connection to its broker: control, relay, session, silence.

    greeting --WELCOME--> welcomed --no-session, or a new connection--> greeting
                                   --the broker silent for a lease--> greeting, over new sockets

HELLO is repeated while nobody answers; after a lease of silence both sockets are made
anew, since libzmq may have given up on the old ones. Who owns a Connection calls
``tick`` often and ``receive`` with the sockets that are ready; one thread only.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import zmq
from msgspec import Struct

from ...broker import wire
from ...broker.keys import KeyPair
from ...broker.leases import LEASE
from ...broker.messages import Bye, Chunk, Error, Get, Hello, MemberId, Message, Welcome
from ...broker.relay import TO_BROKER
from ...broker.sockets import arrived, happened, put
from .address import Address
from .dial import prepare
from .refusals import SHUT_OUT

log = logging.getLogger(__name__)

Socket = zmq.Socket[bytes]

HELLO_AGAIN = 1.0
CONNECT_MS = 2_000
DRAIN = 256
CONTROL_WATER = 256
RELAY_WATER = 16
OWN = frozenset({Welcome, Error, Bye})
FATAL = frozenset({"version", "duplicate", "identity", "role", "name", "forgotten"})


class Heard(Struct, frozen=True):
    """A message, and which member relayed it; None for the broker's own."""

    message: Message
    payload: wire.Buffer | None = None
    source: MemberId | None = None


@dataclass(slots=True, eq=False)
class Connection:
    """One member's way to the mesh."""

    context: zmq.Context[Socket]
    address: Address
    key: KeyPair
    hello: Callable[[], Hello]
    heard_at: float
    welcome: Welcome | None = None
    refusal: Error | None = None
    relayed: bool = False
    control: Socket = field(init=False)
    monitor: Socket = field(init=False)
    relay: Socket | None = None
    _greeted_at: float = float("-inf")
    _relay_greeted_at: float = float("-inf")
    _changed: bool = True
    _name: str = ""

    def __post_init__(self) -> None:
        self._open_control()

    def _open_control(self) -> None:
        self.control = self._connect(self.address.control, CONTROL_WATER)
        self.monitor = self.control.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
        )

    def _close_control(self, linger: int) -> None:
        self.control.disable_monitor()
        self.monitor.close(linger=0)
        self.control.close(linger=linger)

    def close(self) -> None:
        """Close both sockets; a last word gets a moment to leave."""
        self._close_control(linger=200)
        if self.relay is not None:
            self.relay.close(linger=0)

    def changed(self) -> bool:
        """Whether the sockets are others than at the last call: register them anew."""
        changed, self._changed = self._changed, False
        return changed

    @property
    def name(self) -> str:
        """What the broker calls us; nothing before it did."""
        return self._name

    # ---- sending ------------------------------------------------------------------

    def send(self, message: Message) -> bool:
        """Say something to the broker; False when it takes nothing now."""
        try:
            put(self.control, wire.encode(message))
        except zmq.Again:
            return False
        return True

    def send_to(
        self, member: MemberId, message: Message, payload: wire.Buffer | None = None
    ) -> bool:
        """Say something to another member; False when the way is full or not there yet."""
        if self.relay is None:
            return False
        try:
            put(self.relay, [member, *wire.encode(message, payload)])
        except zmq.Again:
            return False
        return True

    # ---- receiving ----------------------------------------------------------------

    def receive(self, now: float, ready: Collection[object]) -> Iterator[Heard]:
        """Yield what has come on those sockets that are ``ready``, at most 256 messages each."""
        events = [event for event, _ in happened(self.monitor)] if self.monitor in ready else []
        if zmq.EVENT_HANDSHAKE_FAILED_AUTH in events:
            self.refusal = SHUT_OUT
        elif events and self.welcome is not None:
            self._greet(now)  # a new connection: the broker knows nothing of it yet
        if self.control in ready:
            yield from self._controlled(now)
        if self.relay is not None and self.relay in ready:
            for frames in arrived(self.relay, DRAIN):
                yield from self._relayed(*(frame.buffer for frame in frames))

    def _controlled(self, now: float) -> Iterator[Heard]:
        for frames in arrived(self.control, DRAIN):
            message = self._decoded([frame.buffer for frame in frames])
            if message is None:
                continue
            self.heard_at = now
            if type(message.message) in OWN and self._own(message.message, now):
                continue
            # Between HELLO and WELCOME: said in a session that is over.
            if self.welcome is not None or type(message.message) in OWN:
                yield message

    def _own(self, message: Message, now: float) -> bool:
        """Take in what concerns the session itself."""
        match message:
            case Welcome():
                self._welcomed(message)
            case Error(code="no-session"):
                if self.welcome is not None:  # else HELLO is on its way already
                    self._greet(now)
            case Bye():
                self.welcome = None
                return False
            case Error(code="no-relay"):
                self.relayed = False
            case Error(code="probe"):
                self.send(Error(code="here", text=""))
            case Error(code=code) if code in FATAL:
                self.refusal = message
            case _:
                return False
        return True

    def _welcomed(self, welcome: Welcome) -> None:
        self.welcome, self.refusal, self._name = welcome, None, welcome.name
        if self.relay is None:
            self.relay = self._connect(self.address.relay(welcome.relay), RELAY_WATER)
            self._changed = True
        self._relay_greeted_at = float("-inf")

    def _relayed(self, source: wire.Buffer, *frames: wire.Buffer) -> Iterator[Heard]:
        if source != TO_BROKER:
            yield from _of_another(MemberId(bytes(source)), frames)
        elif (message := self._decoded(frames)) is not None:
            said = message.message
            self.relayed = isinstance(said, Error) and said.code == "welcome"

    def _decoded(self, frames: Sequence[wire.Buffer]) -> Heard | None:
        """Return the message, or None for what cannot be read: it is logged and dropped."""
        try:
            message, payload = wire.decode(frames)
        except wire.WireError as error:
            log.warning("a message was dropped: %s", error)
            if error.code == "version" and self.welcome is None:
                remedy = "install the same pixmesh on both"
                self.refusal = Error(code="version", text=error.text, remedy=remedy)
            return None
        return Heard(message, payload)

    # ---- the session --------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Greet when it is time; connect anew when the broker has been silent for a lease."""
        if self.welcome is not None and now - self.heard_at > LEASE:
            self._renew(now)
        if self.welcome is None and now - self._greeted_at >= HELLO_AGAIN:
            self._greet(now)
        if self.welcome is not None and not self.relayed:
            self._greet_relay_if_due(now)

    def _greet(self, now: float) -> None:
        self.welcome, self.relayed = None, False
        self._greeted_at = now
        self.send(self.hello())

    def _greet_relay_if_due(self, now: float) -> None:
        """Say HELLO to the relay: at once when it is needed, then each second until its yes."""
        if now - self._relay_greeted_at >= HELLO_AGAIN:
            self._relay_greeted_at = now
            self.send_to(MemberId(TO_BROKER), self.hello())

    def move(self, address: Address, now: float) -> None:
        """Go on at another address of the same broker."""
        log.info("the broker is at %s now, was at %s", address, self.address)
        self.address = address
        self._renew(now)

    def _renew(self, now: float) -> None:
        log.info("connecting anew to the broker at %s", self.address)
        self._close_control(linger=0)
        if self.relay is not None:
            self.relay.close(linger=0)
        self.relay, self.welcome, self.relayed = None, None, False
        self._open_control()
        self.heard_at = now
        self._changed = True

    def _connect(self, endpoint: str, water: int) -> Socket:
        one = self.context.socket(zmq.DEALER)
        one.sndhwm = one.rcvhwm = water
        one.reconnect_ivl, one.reconnect_ivl_max = 20, 500
        one.connect_timeout = CONNECT_MS  # else the kernel waits longer from try to try
        one.maxmsgsize = wire.LONGEST_FRAME
        prepare(one, self.address, self.key)
        one.connect(endpoint)
        return one


def _of_another(source: MemberId, frames: Sequence[wire.Buffer]) -> Iterator[Heard]:
    """Yield what another member may say: it has no word on this session, nor in this log."""
    try:
        message, payload = wire.decode(frames)
    except wire.WireError as error:
        log.debug("a message of %s was dropped: %s", source.hex(), error)
        return
    match message:
        case Get() | Chunk() | Error(code="gone"):
            yield Heard(message, payload, source)
        case _:
            log.debug("a message of %s is none of a transfer's", source.hex())
