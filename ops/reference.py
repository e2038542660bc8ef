"""A reference: a picture that a recipe takes beside the one it works on.

    blake2b:<the digest in hex>:<bytes>:<width>x<height>x<channels>x<bytes of a sample>[:raw]

Owns the word that stands for one in a canonical recipe: the content is in it, so that it is part
of what a job is, and its shape, so that layouts and memory are foretold from the text alone; and
that it is camera RAW, which not every node reads. Where its file is, and how it travels, is the
business of others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from .digest import digest_of
from .errors import PictureError
from .operation import Layout

if TYPE_CHECKING:
    from .picture import Pixels
    from .source import Buffer

SHORT: Final = 12
"""Digits of a digest that people are shown."""

_WORD: Final = re.compile(
    r"blake2b:([0-9a-f]{64}):([1-9][0-9]{0,14}):"
    r"([1-9][0-9]{0,8})x([1-9][0-9]{0,8})x([1-4])x([124])(?P<raw>:raw)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An encoded picture: its BLAKE2b-256 digest, its bytes, and its upright pixels' shape."""

    digest: bytes
    nbytes: int
    layout: Layout
    is_raw: bool = False

    def canonical(self) -> str:
        """Return the one word of this reference, from which `read` gives it back."""
        shape = self.layout
        sizes = (shape.width, shape.height, shape.channels, shape.sample_bytes)
        mark = ":raw" if self.is_raw else ""
        return f"blake2b:{self.digest.hex()}:{self.nbytes}:{'x'.join(map(str, sizes))}{mark}"


@lru_cache(maxsize=256)
def read(text: str) -> Reference | None:
    """Return the reference that a word stands for; None for any other text, such as a path."""
    found = _WORD.fullmatch(text)
    if found is None:
        return None
    width, height, channels, sample_bytes = map(int, found.group(3, 4, 5, 6))
    layout = Layout(width, height, channels, sample_bytes)
    is_raw = found["raw"] is not None
    return Reference(bytes.fromhex(found[1]), int(found[2]), layout, is_raw)


def shortened(text: str) -> str:
    """Return a recipe's text for people: of each reference only how its digest begins."""
    return _WORD.sub(lambda found: f"blake2b:{found[1][:SHORT]}…", text)


def taken_from(data: Buffer, *, max_pixels: int) -> Reference:
    """Return what is known of an encoded picture. PictureError where it cannot be a reference.

    Nothing is decoded, yet it is whole: one that is cut short would fail picture after picture.
    """
    from . import raw
    from .decode import check, refuse_large  # with it come all formats: recipes need none
    from .header import probe

    header = probe(data)
    refuse_large(header.width * header.height, max_pixels)
    check(data, header)
    is_raw = header.format == raw.FORMAT
    return Reference(digest_of(data), len(data), header.layout, is_raw)


def pixels_of(reference: Reference, data: Buffer) -> Pixels:
    """Return a reference's upright pixels from its own bytes. PictureError where they are bad."""
    try:
        return _decoded(reference, data)
    except PictureError as error:
        raise PictureError(error.code, f"the reference: {error.what}") from error


def _decoded(reference: Reference, data: Buffer) -> Pixels:
    from .decode import decode
    from .header import probe

    header = probe(data)
    if header.layout != reference.layout:
        raise PictureError("corrupt", "its shape is not what the recipe says")
    return decode(data, max_pixels=reference.layout.pixels, header=header).pixels


def missing(why: str) -> PictureError:
    """Return the error for a reference that is not where it is needed."""
    return PictureError("no-reference", f"the reference is not here: {why}")


def nowhere(_name: str) -> Pixels:
    """Find no reference at all."""
    raise missing("none is kept")
