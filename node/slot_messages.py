"""What an agent and its slots say to each other, on a socket that no one else can open."""

from typing import Final

from msgspec import Struct

READY: Final = b"ready"
BORROWS: Final = "+"
"""What follows a slot's name in the routing id by which it asks for models."""


class SlotTask(Struct, frozen=True, array_like=True):
    """One attempt to run: its pixels are ``inline`` or in the node's spool.

    A result over the inline limit goes there too. One with a ``preview`` is shown to people, by
    its ``name``.
    """

    attempt: int
    recipe: str
    output: str
    digest: bytes
    inline: bytes | None = None
    preview: bool = False
    name: str = ""


class SlotEnd(Struct, array_like=True):
    """How it went; ``code`` is empty for a result, ``seconds`` is set when all is done.

    ``preview`` is what people are shown, a broker's Preview as msgpack.
    """

    attempt: int
    seconds: float = 0.0
    size: int = 0
    digest: bytes | None = None
    format: str = ""
    inline: bytes | None = None
    code: str = ""
    reason: str = ""
    preview: bytes | None = None


class ModelTask(Struct, frozen=True, array_like=True):
    """A step that a slot wants done by the process in which its model is loaded.

    ``step`` is its canonical text; its pixels are in the node's spool, by the ``attempt`` that the
    slot runs, and what is made of them goes there. One that is to be ``alone`` is not looked at
    together with others.
    """

    attempt: int
    model: str
    step: str
    alone: bool = False


class ModelEnd(Struct, frozen=True, array_like=True):
    """How that went: ``data`` is what was found, as JSON, of a step that gives data.

    ``code`` is empty where it went well. ``attempt`` 0 tells of the model itself: that it cannot be
    loaded.
    """

    attempt: int
    data: bytes = b""
    code: str = ""
    reason: str = ""


class SlotOrders(Struct, frozen=True):
    """What a slot is told at its start; ``server_key`` and the pair where there is no ipc.

    A process that loads a ``model`` is told the same.
    """

    name: str
    address: str
    cell: str
    spool: str
    threads: int
    model: str = ""
    server_key: str = ""
    public_key: str = ""
    secret_key: str = ""
