"""The network door and all that watches over it: who is let in, who is answered, and where.

Not for a mesh that only its own user reaches: that one never loads this.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import zmq

from .admission import Admission
from .beacon import PORT, Beacon, Query, Reply
from .doors import Door, joined, open_network
from .gate import Gate
from .interfaces import LOOPBACK, Choice, NoSuchInterface, choose, named, present
from .keys import KeyPair, claimed
from .lifetime import Wake
from .names import host_name
from .roll import RollFile

log = logging.getLogger(__name__)

Context = zmq.Context[zmq.Socket[bytes]]


@dataclass(slots=True)
class Network:
    """The network door with all that watches over it."""

    door: Door
    gate: Gate
    admission: Admission
    look: Callable[[], Choice]
    choice: Choice
    beacon: Beacon | None = None

    @property
    def places(self) -> list[str]:
        """Where it listens, those that lead to a LAN first."""
        return [
            joined(one, self.door.port) for one in _hosts(self.choice) if one in self.door.hosts
        ]

    def follow(self) -> None:
        """Listen at the addresses that the machine has now."""
        try:
            self.choice = self.look()
        except (NoSuchInterface, OSError) as error:
            log.warning("its addresses stay as they are: %s", error)
        self.door.follow(_hosts(self.choice))
        if self.beacon is not None:
            self.beacon.follow(self.choice.chosen)


def open_to_the_lan(
    context: Context,
    *,
    keys: Path,
    roll: Path,
    bind: Sequence[str],
    port: int,
    wake: Wake,
    stack: ExitStack,
) -> Network:
    """Open the network door with all that watches over it; ``stack`` closes it.

    ``bind`` are interfaces and addresses; none means every interface that leads to a LAN.
    Raises CannotServe.
    """
    _, pair = stack.enter_context(claimed(keys, "broker", "broker"))
    members = RollFile(roll, time.monotonic, time.time).load(pair.raw)

    def look() -> Choice:
        return named(bind, present()) if bind else choose(present())

    choice = look()
    admission = Admission(keys, pair, members, lambda: (door.hosts, door.port), host_name())
    gate = Gate(context, admission.admits)
    stack.callback(gate.close)
    certain = list(dict.fromkeys([LOOPBACK, *choice.given]))
    door = open_network(context, key=pair, hosts=certain, port=port, wake=wake)
    stack.callback(door.close)
    network = Network(door, gate, admission, look, choice)
    door.follow(_hosts(choice))
    if not bind or choice.reaches_beyond:
        network.beacon = _beacon(network, pair)
        stack.callback(network.beacon.close)
        network.beacon.follow(choice.chosen)
    return network


def _hosts(choice: Choice) -> list[str]:
    """Return where to listen: at loopback in any case, for this machine's own members."""
    return list(dict.fromkeys([*choice.addresses, LOOPBACK]))


def _beacon(network: Network, pair: KeyPair) -> Beacon:
    door, members, host = network.door, network.admission.members, host_name()

    def reply(nonce: bytes) -> Reply:
        return Reply(nonce, pair.raw, door.port, door.relay_port, host)

    def asked(query: Query, address: str) -> None:
        if members.asks_in(query.key, query.name, address, network.admission.clock()):
            shown = members.pairing(query.key)
            log.warning(
                "%s at %s asks to be let in; if its screen shows %s: pixmesh nodes approve %s",
                query.name,
                address,
                shown,
                shown,
            )

    return Beacon(reply, asked, {PORT, door.port})
