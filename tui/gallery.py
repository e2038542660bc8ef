"""The demo's pictures: which ones there are, and drawing them into a folder.

Owns the names, sizes and formats. The same picture is drawn the same on every machine;
a file that is there already is never touched.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from . import patterns, scenes
from .canvas import Canvas, finished

Draw = Callable[[np.random.Generator, tuple[int, int], int], Canvas]

LANDSCAPE: Final = (1200, 1600)
PORTRAIT: Final = (1600, 1200)

_DRAWINGS: Final[tuple[Draw, ...]] = (
    scenes.mountains,
    patterns.glass,
    scenes.sea,
    patterns.marble,
    scenes.city,
    patterns.ripples,
    scenes.planet,
    patterns.shapes,
    scenes.nebula,
    patterns.letters,
    scenes.forest,
    patterns.fractal,
)
_WRITERS: Final = {
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 85],
}
_PNG: Final = {"shapes", "letters"}


@dataclass(frozen=True, slots=True)
class Drawing:
    """One picture of the set, not drawn yet."""

    number: int
    name: str
    draw: Draw
    size: tuple[int, int]
    variant: int

    def encoded(self) -> bytes:
        """Draw it, and return the file's bytes."""
        random = np.random.default_rng([2026, self.number])
        canvas = finished(self.draw(random, self.size, self.variant), random)
        extension = Path(self.name).suffix
        done, data = cv2.imencode(extension, canvas, _WRITERS[extension])
        if not done:
            raise RuntimeError(f"OpenCV cannot write {extension}")
        return data.tobytes()


def drawings(count: int) -> list[Drawing]:
    """Return the first `count` pictures of the set; it has no end."""
    return [_drawing(number) for number in range(count)]


def draw_into(folder: Path, chosen: list[Drawing], *, threads: int) -> Iterator[Drawing]:
    """Draw those that are not in the folder yet; yield each when it is there."""
    missing = [one for one in chosen if not (folder / one.name).exists()]
    yield from (one for one in chosen if one not in missing)
    with ThreadPoolExecutor(threads) as pool:
        under_way = {pool.submit(_draw, folder, one): one for one in missing}
        try:
            for done in as_completed(under_way):
                done.result()
                yield under_way[done]
        finally:
            pool.shutdown(cancel_futures=True)


def _draw(folder: Path, drawing: Drawing) -> None:
    """Write one picture: whole or not at all, and over nothing."""
    temp = folder / f".{drawing.name}.{os.getpid()}.part"
    try:
        temp.write_bytes(drawing.encoded())
        temp.rename(folder / drawing.name)
    finally:
        temp.unlink(missing_ok=True)


def _drawing(number: int) -> Drawing:
    draw = _DRAWINGS[number % len(_DRAWINGS)]
    variant = number // len(_DRAWINGS)
    extension = ".png" if draw.__name__ in _PNG else ".webp" if number % 7 == 5 else ".jpg"
    size = PORTRAIT if number % 5 == 3 else LANDSCAPE
    name = f"{draw.__name__}-{variant + 1}{extension}"
    return Drawing(number, name, draw, size, variant)
