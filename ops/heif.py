"""AVIF and HEIC headers, read by the libraries that decode them: Pillow and pi-heif.

HEIC: `pi_heif` (libheif) turns the picture upright by itself. AVIF: Pillow (libavif) reports the
file's rotation and mirroring as an EXIF orientation, and OpenCV decodes without applying it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from . import boxes, exif
from .errors import PictureError
from .picture import Metadata
from .source import Buffer, Source

if TYPE_CHECKING:
    from .picture import Pixels

_EXIF: Final = b"Exif\0\0"
_CONFIGURATION: Final = b"av1C"
_SEARCHED: Final = 1 << 16
_CHANNELS: Final = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heif:
    """What the file says; `bits` per sample as stored: 8, 10 or 12."""

    width: int
    height: int
    channels: int
    bits: int
    orientation: int
    frames: int
    metadata: Metadata


def read_avif(source: Source) -> Heif:
    """Return what an AVIF file says; PictureError where it is cut or broken."""
    from PIL import AvifImagePlugin

    source.seek(0)
    try:
        image = AvifImagePlugin.AvifImageFile(source.file)
    except (SyntaxError, ValueError, OSError, EOFError) as error:
        raise _unreadable(source, "AVIF") from error
    block = _block(image.info.get("exif"))
    return Heif(
        width=image.size[0],
        height=image.size[1],
        channels=_CHANNELS[image.mode],
        bits=_av1_bits(source),
        orientation=exif.orientation(block),
        frames=getattr(image, "n_frames", 1),
        metadata=Metadata(image.info.get("icc_profile"), block, image.info.get("xmp")),
    )


def _av1_bits(source: Source) -> int:
    """Return the depth from the AV1 configuration box: flags high_bitdepth and twelve_bit."""
    start = source.at(0, _SEARCHED)
    place = start.find(_CONFIGURATION)
    flags = start[place + 6] if 0 <= place < len(start) - 6 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def read_heic(source: Source) -> Heif:
    """Return what a HEIC file says; PictureError where it is cut or broken."""
    image = _open_heic(source)
    info = image.info
    channels = (1 if image.mode.startswith("L") else 3) + (1 if image.has_alpha else 0)
    return Heif(
        width=image.size[0],
        height=image.size[1],
        channels=channels,
        bits=int(info.get("bit_depth", 8)),
        orientation=1,
        frames=1,
        metadata=Metadata(
            info.get("icc_profile") or None, _block(info.get("exif")), info.get("xmp") or None
        ),
    )


def decode_heic(data: Buffer, found: Heif) -> Pixels:
    """Return a HEIC file's primary picture, upright: uint8, or uint16 from 10 and 12 bits."""
    import numpy as np

    image = _open_heic(Source(data), bgr=True)
    try:
        pixels: Pixels = np.array(image)  # a copy: pi_heif frees its own
    except (ValueError, OSError, EOFError, RuntimeError) as error:
        raise PictureError("corrupt", f"the HEIC picture cannot be decoded ({error})") from error
    return pixels if pixels.ndim == 2 or found.channels == pixels.shape[2] else pixels[..., :3]


def _open_heic(source: Source, *, bgr: bool = False) -> Any:
    import pi_heif

    try:
        return pi_heif.open_heif(
            source.at(0, source.nbytes), convert_hdr_to_8bit=False, bgr_mode=bgr
        )
    except (SyntaxError, ValueError, OSError, EOFError, RuntimeError) as error:
        raise _unreadable(source, "HEIC") from error


def _block(raw: bytes | None) -> bytes | None:
    return raw.removeprefix(_EXIF) if raw else None


def _unreadable(source: Source, name: str) -> PictureError:
    try:
        boxes.check(source.at(0, source.nbytes))
    except PictureError as error:
        return error
    return PictureError("corrupt", f"the {name} header cannot be read")
