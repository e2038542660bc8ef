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

SRGB_GAMMA: Final = (2.4, 12.92)
"""The power, and the slope near black."""

MARKS: Final = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0")
"""How those begin that say no TIFF: Olympus' and Panasonic's."""

WIDTH, HEIGHT, PHOTOMETRIC, SUBFILES = 256, 257, 262, 330
EXIF_WIDTH, EXIF_HEIGHT = 40962, 40963
DNG_VERSION, ACTIVE_AREA = 50706, 50829
RW2_TOP, RW2_LEFT, RW2_BOTTOM, RW2_RIGHT = 4, 5, 6, 7
SENSOR: Final = frozenset({32803, 34892})
"""Photometric: a colour filter array, and what is linear already."""

_CR2: Final = b"CR"
_MOST_DIRECTORIES: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """What the file says; the developed picture is of that size, or some rows and columns less."""

    width: int
    height: int
    orientation: int
    metadata: Metadata


def is_raw(source: Source) -> bool:
    """Tell camera RAW from a TIFF. False where the file is broken: TIFF's reader says how."""
    head = source.at(0, 10)
    if head[:4] in MARKS or (head[8:] == _CR2 and head[:2] == b"II"):
        return True
    try:
        frame = directory.read_frame(source)
        return any(DNG_VERSION in one or _is_of_sensor(one) for one in _all(source, frame))
    except PictureError:
        return False


def read(source: Source) -> Raw:
    """Return what the file says. PictureError where it is cut or gives no size."""
    frame = directory.read_frame(source)
    found = list(_all(source, frame))
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
        left, right = _number(top, RW2_LEFT), _number(top, RW2_RIGHT)
        return right - left, _number(top, RW2_BOTTOM) - _number(top, RW2_TOP)
    sizes = [_active(one) for one in found if _is_of_sensor(one)] or [_active(one) for one in found]
    told = directory.read_children(source, frame, top).get(EXIF_TAG, {})
    sizes.append((_number(told, EXIF_WIDTH), _number(told, EXIF_HEIGHT)))
    return max(sizes, key=lambda size: size[0] * size[1] if min(size) > 0 else 0)


def _active(one: Directory) -> tuple[int, int]:
    """Return the width and height of a directory's picture, without its masked edges.

    With them where they are most of it: so much is decoded.
    """
    width, height = _number(one, WIDTH), _number(one, HEIGHT)
    if ACTIVE_AREA in one and len(area := one[ACTIVE_AREA].numbers) == 4:
        top, left, bottom, right = area
        if 2 * (right - left) * (bottom - top) >= width * height:
            return right - left, bottom - top
    return width, height


def _is_of_sensor(one: Directory) -> bool:
    return _number(one, PHOTOMETRIC) in SENSOR


def _number(one: Directory, tag: int) -> int:
    numbers = one[tag].numbers if tag in one else ()
    return numbers[0] if numbers else 0


def _all(source: Source, frame: Frame) -> Iterator[Directory]:
    """Yield the file's directories and those within them, each once, the first one first."""
    waiting, seen = [frame.first], set[int]()
    while waiting and len(seen) < _MOST_DIRECTORIES:
        place = waiting.pop(0)
        if not place or place in seen:
            continue
        seen.add(place)
        one, after = directory.read_directory(source, frame, place)
        yield one
        if SUBFILES in one and one[SUBFILES].count <= _MOST_DIRECTORIES:
            waiting += one[SUBFILES].numbers
        waiting.append(after)


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
