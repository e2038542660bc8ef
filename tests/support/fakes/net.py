"""A network that is as bad as a seed says."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from pixmesh.broker import wire
from pixmesh.broker.messages import MemberId, Message
from pixmesh.tests.support.clock import Clock

BROKER = MemberId(b"broker..")


@dataclass(frozen=True, slots=True)
class Faults:
    """How often a message is lost, doubled, or late by up to ``latest`` seconds."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    latest: float = 0.5


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

    def hear(self, letter: Letter) -> None:
        """Take in a message."""
        ...


class Net:
    """Carries letters between peers that live; a frozen peer gets them when it thaws.

    ``frames`` sends every message through the wire's own encoding; ``loses`` says of a
    message whether it never arrives.
    """

    def __init__(self, clock: Clock, random: Random, *, frames: bool = False) -> None:
        self.clock = clock
        self.faults = Faults()
        self.delay = 0.0005
        self.peers: dict[MemberId, Peer] = {}
        self.cut: set[frozenset[MemberId]] = set()
        self.loses: Callable[[Message], bool] = lambda _message: False
        self.sent = 0
        self._random = random
        self._frames = frames
        self._frozen: dict[MemberId, deque[Letter]] = {}

    def send(self, to: MemberId, letter: Letter) -> None:
        self.sent += 1
        faults, chance = self.faults, self._random.random
        if chance() < faults.lost or frozenset((to, letter.sender.id)) in self.cut:
            return
        if self.loses(letter.message):
            return
        for _ in range(2 if chance() < faults.doubled else 1):
            late = chance() * faults.latest if chance() < faults.late else 0.0
            self.clock.after(self.delay + late, lambda: self._arrive(to, letter))

    def freeze(self, member: MemberId) -> None:
        self._frozen.setdefault(member, deque())

    def thaw(self, member: MemberId) -> None:
        for letter in self._frozen.pop(member, ()):
            self._arrive(member, letter)

    def is_frozen(self, member: MemberId) -> bool:
        return member in self._frozen

    def remove(self, peer: Peer) -> None:
        """End a life: what it said and is still on its way never arrives."""
        if self.peers.get(peer.id) is peer:
            del self.peers[peer.id]
            self._frozen.pop(peer.id, None)

    def _arrive(self, to: MemberId, letter: Letter) -> None:
        receiver = self.peers.get(to)
        if receiver is None or self.peers.get(letter.sender.id) is not letter.sender:
            return
        if to in self._frozen:
            self._frozen[to].append(letter)
            return
        receiver.hear(self._through_the_wire(letter) if self._frames else letter)

    def _through_the_wire(self, letter: Letter) -> Letter:
        message, payload = wire.decode(wire.encode(letter.message, letter.payload))
        return Letter(letter.sender, message, payload, letter.relayed)
