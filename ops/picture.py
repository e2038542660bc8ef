"""A decoded picture: its pixels and the metadata that travels with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .bands import in_bands
from .operation import Depth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[Any]
"""HxW gray, HxWx2 gray+alpha, HxWx3 BGR or HxWx4 BGRA; uint8, uint16, or float32.

Integers span their whole depth, also where the file stores fewer bits (1-bit, 10-bit, ...).
Floats are as stored, and read as [0, 1] where an integer is needed. Alpha is not premultiplied.
"""

_PEAK = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says about its picture, as raw bytes: None where it says nothing.

    `icc` is an ICC profile; `exif` a TIFF structure (without the "Exif" mark); `xmp` XML.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels, upright, and their metadata."""

    pixels: Pixels
    metadata: Metadata = field(default_factory=Metadata)


def has_alpha(pixels: Pixels) -> bool:
    """Tell whether the last channel is alpha."""
    return pixels.ndim == 3 and pixels.shape[2] in {2, 4}


def without_alpha(pixels: Pixels) -> Pixels:
    """Return gray or BGR, alpha left out; the input itself where it has none."""
    import cv2

    if not has_alpha(pixels):
        return pixels
    if pixels.shape[2] == 2:
        return cv2.extractChannel(pixels, 0)
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)


def depth_of(pixels: Pixels) -> Depth:
    """Return the name of the depth that the pixels have."""
    return cast("Depth", pixels.dtype.name)


def to_depth(pixels: Pixels, depth: Depth) -> Pixels:
    """Return the pixels at `depth`, scaled to its full range and rounded; clipped from float."""
    import numpy as np

    if pixels.dtype == depth:
        return pixels
    if pixels.dtype == np.uint8 and depth == "uint16":
        return pixels.astype(np.uint16) * np.uint16(257)
    scale = np.float32(_PEAK[depth] / _PEAK[pixels.dtype.name])
    if depth == "float32":
        return np.multiply(pixels, scale, dtype=np.float32)

    def scaled(rows: Pixels) -> Pixels:
        values = np.nan_to_num(rows.astype(np.float32) * scale)
        found: Pixels = np.rint(np.clip(values, 0, _PEAK[depth])).astype(depth)
        return found

    return in_bands(pixels, scaled)


def eight_bit_colour(pixels: Pixels) -> Pixels:
    """Return gray or BGR of 8 bits, alpha left out; the input itself where it is that."""
    if pixels.dtype == "uint8":
        return without_alpha(pixels)
    return in_bands(pixels, lambda rows: to_depth(without_alpha(rows), "uint8"))


def stretched(pixels: Pixels, bits: int) -> Pixels:
    """Return uint16 over its full range from values of `bits` bits (9 to 15), by repetition."""
    import numpy as np

    wide = pixels.astype(np.uint16)
    return (wide << np.uint16(16 - bits)) | (wide >> np.uint16(2 * bits - 16))


def over_white(pixels: Pixels) -> Pixels:
    """Return gray or BGR: the picture laid over white where it is transparent."""
    import numpy as np

    if not has_alpha(pixels):
        return pixels
    peak = _PEAK[pixels.dtype.name]
    alpha = pixels[..., -1:].astype(np.float32) / np.float32(peak)
    colour = pixels[..., :-1].astype(np.float32)
    mixed = colour * alpha + np.float32(peak) * (1 - alpha)
    flat = mixed if pixels.dtype == np.float32 else np.rint(mixed)
    return np.ascontiguousarray(np.squeeze(flat.astype(pixels.dtype)[..., :3], axis=_gray(flat)))


def _gray(pixels: Pixels) -> int | tuple[()]:
    return 2 if pixels.shape[2] == 1 else ()
