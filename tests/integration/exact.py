"""The recipe of the promises, and what OpenCV alone makes of it in this process."""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from pixmesh.tests.support.photos import Pixels

RECIPE = "grayscale | blur ksize=5 | canny low=100 high=200"


@functools.lru_cache(maxsize=64)
def expected(path: Path) -> Pixels:
    """Return RECIPE's result for a file, by the plain calls."""
    gray = _gray(path)
    return cv2.Canny(cv2.GaussianBlur(gray, (5, 5), 0), 100, 200)


def blurred(ksize: int, times: int) -> str:
    """Return a recipe that takes a slot as long as one wants."""
    return " | ".join(["grayscale", *[f"blur ksize={ksize}"] * times, "canny low=1 high=2"])


def blurred_expected(path: Path, ksize: int, times: int) -> Pixels:
    """Return that recipe's result for a file, by the plain calls."""
    gray = _gray(path)
    for _ in range(times):
        gray = cv2.GaussianBlur(gray, (ksize, ksize), 0)
    return cv2.Canny(gray, 1, 2)


def _gray(path: Path) -> Pixels:
    colour = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert colour is not None, path
    return cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)


def written(path: Path) -> Pixels:
    """Return the pixels of an output, just as they are in the file."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, path
    return pixels


def wrong(
    pairs: Iterable[tuple[Path, Path]], make: Callable[[Path], Pixels] = expected
) -> list[str]:
    """Return the outputs that are missing or differ, of pairs of source and output."""
    return [
        out.name
        for source, out in pairs
        if not out.is_file() or not np.array_equal(make(source), written(out))
    ]


def outputs_of(sources: Iterable[Path], out: Path) -> list[tuple[Path, Path]]:
    """Pair each source with the PNG that `pixmesh run --format png -o OUT` makes of it."""
    return [(source, out / f"{source.stem}.png") for source in sources]
