"""Finding a broker: where it should be, whether it is there, and asking it things."""

import json
import socket
import time
from contextlib import suppress
from math import ceil
from pathlib import Path

import msgspec
import zmq

from ...broker import wire
from ...broker.keys import KeyPair, published
from ...broker.locks import lock_now
from ...broker.messages import Ask, Error, Message, Tell
from ...broker.status import Snapshot
from ...broker.why import Story
from ..errors import MeshUnreachable, NotAuthorised, PixmeshError, UsageError
from ..state import StateFolder
from .address import Address, parse_host

LOOK_AGAIN_MS = 500
LISTENER_PATIENCE = 3.0
PATIENCE = 5.0


def running_broker(state: StateFolder) -> Address | None:
    """Return where this user's running broker is, if one runs."""
    try:
        facts = json.loads(state.broker_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if not _is_locked(state.runtime / "broker.lock"):
        return None
    if facts.get("local"):
        return Address(folder=Path(facts["local"]))
    host, port = parse_host(str(facts["network"]))
    return Address(host=host, port=port, key=_broker_key(state, f"{host}:{port}"))


def address_of(text: str, state: StateFolder) -> Address:
    """Return the address that a person wrote, with the key that proves the broker.

    Raises UsageError for what is no address, NotAuthorised without its key.
    """
    host, port = parse_host(text)
    return Address(host=host, port=port, key=_broker_key(state, text))


def find_broker(wanted: str | None, state: StateFolder) -> Address | None:
    """Return the broker that was asked for, else this user's running one, else None."""
    return address_of(wanted, state) if wanted else running_broker(state)


def ask_status(address: Address, keys: Path, *, patience: float = PATIENCE) -> Snapshot:
    """Return what the mesh is doing now.

    ``keys`` is the folder of this user's keys. Raises MeshUnreachable when nobody answers
    in ``patience`` seconds.
    """
    answer = _ask(address, keys, Ask(what="status"), patience)
    return msgspec.msgpack.decode(answer, type=Snapshot)


def ask_why(address: Address, keys: Path, about: str) -> tuple[Story, ...]:
    """Return what the broker knows of the tasks of that name, or whose id begins so.

    Raises MeshUnreachable.
    """
    answer = _ask(address, keys, Ask(what="why", about=about), PATIENCE)
    return msgspec.msgpack.decode(answer, type=tuple[Story, ...])


def order(address: Address, keys: Path, what: str, about: str) -> str:
    """Tell the mesh to do something; return what came of it.

    Raises MeshUnreachable, and PixmeshError for what cannot be done.
    """
    return msgspec.msgpack.decode(
        _ask(address, keys, Ask(what=what, about=about), PATIENCE), type=str
    )


def _ask(address: Address, keys: Path, question: Ask, patience: float) -> bytes:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with published(keys, "owner") as key, context, context.socket(zmq.DEALER) as dealer:
        _dial(dealer, address, key)
        return _answered(dealer, address, question, patience)


def _dial(socket: zmq.Socket[bytes], address: Address, key: KeyPair) -> None:
    socket.linger = 0
    if address.key:
        socket.curve_serverkey = address.key
        socket.curve_publickey, socket.curve_secretkey = key.public, key.secret
    socket.connect(address.control)


def _answered(socket: zmq.Socket[bytes], address: Address, question: Ask, patience: float) -> bytes:
    deadline = time.monotonic() + patience
    pages: dict[int, bytes] = {}
    socket.send_multipart(wire.encode(question))
    while (left := deadline - time.monotonic()) > 0:
        if not socket.poll(min(ceil(left * 1000), LOOK_AGAIN_MS)):
            continue
        match _answer(socket):
            case Tell(page=page, pages=count, body=body):
                pages[page] = body
                if len(pages) == count:
                    return b"".join(pages[number] for number in range(count))
            case Error(code="refused", text=text, remedy=remedy):
                raise UsageError(text, remedy=remedy)
            case Error(text=text, remedy=remedy):
                raise PixmeshError(f"the broker at {address} says: {text}", remedy=remedy)
            case _:
                continue
    raise MeshUnreachable(
        f"no broker answers at {address} (tried for {patience:.0f} s)",
        remedy="start one with 'pixmesh broker'",
    )


def _answer(socket: zmq.Socket[bytes]) -> Message:
    try:
        return wire.decode(socket.recv_multipart())[0]
    except wire.WireError as error:
        raise PixmeshError(
            f"what answers there is no pixmesh broker of this version: {error.text}",
            remedy="check the address, and that both sides run the same pixmesh",
        ) from None


def _broker_key(state: StateFolder, address: str) -> bytes:
    try:
        return (state.keys / "broker-broker.pub").read_bytes().strip()
    except FileNotFoundError:
        _demand_listener(address)
        raise NotAuthorised(
            f"the key of the broker at {address} is not known here",
            remedy="joining another machine's broker is not built yet; "
            "start one here with 'pixmesh broker'",
        ) from None


def _demand_listener(address: str) -> None:
    """Raise MeshUnreachable where nobody listens at all."""
    try:
        socket.create_connection(parse_host(address), timeout=LISTENER_PATIENCE).close()
    except OSError as error:
        raise MeshUnreachable(
            f"no broker answers at {address}: {error.strerror or error}",
            remedy="check the address, or start a broker there with 'pixmesh broker'",
        ) from None


def _is_locked(path: Path) -> bool:
    """Whether a process that lives holds this lock."""
    with suppress(FileNotFoundError), path.open("r+b") as file:
        return not lock_now(file)
    return False
