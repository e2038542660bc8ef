"""Messages to frames and back.

    [ "PXM" version kind, msgpack ] [ raw bytes, CHUNK only ]

Decoding trusts nothing: the frame count, the sizes, the version, the depth and every
field's type and range are checked before a message exists. A malformed one is a
WireError with a stable code; it never ends a loop. No sockets here.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from .messages import CHUNK_BYTES, KINDS, TYPES, Kind, Message

Buffer = bytes | memoryview
Item = TypeVar("Item")

MAGIC: Final = b"PXM"
LOWEST_VERSION: Final = 1
HIGHEST_VERSION: Final = 1
LIST_LIMIT: Final = 256 * 1024
SHORT_LIMIT: Final = 8 * 1024
LIST_KINDS: Final = frozenset(
    {Kind.HELLO, Kind.STATE, Kind.SUBMIT, Kind.ASSIGN, Kind.DROP, Kind.RESULT, Kind.SETTLED}
    | {Kind.NOTE, Kind.TELL}
)
LIMITS: Final = {kind: LIST_LIMIT if kind in LIST_KINDS else SHORT_LIMIT for kind in Kind}
PREFIX_BYTES: Final = 5
CURVE_ROOM: Final = 64  # sockets limit the encrypted frame, which is 33 bytes longer
LONGEST_FRAME: Final = max(CHUNK_BYTES, PREFIX_BYTES + LIST_LIMIT) + CURVE_ROOM
KINDS_BY_BYTE: Final = {int(kind): kind for kind in Kind}
# One decoder for each type: parsing and validating in one step takes 3 us for a SUBMIT of one
# task, msgpack.unpackb and msgspec.convert 10. It allocates no more than a frame can fill.
DECODERS: Final[dict[Kind, Callable[[Buffer], Any]]] = {
    kind: msgspec.msgpack.Decoder(shape).decode for kind, shape in TYPES.items()
}
PREFIXES: Final = {kind: MAGIC + bytes([HIGHEST_VERSION, kind]) for kind in Kind}
KINDS_BY_PREFIX: Final = {prefix: kind for kind, prefix in PREFIXES.items()}

PAGE_ROOM: Final = 32 * 1024  # for what a message holds beside its list


class WireError(Exception):
    """Frames that are not a message; ``code`` is stable, the text says what is wrong."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def encode(message: Message, payload: Buffer | None = None) -> list[Buffer]:
    """Return the frames of a message. ``payload`` goes with CHUNK only."""
    body = msgspec.msgpack.encode(message)
    kind = KINDS[type(message)]
    if len(body) > LIMITS[kind]:
        raise WireError("too-long", f"{kind.name} of {len(body)} bytes is over {LIMITS[kind]}")
    frame = PREFIXES[kind] + body
    return [frame] if payload is None else [frame, payload]


def decode(frames: Sequence[Buffer]) -> tuple[Message, Buffer | None]:
    """Return the message that the frames hold, and CHUNK's bytes.

    Raises WireError for anything else.
    """
    payload = None
    kind = KINDS_BY_PREFIX.get(bytes(frames[0][:PREFIX_BYTES])) if len(frames) == 1 else None
    if kind is None or kind is Kind.CHUNK:
        kind = _kind_of(frames)
        payload = _payload_of(kind, frames)
    body = memoryview(frames[0])[PREFIX_BYTES:]
    if len(body) > LIMITS[kind]:
        raise WireError("too-long", f"{kind.name} of {len(body)} bytes is over {LIMITS[kind]}")
    try:
        message: Message = DECODERS[kind](body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise WireError("malformed", f"{kind.name}: {error}") from None
    return message, payload


def _kind_of(frames: Sequence[Buffer]) -> Kind:
    if not 1 <= len(frames) <= 2:
        raise WireError("frame-count", f"{len(frames)} frames, expected 1 or 2")
    prefix = bytes(frames[0][:PREFIX_BYTES])
    if len(prefix) != PREFIX_BYTES or prefix[:3] != MAGIC:
        raise WireError("not-pixmesh", "the frame does not begin as a pixmesh message")
    if not LOWEST_VERSION <= prefix[3] <= HIGHEST_VERSION:
        raise WireError(
            "version",
            f"protocol {prefix[3]} is spoken there, {LOWEST_VERSION}-{HIGHEST_VERSION} here",
        )
    kind = KINDS_BY_BYTE.get(prefix[4])
    if kind is None:
        raise WireError("unknown-kind", f"no message has kind {prefix[4]}")
    return kind


def _payload_of(kind: Kind, frames: Sequence[Buffer]) -> Buffer | None:
    if kind is not Kind.CHUNK:
        if len(frames) == 2:
            raise WireError("frame-count", f"{kind.name} has 1 frame, not 2")
        return None
    if len(frames) != 2:
        raise WireError("frame-count", "CHUNK has 2 frames, not 1")
    if len(frames[1]) > CHUNK_BYTES:
        raise WireError("too-long", f"a chunk of {len(frames[1])} bytes is over {CHUNK_BYTES}")
    return frames[1]


def pages(items: Sequence[Item], weigh: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Split a list so that each page stays within one message's limit.

    ``weigh`` returns an upper bound of an item's bytes on the wire.
    """
    page: list[Item] = []
    weight = PAGE_ROOM
    for item in items:
        size = weigh(item)
        if page and weight + size > LIST_LIMIT:
            yield page
            page, weight = [], PAGE_ROOM
        page.append(item)
        weight += size
    if page:
        yield page


def even_pages(items: Sequence[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """Split a list of items that take at most ``size`` bytes each, as ``pages`` does."""
    count = (LIST_LIMIT - PAGE_ROOM) // size
    for start in range(0, len(items), count):
        yield tuple(items[start : start + count])
