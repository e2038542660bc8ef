"""A broker on a virtual clock: the real scheduler, sessions by peer, a turn after each message."""

from random import Random

from pixmesh.broker import leases, wire
from pixmesh.broker.history import Note, ignore
from pixmesh.broker.messages import Error, Hello, MemberId, Message, Welcome
from pixmesh.broker.outgoing import Command, Evict, Send
from pixmesh.broker.scheduler import Disconnected, Event, Joined, Received, Scheduler, Stalled, Turn
from pixmesh.broker.seal import Seal

from .net import BROKER, Letter, Net, Peer

TICK = 0.25


class FakeBroker:
    """One life of a broker. ``check_every`` counts the events between two checks of invariants."""

    def __init__(
        self, net: Net, random: Random, *, check_every: int = 1, note: Note = ignore
    ) -> None:
        self.id = BROKER
        self.name = "broker"
        self.boot = random.randbytes(8)
        self.net = net
        self.clock = net.clock
        self.scheduler = Scheduler(
            random=random, now=self.clock.now, note=note, seal=Seal(b"every life's")
        )
        self.sessions: dict[MemberId, Peer] = {}
        self.events = 0
        self._check_every = check_every
        self._froze_at = 0.0
        net.peers[BROKER] = self
        self.clock.after(TICK, self._tick)

    @property
    def alive(self) -> bool:
        return self.net.peers.get(BROKER) is self

    def die(self) -> None:
        """End without a word, forgetting everything."""
        self.net.remove(self)

    def freeze(self, seconds: float) -> None:
        """Stand still for so long; the loop notices when it goes on."""
        if not self.alive or self.net.is_frozen(BROKER):
            return
        self._froze_at = self.clock.now
        self.net.freeze(BROKER)
        self.clock.after(seconds, self._thaw)

    def _thaw(self) -> None:
        if self.alive:
            self._handle(Stalled(self.clock.now - self._froze_at))
            self.net.thaw(BROKER)

    def disconnected(self, peer: Peer) -> None:
        """A connection is gone, says the socket monitor."""
        if self.alive and self.sessions.get(peer.id) is peer:
            self._handle(Disconnected(peer.id))
            self._turn()

    def hear(self, letter: Letter) -> None:
        sender, message = letter.sender, letter.message
        if isinstance(message, Hello):
            self._hello(sender, message)
        elif self.sessions.get(sender.id) is not sender:
            self._say(sender.id, Error(code="no-session", text="say HELLO first"))
        else:
            self._handle(Received(sender.id, message))
        self._turn()

    def _hello(self, sender: Peer, hello: Hello) -> None:
        self.sessions[sender.id] = sender
        welcome = Welcome(
            member=sender.id,
            version=wire.HIGHEST_VERSION,
            boot=self.boot,
            relay=0,
            beat=leases.BEAT,
            lease=leases.LEASE,
        )
        self._say(sender.id, welcome)
        self._handle(Joined(sender.id, hello))

    def _tick(self) -> None:
        if not self.alive:
            return
        self.clock.after(TICK, self._tick)
        if not self.net.is_frozen(BROKER):
            self._turn()

    def _turn(self) -> None:
        for command in self._handle(Turn()):
            match command:
                case Send(member, message):
                    if member in self.sessions:
                        self._say(member, message)
                case Evict(member):
                    self.sessions.pop(member, None)

    def _handle(self, event: Event) -> list[Command]:
        commands = self.scheduler.handle(event, self.clock.now)
        self.events += 1
        if self.events % self._check_every == 0:
            self.scheduler.check_invariants()
        return commands

    def _say(self, member: MemberId, message: Message) -> None:
        self.net.send(member, Letter(self, message))
