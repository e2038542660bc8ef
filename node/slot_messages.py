"""What an agent and its slots say to each other, on a socket that no one else can open."""

from typing import Final

from msgspec import Struct

READY: Final = b"ready"


class SlotTask(Struct, frozen=True, array_like=True):
    """One attempt to run: its pixels are ``inline`` or in the file ``path``.

    A result over the inline limit is written to ``result_path``.
    """

    attempt: int
    recipe: str
    output: str
    digest: bytes
    result_path: str
    inline: bytes | None = None
    path: str = ""


class SlotEnd(Struct, frozen=True, array_like=True):
    """How it went; ``code`` is empty for a result."""

    attempt: int
    seconds: float
    size: int = 0
    digest: bytes | None = None
    format: str = ""
    inline: bytes | None = None
    code: str = ""
    reason: str = ""


class SlotOrders(Struct, frozen=True):
    """What a slot is told at its start; ``server_key`` and the pair where there is no ipc."""

    name: str
    address: str
    cell: str
    threads: int
    server_key: str = ""
    public_key: str = ""
    secret_key: str = ""
