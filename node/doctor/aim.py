"""Which mesh the doctor looks at: what is named, this user's own broker, or what was joined."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from zmq.utils import z85

from ...broker.keys import KeyPair, broker_key, published
from ..errors import ConfigError
from ..net import membership
from ..net.address import Address, parse_host
from ..net.membership import Membership
from ..net.reach import running_broker
from ..net.way import Way
from ..state import StateFolder


class Known(StrEnum):
    """How the mesh is known."""

    NAMED = "named"
    OWN = "own"
    JOINED = "joined"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Aim:
    """The mesh to look at. Each address has the key pair to come with; None where none is."""

    known: Known
    doors: tuple[tuple[Address, KeyPair | None], ...] = ()
    way: Way | None = None
    joined: Membership | None = None


@contextmanager
def aimed(broker: str | None, state: StateFolder) -> Iterator[Aim]:
    """Find the mesh, as all commands do. Raises ConfigError, UsageError, OSError."""
    joined, first = _joined(state)
    if broker is not None:
        with published(state.keys) as shown:
            yield Aim(Known.NAMED, _named(broker, state, (joined, first), shown), joined=joined)
    elif (own := running_broker(state)) is not None:
        yield Aim(Known.OWN, way=own)
    elif joined is not None:
        doors = tuple((address, first) for address in joined.addresses())
        yield Aim(Known.JOINED, doors, joined=joined)
    else:
        yield Aim(Known.NONE)


_Mine = tuple[Membership | None, KeyPair | None]


def _joined(state: StateFolder) -> _Mine:
    """Return the mesh that was joined, if any, and the key that was let in, if it is there."""
    joined = membership.load(state.membership)
    if joined is None:
        return None, None
    try:
        whole = len(z85.decode(joined.broker)) == len(KeyPair.fresh().raw)
        first = joined.first_pair(state.keys)
    except ValueError:
        whole, first = False, None
    if not whole:
        raise ConfigError(
            f"the key in {state.membership} or that of {joined.key} in {state.keys} is damaged",
            remedy=f"remove {state.membership}, and join again with a ticket: pixmesh node xm1-…",
        )
    return joined, first


def _named(
    broker: str, state: StateFolder, mine: "_Mine", shown: KeyPair
) -> tuple[tuple[Address, KeyPair | None], ...]:
    """Pair what a person named with each broker's key that is known here, if any is."""
    host, port = parse_host(broker)
    pairs: list[tuple[bytes, KeyPair | None]] = []
    joined, first = mine
    if joined is not None:
        pairs.append((joined.broker.encode(), first))
    if (own := broker_key(state.keys)) is not None:
        pairs.append((own, shown))
    return tuple(
        (Address(host=host, port=port, key=key, origin="named"), pair)
        for key, pair in pairs or [(b"", None)]
    )
