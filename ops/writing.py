"""Operations that change no pixel, but how the result is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .operation import Cut, Operation, Value
from .parameters import choice, count

if TYPE_CHECKING:
    from .picture import Pixels

SAME = "same"


def convert(pixels: Pixels, *, format: str, quality: int) -> Pixels:  # noqa: ARG001  # see `converted`
    """Return the pixels as they are: they are written in another format, or another quality."""
    return pixels


def converted(arguments: Mapping[str, Value]) -> dict[str, object]:
    """Return how the result is written."""
    told: dict[str, object] = {}
    if arguments["format"] != SAME:
        told["format"] = arguments["format"]
    if arguments["quality"]:
        told["quality"] = arguments["quality"]
    return told


def strip(pixels: Pixels, *, what: str) -> Pixels:  # noqa: ARG001  # see `stripped`
    """Return the pixels as they are: they are written without metadata, or without the place."""
    return pixels


def stripped(arguments: Mapping[str, Value]) -> dict[str, object]:
    """Return how the result is written."""
    return {"strip": True} if arguments["what"] == "all" else {"strip_gps": True}


CONVERT = Operation(
    name="convert",
    help="write another format, or in another quality",
    run=convert,
    parameters=(
        choice(
            "format",
            SAME,
            (SAME, "jpeg", "png", "webp", "tiff", "avif", "jp2", "bmp", "npy"),
            "same: its own",
        ),
        count("quality", 0, 0, 100, "1 to 100, where the format has it; 0 is the format's own"),
    ),
    writes=converted,
    cut=Cut("pointwise"),
    cost=0.0,
    memory=0,
    source="",
    example="convert format=webp quality=80",
)

STRIP = Operation(
    name="strip",
    help="leave metadata out: all, or where it was taken",
    run=strip,
    parameters=(choice("what", "all", ("all", "gps"), "all metadata, or the place alone"),),
    writes=stripped,
    cut=Cut("pointwise"),
    cost=0.0,
    memory=0,
    source="",
    example="strip what=gps",
)
