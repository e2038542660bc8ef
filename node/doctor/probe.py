"""Looks at the mesh for the doctor: at all addresses at once, and each look ends in time.

    addresses   TCP, then CURVE      4.5 s, a name that nobody resolves included
    discovery   for a joined mesh, unless it does not let us in    2 s
    status      of who lets us in    2 s
    relay       the same             2 s

Only discovery is heard by others than the broker.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import msgspec
import zmq

from ...broker.keys import KeyPair
from ...broker.messages import Ask
from ...broker.views import Snapshot
from ..errors import PixmeshError
from ..net import discovery
from ..net.address import Address, parse_host
from ..net.asking import answered
from ..net.dial import Context, Tried, Why, listens, shakes_hands
from ..net.membership import Membership
from ..net.reach import ask_status
from ..net.way import Way
from .aim import Aim, Known
from .bounded import all_bounded, bounded

ADDRESS_PATIENCE: Final = 4.5
DISCOVERY_PATIENCE: Final = 2.0
STATUS_PATIENCE: Final = 2.0
RELAY_PATIENCE: Final = 2.5
NAME_HANGS: Final = "unknown host (its name is not resolved in time)"

Door = tuple[Address, KeyPair | None]


@dataclass(frozen=True, slots=True)
class Discovered:
    """Where was asked on the LAN, and where the broker answered from."""

    asked: tuple[str, ...]
    found: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the broker said of the mesh, or the error instead; wall clocks before and after."""

    where: str
    snapshot: Snapshot | None
    error: PixmeshError | None
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Looked:
    """All that was seen of a mesh. ``relay`` is the look at the relay's port."""

    aim: Aim
    tried: tuple[Tried, ...] = ()
    discovered: Discovered | None = None
    answer: Answer | None = None
    relay: Tried | None = None


def look(aim: Aim) -> Looked:
    """Look at a mesh."""
    if aim.known is Known.NONE:
        return Looked(aim)
    if aim.way is not None:
        return _own(aim, aim.way)
    tried = _addresses(aim.doors)
    discovered = None
    first = aim.doors[0][1]
    may_ask = aim.known is Known.JOINED and not _has(tried, Why.NOT_APPROVED)
    if may_ask and aim.joined is not None and first is not None:
        discovered = _discovered(aim.joined, first)
        known = {one.address for one in tried}
        new = [one for one in discovered.found if one not in known]
        tried += _addresses([(one, first) for one in new])
    seen = Looked(aim, _best(tried), discovered)
    inside = next((one.address for one in tried if one.why is Why.OPEN), None)
    pair = dict(aim.doors).get(inside, first) if inside is not None else None
    if inside is None or pair is None:
        return seen
    answer = _asked(str(inside), lambda: _status(inside, pair))
    return replace(seen, answer=answer, relay=_relay(inside, answer))


def _own(aim: Aim, way: Way) -> Looked:
    """Look at this user's own broker: by its local door, and at its relay's port."""
    answer = _asked(str(way), lambda: ask_status(way, patience=STATUS_PATIENCE))
    at = answer.snapshot.broker if answer.snapshot is not None else ""
    if way.local is None or at.startswith("ipc:") or not at:
        return Looked(aim, answer=answer)
    host, port = parse_host(at)
    control = Address(host=host, port=port, origin="where it listens")
    tried = listens(control)
    return Looked(aim, (tried,), None, answer, _relay(control, answer))


# ---- addresses --------------------------------------------------------------------------


def _addresses(doors: Sequence[Door]) -> tuple[Tried, ...]:
    """Knock at every address, and where somebody listens, show our key."""
    found = all_bounded([partial(_knock, *door) for door in doors], ADDRESS_PATIENCE)
    return tuple(
        one or Tried(address, Why.UNKNOWN_HOST, NAME_HANGS)
        for one, (address, _) in zip(found, doors, strict=True)
    )


def _knock(address: Address, pair: KeyPair | None) -> Tried:
    tried = listens(address)
    if tried.why is not Why.OPEN or pair is None:
        return tried
    with zmq.Context() as context:
        return shakes_hands(context, address, pair)


def _best(tried: Sequence[Tried]) -> tuple[Tried, ...]:
    """Keep one of each place: that by the key that fits, where several keys were tried."""
    kept: dict[str, Tried] = {}
    for one in tried:
        other = kept.get(str(one.address))
        if other is None or (other.why is not Why.OPEN and one.why is not Why.WRONG_KEY):
            kept[str(one.address)] = one
    return tuple(kept.values())


def _has(tried: Sequence[Tried], why: Why) -> bool:
    return any(one.why is why for one in tried)


def _discovered(joined: Membership, first: KeyPair) -> Discovered:
    """Ask on the LAN for the broker that was joined, whatever is known of its address."""
    wanted = joined.broker.encode()
    found, choice = discovery.look(
        first.raw, joined.name, wanted=wanted, patience=DISCOVERY_PATIENCE
    )
    asked = tuple(one.name for one in choice.chosen)
    return Discovered(asked, tuple(one.address for one in found))


def _relay(control: Address, answer: Answer) -> Tried:
    """Look whether the relay's port is open: the one that the broker told, or the next."""
    told = answer.snapshot.relay if answer.snapshot is not None else 0
    relay = Address(host=control.host, port=told or control.port + 1)
    return bounded(partial(listens, relay), RELAY_PATIENCE) or Tried(relay, Why.TIMED_OUT)


# ---- what the broker says ---------------------------------------------------------------


def _asked(where: str, ask: Callable[[], Snapshot]) -> Answer:
    before = time.time()
    try:
        snapshot, error = ask(), None
    except PixmeshError as refusal:
        snapshot, error = None, refusal
    except (OSError, msgspec.MsgspecError) as failure:
        snapshot, error = None, PixmeshError(f"its answer cannot be had: {failure}")
    return Answer(where, snapshot, error, before, time.time())


def _status(address: Address, pair: KeyPair) -> Snapshot:
    """Ask with the key that was let in: nothing is written here for it."""
    question = Ask(what="status")
    context: Context = zmq.Context()
    with context, context.socket(zmq.DEALER) as dealer:
        answer = answered(dealer, address, pair, question, STATUS_PATIENCE)
    return msgspec.msgpack.decode(answer, type=Snapshot)
