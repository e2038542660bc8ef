"""Finding a broker, and asking it things.

What is named wins; else this user's own running broker; else the mesh that was joined, where
it was last. Only a node goes on to ask on the LAN.
"""

import json
from contextlib import suppress
from pathlib import Path

import msgspec
import zmq

from ...broker.keys import broker_key
from ...broker.locks import lock_now
from ...broker.messages import Ask, TicketTerms
from ...broker.names import host_name
from ...broker.views import NewTicket, Snapshot, Story, TicketView
from ..errors import NotAuthorised
from ..state import StateFolder
from . import membership
from .address import Address, parse_host
from .asking import answered
from .dial import NobodyLetsIn, Why, dial, explained
from .entry import entered
from .membership import Membership
from .way import Way

PATIENCE = 5.0


def running_broker(state: StateFolder) -> Way | None:
    """Return the way to this user's running broker, if one runs."""
    try:
        facts = json.loads(state.broker_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not _is_locked(state.runtime / "broker.lock"):
        return None
    if facts.get("local"):
        return Way(state.keys, (Address(folder=Path(facts["local"])),))
    host, port = parse_host(str(facts["network"]))
    key = broker_key(state.keys) or b""
    return Way(state.keys, (Address(host=host, port=port, key=key, origin="broker.json"),))


def joined_mesh(state: StateFolder) -> Way | None:
    """Return the way to the mesh that this machine has joined, if any."""
    joined = membership.load(state.membership)
    return way_of(joined, state) if joined is not None else None


def way_of(joined: Membership, state: StateFolder) -> Way:
    """Return the way to where a joined mesh's broker was."""
    return Way(state.keys, joined.addresses(), joined, state.membership)


def named_broker(text: str, state: StateFolder) -> Way:
    """Return the way to the broker that a person named: nothing else is tried.

    Raises UsageError for what is no address, NotAuthorised where its key is not known.
    """
    host, port = parse_host(text)
    joined = membership.load(state.membership)
    known = [joined.broker.encode()] if joined is not None else []
    own = broker_key(state.keys)
    keys = [*known, *([own] if own is not None else [])]
    if not keys:
        raise _unknown(text, host, port)
    places = tuple(Address(host=host, port=port, key=key, origin="named") for key in keys)
    return Way(state.keys, places, joined, state.membership)


def find_broker(wanted: str | None, state: StateFolder) -> Way | None:
    """Return the way to the broker that was asked for, or to the one that is known, or None."""
    if wanted:
        return named_broker(wanted, state)
    return running_broker(state) or joined_mesh(state)


def _unknown(text: str, host: str, port: int) -> Exception:
    """Say that nobody listens there, if so; else that its key is not known here."""
    from ...broker.keys import KeyPair

    nobody = KeyPair.fresh()
    there = Address(host=host, port=port, key=nobody.public, origin="named")
    with zmq.Context() as context:
        try:
            dial(context, [there], nobody)
        except NobodyLetsIn as error:
            if not error.has(Why.WRONG_KEY) and not error.has(Why.SILENT):
                return explained(error)
    return NotAuthorised(
        f"the key of the broker at {text} is not known here: this machine has not joined its mesh",
        remedy="on the broker's machine 'pixmesh ticket new' makes a ticket; paste the line that "
        "it prints here",
    )


# ---- asking -----------------------------------------------------------------------------


def ask(way: Way, question: Ask, patience: float = PATIENCE) -> bytes:
    """Return the broker's answer. Raises MeshUnreachable, NotAuthorised, UsageError."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with (
        context,
        entered(context, way, "owner", host_name(), patience=patience) as us,
        context.socket(zmq.DEALER) as dealer,
    ):
        return answered(dealer, us.address, us.pair, question, patience)


def ask_status(way: Way, *, patience: float = PATIENCE) -> Snapshot:
    """Return what the mesh is doing now."""
    return msgspec.msgpack.decode(ask(way, Ask(what="status"), patience), type=Snapshot)


def ask_why(way: Way, about: str) -> tuple[Story, ...]:
    """Return what the broker knows of the tasks of that name, or whose id begins so."""
    answer = ask(way, Ask(what="why", about=about))
    return msgspec.msgpack.decode(answer, type=tuple[Story, ...])


def order(way: Way, what: str, about: str) -> str:
    """Tell the mesh to do something; return what came of it."""
    return msgspec.msgpack.decode(ask(way, Ask(what=what, about=about)), type=str)


def new_ticket(way: Way, terms: TicketTerms) -> NewTicket:
    """Have a ticket made."""
    answer = ask(way, Ask(what="ticket-new", terms=terms))
    return msgspec.msgpack.decode(answer, type=NewTicket)


def tickets(way: Way) -> tuple[TicketView, ...]:
    """Return the tickets that are out."""
    answer = ask(way, Ask(what="ticket-list"))
    return msgspec.msgpack.decode(answer, type=tuple[TicketView, ...])


def _is_locked(path: Path) -> bool:
    """Whether a process that lives holds this lock."""
    with suppress(FileNotFoundError), path.open("r+b") as file:
        return not lock_now(file)
    return False
