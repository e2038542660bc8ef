"""The GIF file: its blocks, what they say, and whether it is whole. Source: GIF89a."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import PictureError
from .source import Buffer, Source, ends_early

_CONTROL = 0xF9


@dataclass(slots=True)
class Gif:
    """What the blocks say; `alpha` is about the first frame; `whole`: the trailer is there."""

    width: int
    height: int
    alpha: bool = False
    frames: int = 0
    whole: bool = False


def read(source: Source) -> Gif:
    """Return what the blocks say, as far as they go; PictureError where the first is cut."""
    head = source.exactly(0, 13, "its header")
    found = Gif(int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"))
    if not found.width or not found.height:
        raise PictureError("corrupt", "the GIF header gives no width and height")
    place = 13 + _table(head[10])
    while place < source.nbytes and not found.whole:
        place = _block(source, found, place)
    return found


def _block(source: Source, found: Gif, place: int) -> int:
    """Note the block at `place`; return where the next one is."""
    head = source.at(place, 10)
    match head[0]:
        case 0x3B:
            found.whole = True
            return place + 1
        case 0x21 if len(head) >= 4:
            if head[1] == _CONTROL and found.frames == 0:
                found.alpha = bool(head[3] & 1)
            return _after_pieces(source, place + 2)
        case 0x2C if len(head) == 10:
            found.frames += 1
            return _after_pieces(source, place + 10 + _table(head[9]) + 1)
        case 0x21 | 0x2C:
            return source.nbytes
        case _:
            raise PictureError("corrupt", f"the GIF has an unknown block at byte {place}")


def _table(flags: int) -> int:
    return 3 << (1 + (flags & 7)) if flags & 0x80 else 0


def _after_pieces(source: Source, place: int) -> int:
    while place < source.nbytes:
        length = source.at(place, 1)[0]
        place += 1 + length
        if not length:
            return place
    return source.nbytes


def check(data: Buffer) -> None:
    """Raise PictureError("truncated") unless the trailer is there."""
    if not read(Source(data)).whole:
        raise ends_early("its picture data", len(data))
