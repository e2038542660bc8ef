"""The broker's one socket loop: frames in, scheduler, frames out.

Each turn: wait, drain at most 256 messages from each socket, let the scheduler decide,
send. Nothing here decides about tasks. What strangers send never ends the loop: it is
counted, answered with ERROR where there is someone to answer, and dropped.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import zmq

from . import leases, relay, wire
from .desk import Desk
from .doors import LOST, Door
from .keys import member_of
from .lifetime import Wake
from .messages import Ask, Bye, Error, Hello, MemberId, Message, Tell, Welcome
from .outgoing import Command, Evict, Send
from .scheduler import Disconnected, Joined, Received, Scheduler, Stalled, Turn
from .sessions import Claim, Route, Session, Sessions
from .sockets import Peer, Watch, arrived, key_of, peer_of, put, shut
from .vetting import FORGOTTEN, as_registered, duplicate, why_not

if TYPE_CHECKING:
    from .admission import Admission
    from .beacon import Beacon
    from .gate import Gate

log = logging.getLogger(__name__)

DRAIN = 256
RELAY_DRAIN = 32
LONGEST_WAIT = 1.0
RETRY_WAIT = 0.01
OUTBOX = 4096
DOUBT = 0.5
LOOK = 1.0
LAST_WORD = 0.25
BUSY = Error(
    code="refused",
    text="the broker cannot look up keys at this moment",
    remedy="try again; the broker's log says why",
)

Socket = zmq.Socket[bytes]
Frames = list[wire.Buffer]
Relayed = list[wire.Buffer | zmq.Frame]


class Doubt(NamedTuple):
    """A session whose connection is said to be lost, and until when that is looked into."""

    session: Session
    until: float


@dataclass(slots=True, eq=False)
class Server:
    """The loop and what it stands on."""

    scheduler: Scheduler
    doors: list[Door]
    boot: bytes
    wake: Wake
    desk: Desk
    gate: "Gate | None" = None
    beacon: "Beacon | None" = None
    follow: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    sessions: Sessions = field(default_factory=Sessions)
    backlog: relay.Backlog[wire.Buffer | zmq.Frame] = field(default_factory=relay.Backlog)
    outboxes: dict[MemberId, deque[Frames]] = field(default_factory=dict)
    doubted: dict[MemberId, Doubt] = field(default_factory=dict)
    condemned: list[tuple[Peer, float]] = field(default_factory=list)
    _looked: float = float("-inf")
    stopping: bool = False

    def __post_init__(self) -> None:
        self.desk.addresses = self._addresses

    def serve(self) -> None:
        """Run until ``stop`` is called; members are told."""
        watch = self._watch()
        turned = self.clock()
        while not self.stopping:
            timeout = self._timeout()
            ready = watch.wait(ceil(timeout * 1000))
            now = self.clock()
            stalled = now - turned - timeout
            if stalled > leases.STALL:
                log.warning("the loop was away for %.1f s: leases are extended", stalled)
                self.scheduler.handle(Stalled(stalled), now)
            # One time for the whole turn: a stop in its middle is seen by the next.
            turned = now
            self._drain(ready, now)
            self._look_after(now)
            self._probe_doubted(now)
            self._obey(self.scheduler.handle(Turn(), now))
            self._feed(now)
            self._send_waiting()
        for member in list(self.sessions.by_member):
            self._send(member, Bye())

    def stop(self) -> None:
        """End the loop at its next turn. Called in the loop's own thread."""
        self.stopping = True

    # ---- waiting ------------------------------------------------------------------

    def _watch(self) -> Watch:
        watch = Watch()
        for door in self.doors:
            for one in (door.control, door.relay):
                watch.add(one)
        watch.add_descriptor(self.wake.fileno)
        for descriptor in self.beacon.descriptors if self.beacon is not None else ():
            watch.add_descriptor(descriptor)
        return watch

    def _look_after(self, now: float) -> None:
        """Keep the gate open and the addresses true; end what is over."""
        if self.condemned:
            self._shut_condemned(now)
        if now - self._looked < LOOK:
            return
        self._looked = now
        if self.gate is not None:
            self.gate.keep()
        self.follow()

    def _timeout(self) -> float:
        if self.condemned or self.outboxes or self.backlog.waiting or self.doubted:
            return RETRY_WAIT
        until = min(self.scheduler.next_deadline(), self.desk.feed.due) - self.clock()
        return min(LONGEST_WAIT, max(0.0, until))

    def _drain(self, ready: list[object], now: float) -> None:
        for number, door in enumerate(self.doors):
            if door.control in ready:
                self._drain_control(number, door, now)
            if door.relay in ready:
                self._drain_relay(number, door)
        if self.beacon is not None:
            self.beacon.hear(now)
        if self.wake.fileno in ready:
            self._called(now)

    def _called(self, now: float) -> None:
        if set(self.wake.reasons()) - {LOST}:
            self.stop()
        for number, door in enumerate(self.doors):
            self._lost(number, door, now)

    # ---- control ------------------------------------------------------------------

    def _drain_control(self, number: int, door: Door, now: float) -> None:
        for route, *frames in arrived(door.control, DRAIN):
            self._take(number, door, route, [frame.buffer for frame in frames], now)

    def _take(self, number: int, door: Door, route: zmq.Frame, frames: Frames, now: float) -> None:
        came = Route(number, route.bytes)
        try:
            message, _ = wire.decode(frames)
        except wire.WireError as error:
            self.desk.counters.malformed += 1
            self._answer(came, Error(code=error.code, text=error.text[:1000]))
            return
        session = self.sessions.by_control.get(came)
        match message:
            case Hello() | Ask():
                self._ask_the_book(door, route, came, message, now)
            case _ if session is None:
                self._answer(came, Error(code="no-session", text="say HELLO first"))
            case Tell(what="preview", body=body):
                session.heard = now
                self.desk.previews.came(session.member, body, now)
            case _:
                session.heard = now
                self.scheduler.handle(Received(session.member, message), now)

    def _ask_the_book(
        self, door: Door, route: zmq.Frame, came: Route, message: Hello | Ask, now: float
    ) -> None:
        """Take what depends on the key behind it. HELLO is said again where that is not known."""
        door.strangers.spoke(peer_of(route).descriptor)
        try:
            if isinstance(message, Hello):
                self._hello(door, route, came, message, now)
            else:
                self._ask(door, route, came, message, now)
        except OSError as error:
            log.warning("who somebody is cannot be looked up: %s", error)
            if isinstance(message, Ask):
                self._answer(came, BUSY)

    def _hello(self, door: Door, route: zmq.Frame, came: Route, hello: Hello, now: float) -> None:
        admission = None if door.trusted else self.desk.admission
        refusal = why_not(hello, None if door.trusted else key_of(route), admission)
        hello = as_registered(hello, admission)
        if refusal is None:
            member = member_of(hello.key)
            claim = self.sessions.claim(member, hello, now, self._is_connected)
            if claim is Claim.WAIT:
                return  # HELLO is said again
            refusal = duplicate(self.sessions.by_member[member]) if claim is Claim.TAKEN else None
        if refusal is not None:
            self.desk.counters.refused += 1
            log.info("%s %s refused: %s", hello.role, hello.name, refusal.text)
            self._answer(came, refusal)
            return
        member = member_of(hello.key)
        session = Session(member, hello, came, peer_of(route), heard=now)
        self.sessions.open(session)
        self.outboxes.pop(member, None)
        self._send(
            member,
            Welcome(
                member=member,
                version=min(hello.highest, wire.HIGHEST_VERSION),
                boot=self.boot,
                relay=door.relay_port,
                beat=leases.BEAT,
                lease=leases.LEASE,
                name=hello.name,
            ),
        )
        self._obey(self.scheduler.handle(Joined(member, hello), now))
        log.info("%s %s (%s) is here", hello.role, hello.name, member.hex())

    def _is_connected(self, session: Session) -> bool:
        """Ask the member whether it is there; return whether its connection still exists."""
        try:
            self._transmit(session, wire.encode(Error(code="probe", text="are you there?")))
        except zmq.ZMQError as error:
            return error.errno != zmq.EHOSTUNREACH
        return True

    def _ask(self, door: Door, route: zmq.Frame, came: Route, ask: Ask, now: float) -> None:
        asker = self.desk.asker(None if door.trusted else key_of(route))
        for message in self.desk.answers(ask, asker, now, came):
            self._answer(came, message)
        while self.desk.previews.asking:
            self._send(self.desk.previews.asking.pop(), Ask(what="preview"))
        if self.desk.admission is not None and self.desk.admission.gone:
            self._cut(self.desk.admission, now)

    def _feed(self, now: float) -> None:
        """Tell those who follow what is new."""
        for route, message in self.desk.feed.tick(now):
            self._answer(route, message)

    def _addresses(self) -> dict[MemberId, str]:
        """Return where members are that did not come by the local door."""
        return {
            one.member: one.peer.address
            for one in self.sessions.by_member.values()
            if not self.doors[one.control.door].trusted
        }

    def _cut(self, admission: "Admission", now: float) -> None:
        """End the sessions of members that were forgotten, and soon their connections."""
        for member in admission.gone:
            session = self.sessions.by_member.get(member)
            if session is None:
                continue
            self._send(member, FORGOTTEN)
            self.condemned += [(one, now + LAST_WORD) for one in session.connections()]
            self.scheduler.handle(Received(member, Bye()), now)
        admission.gone.clear()

    def _shut_condemned(self, now: float) -> None:
        """Shut connections of whom nothing is to be heard, once their last word is out."""
        due = [one for one, at in self.condemned if at <= now]
        self.condemned = [(one, at) for one, at in self.condemned if at > now]
        for one in due:
            shut(one)

    def _lost(self, number: int, door: Door, now: float) -> None:
        """Look at the connections that a door has lost."""
        while door.lost:
            session = self.sessions.by_descriptor.get((number, door.lost.popleft()))
            if session is not None:
                self.doubted[session.member] = Doubt(session, now + DOUBT)

    def _probe_doubted(self, now: float) -> None:
        """Ask libzmq whether connections said to be lost exist: it learns of it a little later."""
        for member, (session, until) in list(self.doubted.items()):
            current = self.sessions.by_member.get(member) is session
            if current and self._is_connected(session) and now < until:
                continue
            del self.doubted[member]
            if current and not self._is_connected(session):
                log.info("%s %s lost its connection", session.hello.role, session.hello.name)
                self.scheduler.handle(Disconnected(session.member), now)

    # ---- relay --------------------------------------------------------------------

    def _drain_relay(self, number: int, door: Door) -> None:
        for route, *frames in arrived(door.relay, RELAY_DRAIN):
            came = Route(number, route.bytes)
            self._pass_on(door, route, came, frames)

    def _pass_on(self, door: Door, route: zmq.Frame, came: Route, frames: list[zmq.Frame]) -> None:
        if not 2 <= len(frames) <= relay.MOST_FRAMES:
            self.desk.counters.malformed += 1
            return
        to = frames[0].bytes
        session = self.sessions.by_relay.get(came)
        if to == relay.TO_BROKER:
            self._relay_hello(door, route, came, [frame.buffer for frame in frames[1:]])
        elif session is None:
            self._answer_relay(came, Error(code="no-session", text="say HELLO first"))
        else:
            self._relay(MemberId(to), [session.member, *frames[1:]])

    def _relay_hello(self, door: Door, route: zmq.Frame, came: Route, frames: Frames) -> None:
        """A member of the control door shows where its relayed messages go."""
        try:
            hello, _ = wire.decode(frames)
        except wire.WireError:
            self.desk.counters.malformed += 1
            return
        if not isinstance(hello, Hello) or (not door.trusted and hello.key != key_of(route)):
            self.desk.counters.refused += 1
            return
        door.strangers.spoke(peer_of(route).descriptor)
        session = self.sessions.by_member.get(member_of(hello.key))
        if session is None or session.hello.boot != hello.boot:
            self._answer_relay(came, Error(code="no-session", text="say HELLO to control first"))
            return
        self.sessions.relayed(session, came, peer_of(route))
        self._answer_relay(came, Error(code="welcome", text=""))

    def _relay(self, to: MemberId, frames: Relayed) -> None:
        if self.backlog.blocked(to) or not self._relay_now(to, frames):
            self.backlog.put(to, frames)

    def _relay_now(self, to: MemberId, frames: Relayed) -> bool:
        """Return False when the receiver takes nothing now."""
        session = self.sessions.by_member.get(to)
        if session is None:
            return True
        if session.relay is None:
            return False
        try:
            put(self.doors[session.relay.door].relay, [session.relay.id, *frames])
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            log.debug("nothing can be relayed to %s: %s", session.hello.name, error)
            self.sessions.unrelayed(session)
            self._send(to, Error(code="no-relay", text="say HELLO to the relay"))
            return False
        return True

    def _answer_relay(self, came: Route, message: Message) -> None:
        frames = [came.id, relay.TO_BROKER, *wire.encode(message)]
        self._try_send(self.doors[came.door].relay, frames)

    # ---- sending ------------------------------------------------------------------

    def _obey(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Send(member, message):
                    self._send(member, message)
                case Evict(member):
                    self._evict(member)

    def _evict(self, member: MemberId) -> None:
        self.sessions.close(member)
        self.outboxes.pop(member, None)
        self.backlog.forget(member)
        self.desk.previews.forget(member)

    def _send(self, member: MemberId, message: Message) -> None:
        session = self.sessions.by_member.get(member)
        if session is None:
            return
        try:
            frames = wire.encode(message)
        except wire.WireError:
            log.exception("a message to %s is not sent", session.hello.name)
            return
        waiting = self.outboxes.get(member)
        if waiting is None and self._sent(session, frames):
            return
        if waiting is None:
            waiting = self.outboxes[member] = deque()
        waiting.append(frames)
        if len(waiting) > OUTBOX:
            log.warning("%s reads nothing: its session ends", session.hello.name)
            self.scheduler.handle(Disconnected(member), self.clock())
            self._evict(member)

    def _sent(self, session: Session, frames: Frames) -> bool:
        """Return False when the member takes nothing now."""
        try:
            self._transmit(session, frames)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            log.debug("nothing reaches %s: %s", session.hello.name, error)
            self.scheduler.handle(Disconnected(session.member), self.clock())
        return True

    def _transmit(self, session: Session, frames: Frames) -> None:
        route = session.control
        put(self.doors[route.door].control, [route.id, *frames])

    def _send_waiting(self) -> None:
        for member, waiting in list(self.outboxes.items()):
            session = self.sessions.by_member[member]
            while waiting and self._sent(session, waiting[0]):
                waiting.popleft()
            if not waiting:
                del self.outboxes[member]
        for member in self.backlog.members():
            while self._relay_now(member, self.backlog.first(member)):
                if not self.backlog.taken(member):
                    break

    def _answer(self, came: Route, message: Message) -> None:
        self._try_send(self.doors[came.door].control, [came.id, *wire.encode(message)])

    def _try_send(self, socket: Socket, frames: Frames) -> None:
        try:
            put(socket, frames)
        except zmq.ZMQError as error:
            log.debug("an answer was not taken: %s", error)
