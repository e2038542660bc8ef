"""The EXIF block: how the picture lies, and the same block for the picture set upright."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import Final

from . import directory
from .directory import Directory, Frame
from .errors import PictureError
from .picture import Metadata
from .source import Source

ORIENTATION: Final = 274
_XMP_ORIENTATION: Final = re.compile(rb"""(tiff:Orientation\s*(?:=\s*["']|>)\s*)[2-8]\b""")
_DESCRIPTIVE: Final = frozenset(
    {270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 18246, 33432, 40091, 40092, 40093}
    | {40094, 40095}
)
"""TIFF tags that tell of the picture rather than of how the file stores it."""


def orientation(exif: bytes | None) -> int:
    """Return how the stored picture lies, 1-8; 1 where the block does not say or is broken."""
    if not exif:
        return 1
    try:
        source = Source(exif)
        frame = directory.read_frame(source)
        top = directory.read_directory(source, frame, frame.first).entries
    except PictureError:
        return 1
    return orientation_in(top)


def orientation_in(top: Directory) -> int:
    """Return the orientation that a directory states, 1-8; 1 where it does not."""
    found = directory.number(top, ORIENTATION)
    return found if 1 <= found <= 8 else 1


def upright(exif: bytes) -> bytes:
    """Return the block for the upright picture: orientation 1, no thumbnail of the old one.

    Everything else stays byte for byte. A block that cannot be read comes back as it is.
    """
    try:
        source = Source(exif)
        frame = directory.read_frame(source)
        if frame.big:
            return exif
        count = frame.integer(source.exactly(frame.first, 2, "EXIF"))
        end = frame.first + 2 + 12 * count
        source.exactly(end, 4, "EXIF")
    except PictureError:
        return exif
    changed = bytearray(exif)
    changed[end : end + 4] = b"\0\0\0\0"
    for place in range(frame.first + 2, end, 12):
        if frame.integer(exif[place : place + 2]) == ORIENTATION:
            changed[place + 8 : place + 12] = struct.pack(frame.order + "HH", 1, 0)
    return bytes(changed)


def without_place(metadata: Metadata) -> Metadata:
    """Return metadata that does not say where the picture was taken.

    The GPS directory is left out of the EXIF block, and an XMP that has a GPS tag as a whole. A
    block that cannot be read goes as a whole too: it may have one.
    """
    xmp = metadata.xmp if metadata.xmp is None or b"GPS" not in metadata.xmp else None
    return replace(metadata, exif=_without_gps(metadata.exif), xmp=xmp)


def _without_gps(exif: bytes | None) -> bytes | None:
    if exif is None:
        return None
    try:
        source = Source(exif)
        frame = directory.read_frame(source)
        top = directory.read_directory(source, frame, frame.first).entries
    except PictureError:
        return None
    children = directory.read_children(source, frame, top)
    children.pop(directory.GPS_TAG, None)
    body, start = directory.write_tree(top, children, 8)
    return b"II*\0" + struct.pack("<I", start) + body


def upright_xmp(xmp: bytes) -> bytes:
    """Return the XMP for the upright picture: tiff:Orientation 1, everything else as it was."""
    return _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)


def from_tiff(source: Source, frame: Frame, top: Directory) -> bytes | None:
    """Return what a TIFF file's directory tells of its picture as an EXIF block, or None."""
    kept = {tag: entry for tag, entry in top.items() if tag in _DESCRIPTIVE}
    children = directory.read_children(source, frame, top)
    if not kept and not children:
        return None
    body, start = directory.write_tree(kept, children, 8)
    return b"II*\0" + struct.pack("<I", start) + body


def for_tiff(exif: bytes) -> tuple[Directory, dict[int, Directory]]:
    """Return an EXIF block's entries to be put into a TIFF file's directory; none if broken."""
    try:
        source = Source(exif)
        frame = directory.read_frame(source)
        top = directory.read_directory(source, frame, frame.first).entries
    except PictureError:
        return {}, {}
    kept = {tag: entry for tag, entry in top.items() if tag in _DESCRIPTIVE}
    return kept, directory.read_children(source, frame, top)
