"""How a machine gets into a mesh: by a ticket, by approval, or because it is in already.

a ticket      names the broker, its key and a key of its own: pasting it is all it takes
approval      asks on the LAN, shows a fingerprint, waits until a person says yes
a member      dials where the broker was last, then asks on the LAN where it is now
"""

import time
from collections.abc import Callable
from dataclasses import replace

import msgspec
import zmq
from zmq.utils import z85

from ...broker.interfaces import Choice
from ...broker.keys import KeyPair, broker_key, claimed, fingerprint
from ...broker.messages import Ask
from ...broker.names import host_name
from ...broker.ticket import Malformed, Ticket
from ...broker.views import Joined
from ..errors import MeshUnreachable, NotAuthorised, PixmeshError, UsageError
from ..state import StateFolder
from . import discovery, membership
from .address import Address, addresses, parse_host
from .asking import answered
from .dial import Context, NobodyLetsIn, Why, dial, dial_twice, dial_until, explained
from .membership import Membership
from .reach import named_broker, running_broker, way_of
from .way import Way

Say = Callable[[str], None]

JOIN_PATIENCE = 10.0
ASK_EVERY = 2.0


def find_way(
    state: StateFolder, *, name: str | None, broker: str | None, say: Say
) -> tuple[Way, str]:
    """Return the way to the broker for a node, and what the node is called here.

    What is named wins, then this user's own broker, then the mesh that was joined, then who
    answers on the LAN. Raises MeshUnreachable, NotAuthorised.
    """
    joined = membership.load(state.membership)
    own = broker_key(state.keys)
    called = name or (joined.key if joined is not None else host_name())
    if broker is not None and (joined is not None or own is not None):
        return named_broker(broker, state), called
    running = running_broker(state) if broker is None else None
    if running is not None:
        return running, name or host_name()
    if broker is None and joined is not None:
        return rejoin(way_of(joined, state)), called
    return wait_for_approval(state, name=called, broker=broker, say=say), called


# ---- by ticket --------------------------------------------------------------------------


def join(state: StateFolder, text: str, *, name: str, broker: str | None) -> Membership:
    """Let the broker know this machine's key by a ticket; remember the mesh.

    ``broker`` is where a person says it is, instead of where the ticket does. Raises
    MeshUnreachable, NotAuthorised.
    """
    ticket = _read(text)
    if broker is not None:
        places = addresses([parse_host(broker)], key=ticket.broker, origin="named")
    else:
        places = addresses(ticket.addresses, key=ticket.broker, origin="the ticket")
    with zmq.Context() as context, claimed(state.keys, "node", name) as (claim, pair):
        address = _dial_by_ticket(context, places, ticket, pair, claim, search=broker is None)
        with context.socket(zmq.DEALER) as dealer:
            question = Ask(what="join", about=claim, key=pair.raw)
            answer = answered(dealer, address, ticket.key, question, JOIN_PATIENCE)
    joined = msgspec.msgpack.decode(answer, type=Joined)
    others = [place for place in ticket.addresses if place != (address.host, address.port)]
    member = Membership(
        broker=ticket.broker.decode(),
        name=joined.name,
        key=claim,
        roles=joined.roles,
        places=((address.host, address.port), *others)[: membership.MOST_PLACES],
        host=joined.broker,
    )
    membership.save(state.membership, member)
    return member


def _read(text: str) -> Ticket:
    try:
        return Ticket.read(text)
    except Malformed as error:
        raise NotAuthorised(
            f"this is no ticket: {error}",
            remedy="copy the whole line once more; 'pixmesh ticket new' on the broker's machine "
            "makes a new one",
        ) from None


def _dial_by_ticket(
    context: Context,
    places: tuple[Address, ...],
    ticket: Ticket,
    pair: KeyPair,
    name: str,
    *,
    search: bool,
) -> Address:
    try:
        return dial_twice(context, places, ticket.key)
    except NobodyLetsIn as error:
        if error.has(Why.NOT_APPROVED):
            raise NotAuthorised(
                "the broker does not know this ticket",
                remedy="it was made by another broker, or long ago; "
                "'pixmesh ticket new' on the broker's machine makes a new one",
            ) from None
        found = _search(pair, name, ticket.broker) if search else ()
        if not found:
            raise explained(error) from None
    try:
        return dial(context, found, ticket.key)
    except NobodyLetsIn as error:
        raise explained(error) from None


def _search(pair: KeyPair, name: str, broker: bytes) -> tuple[Address, ...]:
    """Ask on the LAN where a broker is that none of its addresses leads to."""
    found, _ = discovery.look(pair.raw, name, wanted=broker)
    return tuple(one.address for one in found)


