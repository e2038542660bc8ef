"""One question to a broker, and its answer: ASK, and TELL in pages."""

import time
from math import ceil

import zmq

from ...broker import wire
from ...broker.keys import KeyPair
from ...broker.messages import Ask, Error, Message, Tell
from ..errors import MeshUnreachable, OtherVersion, PixmeshError
from .address import Address
from .dial import prepare
from .refusals import error_of

LOOK_AGAIN_MS = 500


def answered(
    socket: zmq.Socket[bytes], address: Address, pair: KeyPair, question: Ask, patience: float
) -> bytes:
    """Return the answer. Raises MeshUnreachable, NotAuthorised, UsageError for a refusal."""
    prepare(socket, address, pair)
    socket.connect(address.control)
    socket.send_multipart(wire.encode(question))
    deadline = time.monotonic() + patience
    pages: dict[int, bytes] = {}
    while (left := deadline - time.monotonic()) > 0:
        if not socket.poll(min(ceil(left * 1000), LOOK_AGAIN_MS)):
            continue
        match _answer(socket):
            case Tell(page=page, pages=count, body=body):
                pages[page] = body
                if len(pages) == count:
                    return b"".join(pages[number] for number in range(count))
            case Error() as error:
                raise error_of(error, address)
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
        kind = OtherVersion if error.code == "version" else PixmeshError
        raise kind(
            f"what answers there is no pixmesh broker of this version: {error.text}",
            remedy="check the address, and that both sides run the same pixmesh",
        ) from None
