"""Camera RAW: what the file says of its sensor's picture, and its pixels, developed by LibRaw.

Of TIFF's kind, and told from TIFF by what their directories have: DNG, Canon CR2, Nikon NEF and
NRW, Sony ARW and SR2, Pentax PEF, Samsung SRW, Olympus ORF, Panasonic RW2. Only `decode` takes
rawpy.

Source: Adobe DNG 1.7; TIFF/EP (ISO 12234-2); ExifTool's tags of Panasonic's RW2.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import directory, exif, tiff
from .directory import EXIF_TAG, Directory, Frame
from .errors import PictureError
from .picture import Metadata
from .source import Buffer, Source

if TYPE_CHECKING:
    from .picture import Pixels

FORMAT: Final = "raw"
EXTRA: Final = "raw"
MODULE: Final = "rawpy"
COST: Final = 0.1
"""CPU seconds of developing a megapixel."""

MOST_BEYOND: Final = 1.05
"""How many times as wide or high as the file says the developed picture may be.

A Canon CR2 tells the size of the camera's own JPEG, which is up to 1 per cent less.
"""

SRGB_GAMMA: Final = (2.4, 12.92)
"""The power, and the slope near black."""

MARKS: Final = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
"""How those begin that say no TIFF: Olympus' and Panasonic's."""

SUFFIXES: Final = (
    *(".dng", ".cr2", ".nef", ".nrw", ".arw"),
    *(".sr2", ".pef", ".srw", ".orf", ".rw2"),
)

SUBFILES: Final = 330
EXIF_WIDTH, EXIF_HEIGHT = 40962, 40963
DNG_VERSION, ACTIVE_AREA = 50706, 50829
RW2_TOP, RW2_LEFT, RW2_BOTTOM, RW2_RIGHT = 4, 5, 6, 7
SENSOR: Final = frozenset({32803, 34892})
"""Photometric: a colour filter array, and what is linear already."""

_CR2: Final = b"CR"
_MOST_DIRECTORIES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What the file says; the developed picture has some rows and columns less, or a few more."""

    width: int
    height: int
    orientation: int
    metadata: Metadata


def read(source: Source) -> Raw | None:
    """Return what the file says; None where it is no camera RAW, as far as it can be read.

    PictureError where a RAW file is cut or gives no size.
    """
    head, found = source.at(0, 10), list[Directory]()
    is_raw = head[:4] in MARKS or (head[8:] == _CR2 and head[:2] == b"II")
    try:
        frame = directory.read_frame(source)
        for one in _all(source, frame):
            found.append(one)
            is_raw |= DNG_VERSION in one or _is_of_sensor(one)
    except PictureError:
        if is_raw:
            raise
        return None
    return _told(source, frame, found) if is_raw else None


def _told(source: Source, frame: Frame, found: list[Directory]) -> Raw:
    top = found[0]
    width, height = _size(source, frame, found)
    if width <= 0 or height <= 0:
        raise PictureError("corrupt", "the RAW file gives no width and height")
    return Raw(
        width=width,
        height=height,
        orientation=exif.orientation_in(top),
        metadata=Metadata(exif=exif.from_tiff(source, frame, top)),
    )


def _size(source: Source, frame: Frame, found: list[Directory]) -> tuple[int, int]:
    """Return the width and height of the sensor's picture, the larger one where there are two."""
    top = found[0]
    if {RW2_TOP, RW2_LEFT, RW2_BOTTOM, RW2_RIGHT} <= top.keys():
        left, right = directory.number(top, RW2_LEFT), directory.number(top, RW2_RIGHT)
        return right - left, directory.number(top, RW2_BOTTOM) - directory.number(top, RW2_TOP)
    sizes = [_active(one) for one in found if _is_of_sensor(one)] or [_active(one) for one in found]
    told = directory.read_children(source, frame, top).get(EXIF_TAG, {})
    sizes.append((directory.number(told, EXIF_WIDTH), directory.number(told, EXIF_HEIGHT)))
    return max(sizes, key=lambda size: size[0] * size[1] if min(size) > 0 else 0)


def _active(one: Directory) -> tuple[int, int]:
    """Return the width and height of a directory's picture, without its masked edges.

    With them where they are most of it: so much is decoded.
    """
    width, height = directory.number(one, tiff.WIDTH), directory.number(one, tiff.HEIGHT)
    area = one.get(ACTIVE_AREA)
    if area is not None and area.count == 4 and area.number is not None:
        top, left, bottom, right = area.numbers
        if 2 * (right - left) * (bottom - top) >= width * height:
            return right - left, bottom - top
    return width, height


def _is_of_sensor(one: Directory) -> bool:
    return directory.number(one, tiff.PHOTOMETRIC) in SENSOR


def _all(source: Source, frame: Frame) -> Iterator[Directory]:
    return directory.read_all(source, frame, most=_MOST_DIRECTORIES, within=SUBFILES)


def check(data: Buffer) -> None:
    """Raise PictureError("truncated") unless all pictures' strips or tiles are in the file."""
    source = Source(data)
    for number, one in enumerate(_all(source, directory.read_frame(source)), start=1):
        tiff.demand_whole(source, one, number)


def decode(data: Buffer) -> Pixels:
    """Return the developed picture as it lies in the file: HxWx3 BGR uint16.

    As the camera set the white, in sRGB, brightened so that 1 per cent of the values is white, as
    LibRaw does where nothing else is asked. PictureError where it is broken, or rawpy is missing.
    Source: LibRaw's `dcraw_process`, AHD.
    """
    import cv2
    import numpy as np

    try:
        import rawpy
    except ImportError as error:
        what = "camera RAW takes rawpy, which is not installed here"
        remedy = f"in the clone of the node: uv tool install '.[{EXTRA}]'"
        raise PictureError("no-rawpy", what, remedy=remedy) from error
    try:
        with rawpy.imread(io.BytesIO(data)) as opened:
            made = opened.postprocess(
                use_camera_wb=True,
                output_bps=16,
                output_color=rawpy.ColorSpace.sRGB,
                gamma=SRGB_GAMMA,
                user_flip=0,
            )
    except rawpy.LibRawError as error:
        raise PictureError("corrupt", f"the RAW picture cannot be developed ({error})") from error
    pixels: Pixels = np.ascontiguousarray(made)
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
