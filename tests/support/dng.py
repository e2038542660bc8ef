"""A camera's raw file, written by code: a DNG of a known scene, as a Bayer sensor would see it.

Uncompressed, 16 bits, RGGB; XYZ to the sensor's colours is that of linear sRGB, so that what is
developed is the scene again. Source: Adobe DNG 1.7, TIFF 6.0.
"""

import struct
from collections.abc import Mapping
from typing import Final

import numpy as np

from .photos import Pixels

WHITE: Final = 65535
XYZ_TO_SRGB: Final = (
    *(3.2404542, -1.5371385, -0.4985314),
    *(-0.9692660, 1.8760108, 0.0415560),
    *(0.0556434, -0.2040259, 1.0572252),
)
D65: Final = 21
BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
_CODES: Final = {BYTE: "B", SHORT: "H", LONG: "I"}
Tags = Mapping[int, tuple[int, object]]


def dng(
    scene: Pixels, *, orientation: int = 1, edge: int = 0, order: str = "<", compression: int = 1
) -> bytes:
    """Return a DNG of an sRGB scene (HxWx3 uint8 BGR, even sides), seen without light around.

    `edge` pixels on all sides are of the sensor, and not of the picture. Nothing is compressed,
    whatever `compression` says.
    """
    mosaic = np.pad(_mosaic(scene), edge)
    height, width = mosaic.shape
    area = (edge, edge, height - edge, width - edge)
    body = mosaic.astype(f"{order}u2").tobytes()
    start = 8
    tags = {
        254: (LONG, [0]),
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [16]),
        259: (SHORT, [compression]),
        262: (SHORT, [32803]),
        271: (ASCII, b"Drawn\0"),
        272: (ASCII, b"By code\0"),
        273: (LONG, [start]),
        274: (SHORT, [orientation]),
        277: (SHORT, [1]),
        278: (LONG, [height]),
        279: (LONG, [len(body)]),
        33421: (SHORT, [2, 2]),
        33422: (BYTE, [0, 1, 1, 2]),
        50706: (BYTE, [1, 4, 0, 0]),
        50707: (BYTE, [1, 1, 0, 0]),
        50708: (ASCII, b"Drawn by code\0"),
        50714: (SHORT, [0]),
        50717: (LONG, [WHITE]),
        50721: (SRATIONAL, XYZ_TO_SRGB),
        50728: (RATIONAL, (1.0, 1.0, 1.0)),
        50778: (SHORT, [D65]),
        50829: (LONG, list(area)),
    }
    mark = b"II*\0" if order == "<" else b"MM\0*"
    place = start + len(body)
    return mark + struct.pack(f"{order}I", place) + body + directory_of(tags, place, order)


def _mosaic(scene: Pixels) -> Pixels:
    """Return what a sensor counts behind filters RG over GB: linear, HxW uint16."""
    shares = scene[..., ::-1].astype(np.float64) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    counts = np.rint(linear * WHITE).astype(np.uint16)
    seen: Pixels = counts[..., 1].copy()
    seen[0::2, 0::2] = counts[0::2, 0::2, 0]
    seen[1::2, 1::2] = counts[1::2, 1::2, 2]
    return seen


def directory_of(tags: Tags, base: int, order: str = "<") -> bytes:
    """Return a TIFF directory that is to stand at an offset of a file."""
    table, tail = [struct.pack(f"{order}H", len(tags))], b""
    after = base + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in sorted(tags.items()):
        count, data = _packed(kind, values, order)
        if len(data) > 4:
            field = struct.pack(f"{order}I", after + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        else:
            field = data.ljust(4, b"\0")
        table.append(struct.pack(f"{order}HHI", tag, kind, count) + field)
    return b"".join([*table, b"\0\0\0\0", tail])


def _packed(kind: int, values: object, order: str) -> tuple[int, bytes]:
    if isinstance(values, bytes):
        return len(values), values
    assert isinstance(values, list | tuple)
    if kind in _CODES:
        return len(values), struct.pack(f"{order}{len(values)}{_CODES[kind]}", *values)
    letter = "i" if kind == SRATIONAL else "I"
    pairs = [part for value in values for part in (round(value * 1_000_000), 1_000_000)]
    return len(values), struct.pack(f"{order}{len(pairs)}{letter}", *pairs)
