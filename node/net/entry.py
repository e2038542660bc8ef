"""Getting in: a key that the broker lets in, held for as long as it is used.

    local      the door in the state folder: a key that is shown there is enough
    network    dialled, with a key of this machine. One that the broker does not know yet
               comes in on the word of the machine's first key, which joined by ticket

Which process has which key: a node the one of its name, an owner over the network one of its
own while it runs; both are locked while used.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import zmq

from ...broker.keys import KeyPair, claimed, published
from ...broker.messages import Ask
from . import membership
from .address import Address
from .asking import answered
from .dial import Context, NobodyLetsIn, Why, dial, dial_until, explained
from .way import Way

INTRODUCED = 5.0


class Entered(NamedTuple):
    """We have a key that is let in, under a name, at an address."""

    name: str
    pair: KeyPair
    address: Address


@contextmanager
def entered(
    context: Context, way: Way, role: str, name: str, *, patience: float
) -> Iterator[Entered]:
    """Hold a key for a role and get it let in. Raises MeshUnreachable, NotAuthorised."""
    local = way.local
    if local is not None and role == "owner":
        with published(way.keys) as pair:
            yield Entered(name, pair, local)
        return
    with claimed(way.keys, role, name) as (claim, pair):
        known_as = way.membership.name if way.membership and role == "owner" else claim
        yield Entered(claim, pair, local or _admitted(context, way, pair, known_as, patience))


def _admitted(context: Context, way: Way, pair: KeyPair, name: str, patience: float) -> Address:
    try:
        address = dial_until(context, way.addresses, pair, patience)
    except NobodyLetsIn as error:
        if not error.has(Why.NOT_APPROVED) or not _introduce(context, way, pair, name):
            raise explained(error, patience=patience) from None
        address = _again(context, way, pair, patience)
    remember(way, address)
    return address


def _again(context: Context, way: Way, pair: KeyPair, patience: float) -> Address:
    try:
        return dial_until(context, way.addresses, pair, patience)
    except NobodyLetsIn as error:
        raise explained(error, patience=patience) from None


def _introduce(context: Context, way: Way, pair: KeyPair, name: str) -> bool:
    """Have a key let in on the word of this machine's first one; False where that has none."""
    joined = way.membership
    first = joined.first_pair(way.keys) if joined is not None else None
    if first is None or first == pair:
        return False
    try:
        address = dial(context, way.addresses, first)
    except NobodyLetsIn:
        return False
    with context.socket(zmq.DEALER) as dealer:
        answered(dealer, address, first, Ask(what="join", about=name, key=pair.raw), INTRODUCED)
    return True


def remember(way: Way, address: Address) -> None:
    """Keep where the broker was just now: it is the first place to look at next time."""
    joined, file = way.membership, way.file
    if joined is None or file is None or address.key != joined.broker.encode():
        return
    now = joined.seen_at(address)
    if now != joined:
        membership.save(file, now)
