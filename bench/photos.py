"""Photographs to measure with, as many distinct ones as asked for.

Identical content is one job, so a photo measured ten times must be ten pictures: each copy
is the photo rolled by a few rows, which keeps its size, its colours and nearly all of its
compressibility.
"""

from collections.abc import Iterator
from importlib import util
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"})
ROWS_APART = 7
JPEG_QUALITY = 95
DRAWN = 16


def find(folder: Path | None = None) -> list[Path]:
    """Return the photos of a folder, or those inside scikit-image when it is installed."""
    folder = folder or _scikit_image()
    if folder is None:
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS)


def rolled(pixels: MatLike, copy: int) -> MatLike:
    """Return another picture of the same kind: rows moved down, the last ones to the top.

    Copies below the picture's height are distinct, unless the picture repeats itself.
    """
    height = pixels.shape[0]
    step = ROWS_APART if height % ROWS_APART else 1
    return np.roll(pixels, copy * step % height, axis=0)


def make_distinct(photos: list[Path], out: Path, copies: int) -> list[Path]:
    """Write `copies` distinct pictures of each photo into a folder; return their paths.

    Without photos, pictures drawn by code take their place.
    """
    made = []
    for name, pixels in _decoded(photos):
        for copy in range(copies):
            path = out / f"{copy:03d}_{name}"
            write(path, rolled(pixels, copy))
            made.append(path)
    return made


def drawn(number: int, width: int = 1200, height: int = 800) -> MatLike:
    """Draw a picture with gradients, shapes and grain: BGR, 8 bits; the same each time."""
    chance = np.random.default_rng(number)
    ramp = np.linspace(0, 255, width, dtype=np.float32)
    pixels = np.stack(
        [np.tile(np.roll(ramp, shift * 97 * number), (height, 1)) for shift in range(3)], 2
    )
    for _ in range(20):
        centre = (int(chance.integers(width)), int(chance.integers(height)))
        colour = tuple(float(part) for part in chance.integers(0, 256, 3))
        cv2.circle(pixels, centre, int(chance.integers(10, 150)), colour, -1, cv2.LINE_AA)
    grain = chance.normal(0, 6, pixels.shape)
    return np.clip(pixels + grain, 0, 255).astype(np.uint8)


def _decoded(photos: list[Path]) -> Iterator[tuple[str, MatLike]]:
    for number in range(0 if photos else DRAWN):
        yield f"drawn{number:02d}.jpg", drawn(number)
    for path in photos:
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise ValueError(
                f"{path} is not a picture that OpenCV reads; take it out of the folder"
            )
        yield path.name, pixels


def write(path: Path, pixels: MatLike) -> None:
    """Write a picture in the format that its name says, a JPEG at quality 95."""
    done, data = cv2.imencode(path.suffix, pixels, _parameters(path.suffix))
    if not done:
        raise ValueError(f"OpenCV cannot write {path.suffix}")
    path.write_bytes(data.tobytes())


def _parameters(suffix: str) -> list[int]:
    return [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix.lower() in {".jpg", ".jpeg"} else []


def _scikit_image() -> Path | None:
    found = util.find_spec("skimage")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "data"
