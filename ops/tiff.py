"""The TIFF file: its pages, what they say, whether it is whole, and how metadata goes in.

Source: TIFF 6.0; BigTIFF; TIFF/EP for ICC profiles; XMP part 3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from . import directory, exif
from .directory import Directory, Entry, Frame
from .errors import PictureError
from .picture import Metadata
from .source import Buffer, Source, ends_early

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIPS, SAMPLES, STRIP_SIZES, EXTRA, FORMAT = 273, 277, 279, 338, 339
TILES, TILE_SIZES, XMP, ICC = 324, 325, 700, 34675
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
_COLOURS: Final = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
_STRAIGHT_ALPHA: Final = 2
_MOST_PAGES: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiff:
    """What the first page says; `alpha` is ExtraSamples' first value (0 where there is none)."""

    width: int
    height: int
    bits: int
    samples: int
    photometric: int
    floating: bool
    alpha: int
    orientation: int
    pages: int
    metadata: Metadata

    @property
    def channels(self) -> int:
        """Channels of the decoded pixels."""
        colours = 1 if self.photometric in {WHITE_IS_ZERO, BLACK_IS_ZERO} else 3
        return colours + (1 if self.samples > _COLOURS[self.photometric] else 0)

    @property
    def depth(self) -> int:
        """Bits per sample of the decoded pixels."""
        return 32 if self.floating else max(8, self.bits)

    @property
    def straight(self) -> bool:
        """Whether there is alpha that colours were not multiplied with."""
        return self.alpha == _STRAIGHT_ALPHA


def read(source: Source) -> Tiff:
    """Return what the first page says; PictureError where it is cut, wrong or not read here."""
    frame = directory.read_frame(source)
    pages = _pages(source, frame)
    top = next(pages)
    found = Tiff(
        width=directory.number(top, WIDTH),
        height=directory.number(top, HEIGHT),
        bits=directory.number(top, BITS, 1),
        samples=directory.number(top, SAMPLES, 1),
        photometric=directory.number(top, PHOTOMETRIC, -1),
        floating=directory.number(top, FORMAT, 1) == 3,
        alpha=directory.number(top, EXTRA),
        orientation=exif.orientation_in(top),
        pages=1 + sum(1 for _ in pages),
        metadata=Metadata(
            icc=top[ICC].data if ICC in top else None,
            exif=exif.from_tiff(source, frame, top),
            xmp=top[XMP].data if XMP in top else None,
        ),
    )
    _refuse_exotic(found, directory.number(top, FORMAT, 1))
    return found


def _refuse_exotic(found: Tiff, sample_format: int) -> None:
    if not found.width or not found.height:
        raise PictureError("corrupt", "the TIFF header gives no width and height")
    kind = {1: "integer", 2: "signed integer", 3: "floating-point"}.get(sample_format, "other")
    what = f"a TIFF of {found.bits}-bit {kind} samples, photometric {found.photometric}"
    depths = {32, 64} if found.floating else {1, 2, 4, 8, 16}
    plain = found.photometric in {WHITE_IS_ZERO, BLACK_IS_ZERO, RGB}
    if found.photometric not in _COLOURS or sample_format not in {1, 3}:
        raise PictureError("unsupported", f"{what}, is not read here")
    if found.bits not in depths or (found.bits > 8 and not plain):
        raise PictureError("unsupported", f"{what}, is not read here")
    extra = found.samples - _COLOURS[found.photometric]
    if extra not in {0, 1} or (extra and found.channels == 2 and found.depth > 8):
        raise PictureError("unsupported", f"{what}, {found.samples} samples, is not read here")


def _pages(source: Source, frame: Frame) -> Iterator[Directory]:
    return directory.read_all(source, frame, most=_MOST_PAGES)


def check(data: Buffer) -> None:
    """Raise PictureError("truncated") unless every page's strips or tiles are in the file."""
    source = Source(data)
    for number, page in enumerate(_pages(source, directory.read_frame(source)), start=1):
        demand_whole(source, page, number)


def demand_whole(source: Source, page: Directory, number: int) -> None:
    """Raise PictureError("truncated") unless a page's strips or tiles are in the file."""
    for where, sizes in ((STRIPS, STRIP_SIZES), (TILES, TILE_SIZES)):
        if where not in page:
            continue
        starts = page[where].numbers
        lengths = page[sizes].numbers if sizes in page else repeat(1)
        if any(a + b > source.nbytes for a, b in zip(starts, lengths, strict=False)):
            raise ends_early(f"the picture data of page {number}", source.nbytes)


def embed(data: bytes, metadata: Metadata, *, alpha: bool) -> bytes:
    """Return a classic little-endian one-page TIFF with the metadata in a new directory.

    `alpha` says that the last sample is straight alpha, which OpenCV's writer leaves unsaid.
    """
    source = Source(data)
    frame = directory.read_frame(source)
    top = directory.read_directory(source, frame, frame.first).entries
    described, children = exif.for_tiff(metadata.exif) if metadata.exif else ({}, {})
    top = {**described, **top}
    for tag, kind, body in ((ICC, 7, metadata.icc), (XMP, 1, metadata.xmp)):
        if body:
            top[tag] = Entry(kind, len(body), body)
    if alpha:
        top[EXTRA] = Entry(3, 1, struct.pack("<H", _STRAIGHT_ALPHA))
    start = len(data) + len(data) % 2
    tree, place = directory.write_tree(top, children, start)
    pad = b"\0" * (start - len(data))
    return b"".join([data[:4], struct.pack("<I", place), memoryview(data)[8:], pad, tree])
