"""What a picture says of itself before any pixel is decoded.

The content decides what it is, never its name. Only the header is read, and by Python alone: no
native library sees a file before the process that decodes it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, Final, TypeAlias

from . import bmp, exif, gif, heif, jp2, jpeg, npy, png, raw, tiff, webp
from .errors import PictureError
from .operation import Layout
from .picture import Metadata
from .sniff import FIRST_BYTES, sniff
from .source import Buffer, Source

Facts: TypeAlias = (
    jpeg.Jpeg
    | png.Png
    | tiff.Tiff
    | raw.Raw
    | webp.Webp
    | gif.Gif
    | bmp.Bmp
    | jp2.Jp2
    | heif.Heif
    | npy.Npy
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A picture's format and shape.

    `width` and `height` are as stored, before `orientation` (EXIF 1-8) is applied; `channels`
    (1 gray, 2 gray+alpha, 3 colour, 4 colour+alpha) and `depth` (8, 16 or 32 bits) are those of
    the decoded pixels; `frames` counts pages or animation frames; `nbytes` is the file's size;
    `facts` is all that the format's own reader found.
    """

    format: str
    width: int
    height: int
    channels: int
    facts: Facts = field(repr=False, compare=False)
    depth: int = 8
    orientation: int = 1
    frames: int = 1
    nbytes: int = 0
    metadata: Metadata = field(default_factory=Metadata, repr=False)

    @property
    def alpha(self) -> bool:
        """Whether the pixels have transparency."""
        return self.channels in {2, 4}

    @property
    def megapixels(self) -> float:
        """Millions of pixels of the first frame."""
        return self.width * self.height / 1e6

    @property
    def layout(self) -> Layout:
        """The decoded, upright pixels' shape in memory."""
        turned = self.orientation >= 5
        width, height = (self.height, self.width) if turned else (self.width, self.height)
        return Layout(width, height, self.channels, self.depth // 8)


def probe(source: Buffer | BinaryIO, name: str = "") -> Header:
    """Return a picture's header; PictureError, starting with `name`, where it is no picture."""
    try:
        opened = Source(source)
        return _READERS[sniff(opened.at(0, FIRST_BYTES))](opened)
    except PictureError as error:
        if not name:
            raise
        raise PictureError(error.code, f"{name}: {error.what}", remedy=error.remedy) from error


def _jpeg(source: Source) -> Header:
    found = jpeg.read(source)
    return Header(
        format="jpeg",
        width=found.width,
        height=found.height,
        channels=1 if found.components == 1 else 3,
        orientation=exif.orientation(found.exif),
        nbytes=source.nbytes,
        metadata=found.metadata,
        facts=found,
    )


def _png(source: Source) -> Header:
    found = png.read(source)
    return Header(
        format="png",
        width=found.width,
        height=found.height,
        channels=found.channels,
        depth=found.depth,
        orientation=exif.orientation(found.exif),
        frames=found.frames,
        nbytes=source.nbytes,
        metadata=found.metadata,
        facts=found,
    )


def _tiff(source: Source) -> Header:
    developed = raw.read(source)
    if developed is not None:
        return _raw(developed, source.nbytes)
    found = tiff.read(source)
    return Header(
        format="tiff",
        width=found.width,
        height=found.height,
        channels=found.channels,
        depth=found.depth,
        orientation=found.orientation,
        frames=found.pages,
        nbytes=source.nbytes,
        metadata=found.metadata,
        facts=found,
    )


def _raw(found: raw.Raw, nbytes: int) -> Header:
    return Header(
        format=raw.FORMAT,
        width=found.width,
        height=found.height,
        channels=3,
        depth=16,
        orientation=found.orientation,
        nbytes=nbytes,
        metadata=found.metadata,
        facts=found,
    )


def _webp(source: Source) -> Header:
    found = webp.read(source)
    return Header(
        format="webp",
        width=found.width,
        height=found.height,
        channels=4 if found.alpha else 3,
        orientation=exif.orientation(found.exif),
        frames=found.frames,
        nbytes=source.nbytes,
        metadata=found.metadata,
        facts=found,
    )


def _gif(source: Source) -> Header:
    found = gif.read(source)
    return Header(
        format="gif",
        width=found.width,
        height=found.height,
        channels=4 if found.alpha else 3,
        frames=max(1, found.frames),
        nbytes=source.nbytes,
        facts=found,
    )


def _bmp(source: Source) -> Header:
    found = bmp.read(source)
    return Header(
        format="bmp",
        width=found.width,
        height=found.height,
        channels=found.channels,
        nbytes=source.nbytes,
        facts=found,
    )


def _jp2(source: Source) -> Header:
    found = jp2.read(source)
    if found.components not in {1, 3, 4} or found.bits > 16:
        what = f"a JPEG 2000 of {found.components} components, {found.bits} bits, is not read here"
        raise PictureError("unsupported", what)
    return Header(
        format="jp2",
        width=found.width,
        height=found.height,
        channels=found.components,
        depth=8 if found.bits <= 8 else 16,
        nbytes=source.nbytes,
        metadata=Metadata(icc=found.icc),
        facts=found,
    )


def _avif(source: Source) -> Header:
    return _heif("avif", source)


def _heic(source: Source) -> Header:
    return _heif("heic", source)


def _heif(form: str, source: Source) -> Header:
    found = heif.read(source)
    return Header(
        format=form,
        width=found.width,
        height=found.height,
        channels=found.channels,
        depth=8 if found.bits <= 8 else 16,
        orientation=found.orientation,
        frames=found.frames,
        nbytes=source.nbytes,
        metadata=found.metadata,
        facts=found,
    )


def _npy(source: Source) -> Header:
    found = npy.read(source)
    return Header(
        format="npy",
        width=found.width,
        height=found.height,
        channels=found.channels,
        depth=found.depth,
        nbytes=source.nbytes,
        facts=found,
    )


_READERS: Final[dict[str, Callable[[Source], Header]]] = {
    "jpeg": _jpeg,
    "png": _png,
    "tiff": _tiff,
    "webp": _webp,
    "gif": _gif,
    "bmp": _bmp,
    "jp2": _jp2,
    "avif": _avif,
    "heic": _heic,
    "npy": _npy,
}
