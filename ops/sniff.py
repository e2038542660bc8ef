"""Which format some bytes are in. The content decides, never the name."""

from __future__ import annotations

from typing import Final

from .errors import PictureError
from .raw import MARKS

_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    *((mark, "tiff") for mark in MARKS),  # told from TIFF when they are read
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\x93NUMPY", "npy"),
)
_AVIF: Final = frozenset({b"avif", b"avis"})
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})

_STRANGERS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x7fELF", "a program (ELF)"),
    (b"MZ", "a Windows program"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"%!PS", "a PostScript document"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 file"),
    (b"fLaC", "a FLAC file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"FUJIFILMCCD-RAW", "a Fujifilm RAF, which is not read here"),
    (b"\xff\x0a", "a JPEG XL picture, which is not read here"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture, which is not read here"),
)

_TEXTS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"<!doctype html", "a web page (HTML)"),
    (b"<html", "a web page (HTML)"),
    (b"<svg", "an SVG drawing, which is not read here"),
    (b"<", "XML or HTML text"),
    (b"{", "JSON text"),
    (b"[", "JSON text"),
)

FIRST_BYTES: Final = 64
"""How many bytes of the start are looked at."""


def sniff(start: bytes) -> str:
    """Return the format of a file that starts with `start` (at least FIRST_BYTES, or all).

    One of jpeg, png, webp, tiff, bmp, gif, avif, heic, jp2, npy. PictureError otherwise: empty,
    unsupported, or not-a-picture with what it looks like.
    """
    if not start:
        raise PictureError("empty", "the file is empty")
    for magic, name in _MAGIC:
        if start.startswith(magic):
            return name
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[4:8] == b"ftyp":
        return _boxed(start)
    if any(magic.startswith(start) for magic, _ in _MAGIC):
        raise PictureError("truncated", f"the file ends after {_count(len(start))}")
    raise PictureError("not-a-picture", f"this is not a picture: it looks like {_likeness(start)}")


def _boxed(start: bytes) -> str:
    """Tell AVIF from HEIC by the brands of an ISO base media file."""
    brands = {start[8:12], *(start[i : i + 4] for i in range(16, len(start) - 3, 4))}
    if start[8:12] in _AVIF or (brands & _AVIF and not brands & _HEIC):
        return "avif"
    if brands & _HEIC or start[8:12] in {b"mif1", b"msf1"}:
        return "heic"
    if b"crx " in brands:
        raise PictureError("unsupported", "Canon's CR3 is not read here", remedy="make it a DNG")
    raise PictureError(
        "not-a-picture", "this is not a picture: it looks like a video or audio file"
    )


def _likeness(start: bytes) -> str:
    for magic, name in _STRANGERS:
        if start.startswith(magic):
            return name
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, name in _TEXTS:
        if text.startswith(magic):
            return name
    if text and all(32 <= byte < 127 or byte in b"\t\r\n\f" for byte in start):
        return "plain text"
    return "unknown data" if len(start) > 1 else "a single byte"


def _count(number: int) -> str:
    return f"{number} byte" if number == 1 else f"{number} bytes"