# ---- as a member ------------------------------------------------------------------------


def rejoin(way: Way) -> Way:
    """Return the way to the mesh that was joined, wherever its broker is now.

    Raises MeshUnreachable with every address tried, NotAuthorised.
    """
    joined = way.membership
    first = joined.first_pair(way.keys) if joined is not None else None
    if joined is None or first is None:
        raise NotAuthorised(
            f"the key that joined the mesh is gone from {way.keys}",
            remedy="join again: 'pixmesh ticket new' on the broker's machine makes a ticket",
        )
    with zmq.Context() as context:
        try:
            dial(context, way.addresses, first)
        except NobodyLetsIn as error:
            if error.has(Why.NOT_APPROVED):
                raise explained(error) from None
            return _found_again(way, joined, first, error)
    return way


def _found_again(way: Way, joined: Membership, first: KeyPair, error: NobodyLetsIn) -> Way:
    found, choice = discovery.look(first.raw, joined.name, wanted=joined.broker.encode())
    if not found:
        known = explained(error)
        raise type(known)(f"{known.what}\n{_nobody(choice)}", remedy=known.remedy)
    return replace(way, addresses=(*(one.address for one in found), *way.addresses))


def _nobody(choice: Choice) -> str:
    """Say where was asked in vain."""
    asked = ", ".join(f"{one.name} ({', '.join(one.addresses)})" for one in choice.chosen)
    skipped = choice.skipped_in_words()
    return (
        f"nobody answered on the LAN in {discovery.PATIENCE:.0f} s; asked on: {asked or 'nothing'}"
        + (f"; skipped: {skipped}" if skipped else "")
    )


# ---- by approval ------------------------------------------------------------------------


def wait_for_approval(state: StateFolder, *, name: str, broker: str | None, say: Say) -> Way:
    """Ask on the LAN, or at a broker that a person named, to be let in; return when we are.

    Raises MeshUnreachable when no broker answers, UsageError when several do.
    """
    with zmq.Context() as context, claimed(state.keys, "node", name) as (claim, pair):
        found = _one_broker(pair, claim, broker)
        theirs = found.address.key
        shown = fingerprint(bytes(z85.decode(theirs)), pair.raw)
        say(
            f"found the broker of {found.host} at {found.address}; this machine waits for "
            f"approval as {claim}\nthere: pixmesh nodes approve {shown}\n"
            f"approve only if both screens show {shown}"
        )
        address = _approved(context, found.address, pair, claim)
    joined = Membership(
        broker=theirs.decode(),
        name=claim,
        key=claim,
        roles=(),
        places=((address.host, address.port),),
        host=found.host,
    )
    membership.save(state.membership, joined)
    return way_of(joined, state)


def _one_broker(pair: KeyPair, name: str, broker: str | None) -> discovery.Found:
    at = parse_host(broker) if broker is not None else None
    found, choice = discovery.look(pair.raw, name, at=at)
    keys = {one.address.key for one in found}
    if len(keys) > 1:
        those = ", ".join(f"{one.address} ({one.host})" for one in found)
        raise UsageError(
            f"several brokers answer on this LAN: {those}",
            remedy="choose one with --broker HOST, or join with its ticket",
        )
    if not found:
        raise _no_broker(broker, choice)
    return found[0]


def _no_broker(broker: str | None, choice: Choice) -> PixmeshError:
    if broker is not None:
        return NotAuthorised(
            f"the key of the broker at {broker} is not known here, and it did not answer when "
            f"asked for it (UDP, {discovery.PATIENCE:.0f} s)",
            remedy="join with a ticket: 'pixmesh ticket new' on the broker's machine makes one",
        )
    return MeshUnreachable(
        "there is no broker: none is named, none of yours runs, this machine has joined none, "
        f"and {_nobody(choice)}",
        remedy="start one with 'pixmesh up' or 'pixmesh broker' on one machine, and paste here "
        "the line that it prints; or name it with --broker HOST[:PORT]",
    )


def _approved(context: Context, address: Address, pair: KeyPair, name: str) -> Address:
    """Ask again and again until the broker lets the key in."""
    while True:
        discovery.ask_in(address, pair.raw, name)
        until = time.monotonic() + ASK_EVERY
        try:
            return dial_until(context, [address], pair, ASK_EVERY / 2)
        except NobodyLetsIn as error:
            if error.has(Why.WRONG_KEY):
                raise explained(error) from None
        time.sleep(max(0.0, until - time.monotonic()))
