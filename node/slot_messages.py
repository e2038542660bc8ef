"""What an agent and its slots say to each other, on a socket that no one else can open."""

from typing import Final

from msgspec import Struct

READY: Final = b"ready"


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


class SlotOrders(Struct, frozen=True):
    """What a slot is told at its start; ``server_key`` and the pair where there is no ipc."""

    name: str
    address: str
    cell: str
    spool: str
    threads: int
    server_key: str = ""
    public_key: str = ""
    secret_key: str = ""
