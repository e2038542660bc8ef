"""Picture files for these tests, written by Pillow, OpenCV and tifffile rather than by us."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

Pixels = NDArray[Any]

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/' tiff:Orientation='6'/>"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY_ICC = SRGB[:16] + b"GRAY" + SRGB[20:]


def exif(orientation: int = 1, **tags: str) -> bytes:
    """Return an EXIF block without its mark: orientation, maker and a sub-directory."""
    block = Image.Exif()
    block[274] = orientation
    block[271] = tags.get("make", "pixmesh")
    block.get_ifd(0x8769)[36867] = "2024:01:02 03:04:05"
    return bytes(block.tobytes())[6:]


def by_opencv(suffix: str, pixels: Pixels, *options: int) -> bytes:
    """Return the file that OpenCV writes."""
    done, encoded = cv2.imencode(suffix, pixels, options)
    assert done
    return encoded.tobytes()


def by_pillow(kind: str, pixels: Pixels, mode: str = "", **options: Any) -> bytes:
    """Return the file that Pillow writes of BGR(A), gray or gray+alpha uint8."""
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}
    if pixels.ndim == 3 and pixels.shape[2] in order:
        pixels = np.ascontiguousarray(pixels[..., order[pixels.shape[2]]])
    image = Image.fromarray(pixels)
    out = io.BytesIO()
    (image.convert(mode) if mode else image).save(out, kind, **options)
    return out.getvalue()


def by_pillow_with_hole(kind: str, pixels: Pixels) -> bytes:
    """Return a palette picture whose most frequent colour is transparent."""
    palette = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).convert("P")
    index = int(np.bincount(np.asarray(palette).ravel()).argmax())
    out = io.BytesIO()
    palette.save(out, kind, transparency=index)
    return out.getvalue()


def by_tifffile(pixels: Pixels, **options: Any) -> bytes:
    """Return the TIFF that tifffile writes; colours as given, so RGB for the reader."""
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()


def by_numpy(pixels: Pixels) -> bytes:
    """Return the array file that NumPy writes."""
    out = io.BytesIO()
    np.save(out, pixels)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    """Return Pillow's view of a file."""
    return Image.open(io.BytesIO(data))


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """Return what a camera stores, so that `orientation` says how to set it upright."""
    undone = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(undone[orientation](pixels))
