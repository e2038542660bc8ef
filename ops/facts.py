"""Operations that tell of a picture: what it is, and how its values are spread."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .counts import BINS
from .operation import Cut, Layout, Operation, Seen, Value
from .parameters import count, give, wants_data

if TYPE_CHECKING:
    from .header import Header
    from .picture import Pixels

NAMES: Final = {1: ("gray",), 2: ("gray", "alpha"), 3: ("blue", "green", "red")}
INKS: Final = {
    "gray": (90, 90, 90),
    "blue": (255, 90, 60),
    "green": (60, 190, 60),
    "red": (60, 60, 255),
    "alpha": (200, 200, 200),
}
"""In what each channel is drawn, as BGR."""


def channel_names(count: int) -> tuple[str, ...]:
    """Return what so many channels are called, in their order."""
    return NAMES.get(count, (*NAMES[3], "alpha"))


def same(pixels: Pixels) -> Pixels:
    """Return the picture as it is: what is told of it is data."""
    return pixels


def facts(header: Header) -> dict[str, object]:
    """Return a picture's size, format, depth and channels, and its EXIF by names.

    Width and height are upright, `bytes` the file's. Of EXIF what JSON can hold: texts, and numbers
    as fractions are divided; names are those of the EXIF standard.
    """
    layout = header.layout
    return {
        "format": header.format,
        "width": layout.width,
        "height": layout.height,
        "depth": header.depth,
        "channels": list(channel_names(header.channels)),
        "frames": header.frames,
        "orientation": header.orientation,
        "bytes": header.nbytes,
        "icc": header.metadata.icc is not None,
        "xmp": header.metadata.xmp is not None,
        "exif": exif_facts(header.metadata.exif),
    }


def exif_facts(block: bytes | None) -> dict[str, object]:
    """Return what an EXIF block says, by the names of its tags; what cannot be read is left out."""
    from PIL import ExifTags, Image

    if not block:
        return {}
    exif = Image.Exif()
    try:
        with warnings.catch_warnings(action="ignore"):
            exif.load(b"Exif\0\0" + block)
            parts = [dict(exif), *map(exif.get_ifd, (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))]
    except (SyntaxError, ValueError, OSError, LookupError, TypeError, struct.error):
        return {}
    tags = (ExifTags.TAGS, ExifTags.TAGS, ExifTags.GPSTAGS)
    named = {
        names[tag]: told
        for names, part in zip(tags, parts, strict=True)
        for tag, value in part.items()
        if tag in names and (told := _told(value)) is not None
    }
    return {name: told for name, told in named.items() if name not in {"ExifOffset", "GPSInfo"}}


def _told(value: object) -> object:
    """Return a tag's value as JSON can hold it; None where it cannot."""
    match value:
        case str():
            return value.replace("\0", "").strip()
        case int():
            return value
        case tuple() | list():
            told = [_told(one) for one in value]
            return None if None in told else told
        case bytes():
            return None
        case _:
            return _fraction(value)


def _fraction(value: object) -> float | None:
    import math

    try:
        number = float(value)  # type: ignore[arg-type]  # Pillow's rationals, and whatever else
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def counted(pixels: Pixels) -> dict[str, list[int]]:
    """Return how many pixels of each channel are in each of 256 steps from nothing to full."""
    from .counts import counts
    from .picture import to_depth

    shown = to_depth(pixels, "uint8")
    names = channel_names(1 if pixels.ndim == 2 else pixels.shape[2])
    return {name: counts(shown, number).tolist() for number, name in enumerate(names)}


def histogram(
    pixels: Pixels,
    *,
    width: int,
    height: int,
    give: str,  # noqa: ARG001  # data is `measured`
) -> Pixels:
    """Return a drawing of how a picture's values are spread: HxWx3 uint8, a line a channel.

    From black at the left to white at the right; the highest count of any channel is full height.
    """
    import cv2
    import numpy as np

    drawn = np.full((height, width, 3), 255, np.uint8)
    counts = counted(pixels)
    most = max(1, *(max(one) for one in counts.values()))
    across = np.linspace(0, width - 1, BINS)
    for name, one in counts.items():
        up = (height - 1) * (1 - np.array(one) / most)
        points = np.stack([across, up], axis=1).round().astype(np.int32)
        cv2.polylines(drawn, [points], isClosed=False, color=INKS[name], thickness=1)
    return drawn


def measured(seen: Seen, **_drawing: object) -> dict[str, object]:
    """Return the counts."""
    return {"pixels": int(seen.pixels.shape[0] * seen.pixels.shape[1]), **counted(seen.pixels)}


def _drawing(_layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    size = {name: int(arguments[name]) for name in ("width", "height")}
    return replace(Layout(1, 1, 3, 1), **size)


INFO = Operation(
    name="info",
    help="what it is: size, format, EXIF; as data",
    run=same,
    tell=facts,
    gives_data=lambda _arguments: True,
    cut=Cut("whole"),
    cost=0.0,
    memory=0,
    source="the file's header; EXIF 2.32 by Pillow",
    example="info",
)

HISTOGRAM = Operation(
    name="histogram",
    help="how values are spread, drawn or as data",
    run=histogram,
    measure=measured,
    gives_data=wants_data,
    parameters=(
        count("width", 512, 16, 8192, "of the drawing, in pixels"),
        count("height", 256, 16, 8192, "of the drawing, in pixels"),
        give(),
    ),
    cut=Cut("statistic"),
    cost=0.002,
    memory=4,
    source="cv2.calcHist",
    example="histogram give=data",
    layout=_drawing,
)
