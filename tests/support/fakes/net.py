"""A network that is as bad as a test says, message by message, or a while by lot."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, Protocol

from pixmesh.broker import wire
from pixmesh.broker.messages import KINDS, MemberId, Message
from pixmesh.tests.support.clock import Clock

BROKER = MemberId(b"broker..")
DELAY = 0.0005


@dataclass(frozen=True, slots=True)
class Noise:
    """How often a message is lost, doubled, or late by up to ``latest`` seconds."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    latest: float = 0.5
    seed: int = 0


class Which(NamedTuple):
    """The ``nth`` message of a kind from one member to another, since the test began."""

    sender: str
    receiver: str
    kind: str
    nth: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way; ``relayed`` between two members."""

    sender: "Peer"
    message: Message
    payload: wire.Buffer | None = None
    relayed: bool = False


class Peer(Protocol):
    """One life of a process: another life of the same member is another peer."""

    id: MemberId
    name: str

    def hear(self, letter: Letter) -> None:
        """Take in a message."""
        ...


class Net:
    """Carries letters between peers that live; a frozen peer gets them when it thaws.

    ``copies`` says what becomes of single messages: when each of their copies arrives, in
    seconds more than usual; none means it is lost. ``noise`` decides by lot and is noted in
    ``made``, as ``copies`` that do the same. ``cut`` are the ways that carry nothing.
    ``frames`` sends every message through the wire's own encoding; ``loses`` says of a
    message whether it never arrives.
    """

    def __init__(self, clock: Clock, *, frames: bool = False) -> None:
        self.clock = clock
        self.copies: dict[Which, tuple[float, ...]] = {}
        self.made: dict[Which, tuple[float, ...]] = {}
        self.peers: dict[MemberId, Peer] = {}
        self.cut: set[tuple[str, str]] = set()
        self.loses: Callable[[Message], bool] = lambda _message: False
        self.sent = 0
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._noise: Noise | None = None
        self._random = Random(0)
        self._frames = frames
        self._frozen: dict[MemberId, deque[Letter]] = {}

    @property
    def noise(self) -> Noise | None:
        return self._noise

    @noise.setter
    def noise(self, noise: Noise | None) -> None:
        self._noise = noise
        self._random = Random(noise.seed if noise is not None else 0)

    def send(self, to: MemberId, letter: Letter) -> None:
        self.sent += 1
        receiver = self.peers.get(to)
        way = (letter.sender.name, receiver.name if receiver is not None else "nobody")
        if way in self.cut or self.loses(letter.message):
            return
        for late in self._copies_of(way, letter.message):
            self.clock.after(DELAY + late, lambda: self._arrive(to, receiver, letter))

    def _copies_of(self, way: tuple[str, str], message: Message) -> tuple[float, ...]:
        kind = KINDS[type(message)].name
        self._counts[(*way, kind)] += 1
        which = Which(*way, kind, self._counts[(*way, kind)])
        planned = self.copies.get(which)
        if planned is not None:
            return planned
        copies = tuple(self._by_lot())
        if copies != (0.0,):
            self.made[which] = copies
        return copies

    def _by_lot(self) -> Iterator[float]:
        noise, chance = self._noise, self._random.random
        if noise is None:
            yield 0.0
            return
        if chance() < noise.lost:
            return
        for _ in range(2 if chance() < noise.doubled else 1):
            yield round(chance() * noise.latest, 4) if chance() < noise.late else 0.0

    def freeze(self, member: MemberId) -> None:
        self._frozen.setdefault(member, deque())

    def thaw(self, member: MemberId) -> None:
        for letter in self._frozen.pop(member, ()):
            self._arrive(member, self.peers.get(member), letter)

    def is_frozen(self, member: MemberId) -> bool:
        return member in self._frozen

    def remove(self, peer: Peer) -> None:
        """End a life: what it said and is still on its way never arrives."""
        if self.peers.get(peer.id) is peer:
            del self.peers[peer.id]
            self._frozen.pop(peer.id, None)

    def _arrive(self, to: MemberId, meant: "Peer | None", letter: Letter) -> None:
        """Hand a letter over; what a broker says to a life ends with its connection."""
        receiver = self.peers.get(to)
        if receiver is None or self.peers.get(letter.sender.id) is not letter.sender:
            return
        if letter.sender.id == BROKER and not letter.relayed and receiver is not meant:
            return
        if to in self._frozen:
            self._frozen[to].append(letter)
            return
        receiver.hear(self._through_the_wire(letter) if self._frames else letter)

    def _through_the_wire(self, letter: Letter) -> Letter:
        message, payload = wire.decode(wire.encode(letter.message, letter.payload))
        return Letter(letter.sender, message, payload, letter.relayed)
