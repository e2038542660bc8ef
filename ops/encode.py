"""From pixels and metadata to a file's bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import jpeg, npy, png, tiff
from .complaints import overheard
from .errors import PictureCode, PictureError
from .operation import Depth
from .picture import Metadata, Picture, has_alpha, over_white, to_depth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .picture import Pixels


_BYTES: Final[tuple[Depth, ...]] = ("uint8",)
_DEEP: Final[tuple[Depth, ...]] = ("uint8", "uint16")
_FLOATS: Final[tuple[Depth, ...]] = ("uint8", "uint16", "float32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """What a format can hold; `suffix` names files and OpenCV's encoder.

    `quality` is what is taken where none is given; None: lossless, or the encoder's own.
    `sides` are the fewest and the most pixels a side.
    """

    suffix: str
    depths: tuple[Depth, ...]
    alpha: bool
    gray: bool = True
    quality: int | None = None
    sides: tuple[int, int] = (1, 1 << 20)


WRITERS: Final[dict[str, Writer]] = {
    "jpeg": Writer(suffix=".jpg", depths=_BYTES, alpha=False, quality=95, sides=(1, 65535)),
    "png": Writer(suffix=".png", depths=_DEEP, alpha=True),
    "webp": Writer(
        suffix=".webp", depths=_BYTES, alpha=True, gray=False, quality=90, sides=(1, 16383)
    ),
    "tiff": Writer(suffix=".tif", depths=_FLOATS, alpha=True),
    "bmp": Writer(suffix=".bmp", depths=_BYTES, alpha=True),
    "avif": Writer(suffix=".avif", depths=_DEEP, alpha=True, quality=90, sides=(1, 65536)),
    "jp2": Writer(suffix=".jp2", depths=_DEEP, alpha=True, sides=(32, 1 << 20)),
    "npy": Writer(suffix=".npy", depths=_FLOATS, alpha=True, sides=(1, 1 << 62)),
}
"""The formats that are written. JPEG 2000's smallest side is that of OpenCV's encoder."""

_ALIASES: Final = {"jpg": "jpeg", "tif": "tiff", "j2k": "jp2", "jpeg2000": "jp2"}
_AVIF_BITS: Final = 12


def format_named(name: str) -> str:
    """Return the format that `name` ("JPG", ".tif", "webp") stands for; ValueError for none."""
    plain = name.lower().lstrip(".")
    plain = _ALIASES.get(plain, plain)
    if plain not in WRITERS:
        known = ", ".join(sorted(WRITERS))
        raise ValueError(f"{name!r} is no format to write; there are {known}")
    return plain


def encode(
    picture: Picture, form: str, *, quality: int | None = None, lossless: bool = False
) -> bytes:
    """Return the picture as a file of `form` (a key of WRITERS), with what metadata it can hold.

    `quality` is 1 to 100, for JPEG, WebP, AVIF and JPEG 2000; 100 is lossless for all but JPEG.
    `lossless` is what the quality defaults to there. What the format cannot hold is brought to
    what it can: depth is scaled, transparency laid over white. PictureError where the picture is
    too large for the format or the encoder fails.
    """
    writer = WRITERS[form]
    pixels = fitted(picture.pixels, writer)
    _refuse_sides(pixels, form)
    if form == "npy":
        return npy.encode(pixels)
    metadata = _fitting(picture, pixels)
    chosen = quality or (100 if lossless else writer.quality)
    data = _by_opencv(pixels, form, chosen, metadata)
    return _with_metadata(data, form, pixels, metadata)


def fitted(pixels: Pixels, writer: Writer) -> Pixels:
    """Return the pixels as the format can hold them; the input itself where it can."""
    import cv2

    if not writer.alpha:
        pixels = over_white(pixels)
    if not writer.gray and pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    if pixels.dtype.name not in writer.depths:
        return to_depth(pixels, "uint16" if "uint16" in writer.depths else "uint8")
    return pixels


def _refuse_sides(pixels: Pixels, form: str) -> None:
    fewest, most = WRITERS[form].sides
    height, width = pixels.shape[:2]
    if max(height, width) > most or min(height, width) < fewest:
        code: PictureCode = "too-large" if max(height, width) > most else "operation-failed"
        what = f"{form.upper()} holds {fewest} to {most} pixels a side, not {width}x{height}"
        raise PictureError(code, what, remedy="write PNG or TIFF instead")


def _fitting(picture: Picture, written: Pixels) -> Metadata:
    """Return the metadata without an ICC profile that is not about the written colours."""
    metadata = picture.metadata
    space = (metadata.icc or b"")[16:20]
    colour = picture.pixels.ndim == 3 and picture.pixels.shape[2] >= 3
    fits = space == b"RGB " if colour else space == b"GRAY" and written.ndim == 2
    return metadata if fits else Metadata(None, metadata.exif, metadata.xmp)


def _by_opencv(pixels: Pixels, form: str, quality: int | None, metadata: Metadata) -> bytes:
    """Return what OpenCV writes; for WebP and AVIF with the metadata, which it carries right."""
    import cv2

    if pixels.ndim == 3 and pixels.shape[2] == 2:
        gray, alpha = cv2.split(pixels)
        pixels = cv2.merge([gray, gray, gray, alpha])
    if form == "avif" and pixels.dtype == "uint16":
        pixels = pixels >> (16 - _AVIF_BITS)
    kinds, bodies = _blocks(metadata) if form in {"webp", "avif"} else ([], [])
    suffix, options = WRITERS[form].suffix, _options(form, pixels, quality)
    done = False
    with overheard():
        try:
            if kinds:
                done, encoded = cv2.imencodeWithMetadata(suffix, pixels, kinds, bodies, options)
            else:
                done, encoded = cv2.imencode(suffix, pixels, options)
        except (cv2.error, MemoryError) as error:
            raise _failed(form) from error
    if not done:
        raise _failed(form)
    return encoded.tobytes()


def _blocks(metadata: Metadata) -> tuple[list[int], list[Pixels]]:
    import cv2
    import numpy as np

    named = (
        (cv2.IMAGE_METADATA_EXIF, metadata.exif),
        (cv2.IMAGE_METADATA_XMP, metadata.xmp),
        (cv2.IMAGE_METADATA_ICCP, metadata.icc),
    )
    given = [(kind, np.frombuffer(body, np.uint8)) for kind, body in named if body]
    return [kind for kind, _ in given], [body for _, body in given]


def _options(form: str, pixels: Pixels, quality: int | None) -> Sequence[int]:
    import cv2

    if quality is None:
        return ()
    match form:
        case "jpeg":
            return cv2.IMWRITE_JPEG_QUALITY, quality
        case "webp":
            return cv2.IMWRITE_WEBP_QUALITY, quality if quality < 100 else 101
        case "avif":
            bits = _AVIF_BITS if pixels.dtype == "uint16" else 8
            return cv2.IMWRITE_AVIF_QUALITY, quality, cv2.IMWRITE_AVIF_DEPTH, bits
        case "jp2":
            return cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, quality * 10
    return ()


def _failed(form: str) -> PictureError:
    return PictureError("operation-failed", f"the result cannot be written as {form.upper()}")


def _with_metadata(data: bytes, form: str, pixels: Pixels, metadata: Metadata) -> bytes:
    """Put the metadata in; BMP and JPEG 2000 hold none here."""
    if form == "tiff" and (metadata != Metadata() or has_alpha(pixels)):
        return tiff.embed(data, metadata, alpha=has_alpha(pixels))
    if metadata == Metadata():
        return data
    match form:
        case "jpeg":
            return jpeg.embed(data, metadata)
        case "png":
            return png.embed(data, metadata)
    return data
