"""From a file's bytes to upright pixels.

OpenCV decodes all that it decodes right, so that results are what plain OpenCV calls give;
Pillow takes the TIFFs that OpenCV gets wrong, `pi_heif` HEIC, `rawpy` camera RAW.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from . import bmp, boxes, exif, gif, heic, heif, jp2, jpeg, npy, png, raw, tiff, webp
from .complaints import missing_pixels, overheard
from .errors import PictureError
from .header import Header, probe
from .picture import Metadata, Picture, stretched
from .source import Buffer, Source

if TYPE_CHECKING:
    from .picture import Pixels

MAX_PIXELS: Final = 256_000_000
"""The pixel cap where none is given."""


def decode(data: Buffer, *, max_pixels: int = MAX_PIXELS, header: Header | None = None) -> Picture:
    """Return the picture in `data`: its first page or frame, upright, with its metadata.

    `header` is `probe(data)`, where that is known already. PictureError where the picture is
    larger than `max_pixels` (nothing is decoded then), cut short, broken or not read here.
    """
    header = header or probe(data)
    refuse_large(header.width * header.height, max_pixels)
    check(data, header)
    pixels = _upright(_pixels(data, header), header)
    if not _is_as_told(pixels, header):
        raise PictureError("corrupt", "the pixels are not what the header says")
    return Picture(pixels, _upright_metadata(header.metadata))


def _is_as_told(pixels: Pixels, header: Header) -> bool:
    """Tell whether the pixels are what the header says.

    LibRaw cuts off what a sensor's edges lack, or develops some of them that cameras do not show.
    """
    told, height, width = header.layout, *pixels.shape[:2]
    if header.format == raw.FORMAT:
        most = raw.MOST_BEYOND
        return bool(height <= most * told.height and width <= most * told.width)
    return pixels.shape[:2] == (told.height, told.width) and pixels.nbytes <= told.nbytes


def refuse_large(pixels: int, max_pixels: int, what: str = "the picture") -> None:
    """Raise PictureError("too-large") where there are more pixels than the cap."""
    if pixels > max_pixels:
        size, cap = f"{pixels / 1e6:,.0f}", f"{max_pixels / 1e6:,.0f}"
        raise PictureError("too-large", f"{what} has {size} megapixels, more than the cap of {cap}")


def check(data: Buffer, header: Header) -> None:
    """Raise PictureError("truncated") unless the file is whole; pixels are not decoded."""
    match header.facts:
        case jpeg.Jpeg(scan=scan):
            jpeg.check(data, scan)
        case npy.Npy() as found:
            npy.check(data, found)
        case facts:
            _CHECKS[type(facts)](data)


_CHECKS: Final[Mapping[type, Callable[[Buffer], None]]] = {
    png.Png: png.check,
    tiff.Tiff: tiff.check,
    raw.Raw: raw.check,
    webp.Webp: webp.check,
    gif.Gif: gif.check,
    bmp.Bmp: bmp.check,
    jp2.Jp2: jp2.check,
    heif.Heif: boxes.check,
}


def _pixels(data: Buffer, header: Header) -> Pixels:
    """Return the pixels as stored, with the header's channels and depth."""
    match header.facts:
        case npy.Npy() as array:
            return npy.decode(data, array)
        case raw.Raw():
            return raw.decode(data)
        case heif.Heif() if header.format == "heic":
            return heic.decode(data, channels=header.channels)
        case tiff.Tiff() as page if _opencv_errs(page):
            return _by_pillow(data)
    pixels, complaint = _by_opencv(data)
    if pixels is None and header.format == "tiff" and header.depth == 8:
        return _by_pillow(data)
    if pixels is None or complaint:
        raise PictureError("corrupt", _reason(data, header, complaint))
    return _adapted(pixels, header)


def _by_opencv(data: Buffer) -> tuple[Pixels | None, str]:
    """Return what OpenCV decodes (None: nothing), and its complaint about missing pixels."""
    import cv2
    import numpy as np

    pixels: Pixels | None = None
    with overheard() as lines:
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except (cv2.error, MemoryError) as error:
            return None, str(error)
    return pixels, missing_pixels(lines)


def _reason(data: Buffer, header: Header, complaint: str) -> str:
    if header.format == "png" and (damaged := png.damage(data)):
        return f"the picture is damaged: {damaged}"
    detail = f" ({complaint.strip()})" if complaint else ""
    return f"the {header.format.upper()} picture is damaged: its pixels cannot be decoded{detail}"


def _opencv_errs(page: tiff.Tiff) -> bool:
    """Tell where OpenCV's libtiff interface loses something: 8-bit alpha, gray+alpha, CMYK."""
    return page.depth == 8 and (
        page.straight or page.channels == 2 or page.photometric == tiff.CMYK
    )


def _by_pillow(data: Buffer) -> Pixels:
    """Return a TIFF's first page, turned upright by Pillow as OpenCV does for TIFF."""
    import cv2
    import numpy as np
    from PIL import TiffImagePlugin

    try:
        image = TiffImagePlugin.TiffImageFile(Source(data).file)
        image.load()
        if image.mode not in {"L", "LA", "RGB", "RGBA"}:
            return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR)
    except heic.BROKEN as error:
        raise PictureError("corrupt", f"the TIFF picture is damaged ({error})") from error
    pixels = np.asarray(image)
    codes = {"RGB": cv2.COLOR_RGB2BGR, "RGBA": cv2.COLOR_RGBA2BGRA}
    return cv2.cvtColor(pixels, codes[image.mode]) if image.mode in codes else pixels


def _adapted(pixels: Pixels, header: Header) -> Pixels:
    """Bring what OpenCV gave to the header's channels, and to the full range of its depth."""
    import cv2
    import numpy as np

    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if channels == 4 and header.channels == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)
    elif channels == 4 and header.channels == 2:
        pixels = cv2.merge([cv2.extractChannel(pixels, 0), cv2.extractChannel(pixels, 3)])
    elif channels >= 3 and header.channels == 1:
        pixels = cv2.extractChannel(pixels, 0)
    if pixels.dtype == np.float64:
        return pixels.astype(np.float32)
    return _full_range(pixels, header)


def _full_range(pixels: Pixels, header: Header) -> Pixels:
    """Stretch 9 to 15 stored bits to 16, and turn 16-bit white-is-zero around."""
    import numpy as np

    match header.facts:
        case heif.Heif(bits=bits) | jp2.Jp2(bits=bits) if 8 < bits < 16:
            return stretched(pixels, bits)
        case tiff.Tiff(photometric=tiff.WHITE_IS_ZERO, bits=16):
            return np.bitwise_not(pixels)
    return pixels


_FLIPS: Final = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""OpenCV's flip codes by EXIF orientation, after the transposition that 5 to 8 need."""


def _upright(pixels: Pixels, header: Header) -> Pixels:
    """Apply the EXIF orientation, once; libtiff and libheif have done so already."""
    import cv2

    if header.orientation == 1 or header.format in {"tiff", "heic"}:
        return pixels
    turned = cv2.transpose(pixels) if header.orientation >= 5 else pixels
    flip = _FLIPS.get(header.orientation)
    return turned if flip is None else cv2.flip(turned, flip)


def _upright_metadata(metadata: Metadata) -> Metadata:
    if not metadata.exif and not metadata.xmp:
        return metadata
    return Metadata(
        icc=metadata.icc,
        exif=exif.upright(metadata.exif) if metadata.exif else None,
        xmp=exif.upright_xmp(metadata.xmp) if metadata.xmp else None,
    )
