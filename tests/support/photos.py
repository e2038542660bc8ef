"""Pictures for tests: drawn by code, from scikit-image's wheel, or from the shared folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import JpegImagePlugin

Pixels = NDArray[Any]

_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_LUMINANCE_SUM: Final = 3688
_IN_WHEEL: Final = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)


def data_dir() -> Path | None:
    """Return the shared pictures (PIXMESH_TEST_DATA, or ../shared/data); None if absent."""
    given = os.environ.get("PIXMESH_TEST_DATA")
    folder = Path(given) if given else _CHECKOUT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def require_data(*parts: str) -> Path:
    """Return a file or folder of the shared pictures; skip the test where it is absent."""
    folder = data_dir()
    path = folder.joinpath(*parts) if folder else None
    if path is None or not path.exists():
        where = os.environ.get("PIXMESH_TEST_DATA", "../shared/data")
        pytest.skip(f"no test data: {'/'.join(parts) or 'nothing'} in {where}")
    return path


def drawn(seed: int, width: int, height: int, *, depth: int = 8, channels: int = 3) -> Pixels:
    """Return a picture drawn by code, the same for the same arguments.

    Gradients, filled shapes, text and a little noise: HxW for one channel, else HxWxchannels
    (2: gray+alpha, 3: BGR, 4: BGRA). uint8 for depth 8, uint16 for 16, float32 in [0, 1] for 32.
    """
    rng = np.random.default_rng(seed)
    canvas = np.ascontiguousarray(np.stack([_gradient(rng, width, height) for _ in range(3)], -1))
    for _ in range(8):
        _shape(canvas, rng, width, height)
    canvas[_text(seed, width, height) > 0] = 1
    canvas = np.clip(canvas + rng.normal(0, 0.01, canvas.shape).astype(np.float32), 0, 1)
    return _with_depth(_with_channels(canvas, channels), depth)


def _text(seed: int, width: int, height: int) -> Pixels:
    mask = np.zeros((height, width), np.uint8)
    scale = max(0.3, min(width, height) / 200)
    return cv2.putText(mask, f"#{seed}", (width // 8, height // 2), 0, scale, (255,), 1)


def _gradient(rng: np.random.Generator, width: int, height: int) -> Pixels:
    across, down = rng.uniform(-1, 1, 2)
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    plane = across * x + down * y
    span = float(np.ptp(plane)) or 1.0
    filled: Pixels = ((plane - plane.min()) / span).astype(np.float32)
    return filled


def _shape(canvas: Pixels, rng: np.random.Generator, width: int, height: int) -> None:
    colour = tuple(float(value) for value in rng.uniform(0, 1, 3))
    x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
    size = int(rng.integers(1, max(2, min(width, height) // 3)))
    if rng.random() < 0.5:
        cv2.circle(canvas, (x, y), size, colour, -1)
    else:
        cv2.rectangle(canvas, (x, y), (x + size, y + size), colour, -1)


def _with_channels(canvas: Pixels, channels: int) -> Pixels:
    if channels in {1, 2}:
        gray: Pixels = canvas @ np.array([0.114, 0.587, 0.299], np.float32)
        return gray if channels == 1 else np.dstack([gray, _alpha(gray)])
    return canvas if channels == 3 else np.dstack([canvas, _alpha(canvas)])


def _alpha(canvas: Pixels) -> Pixels:
    return np.broadcast_to(np.linspace(0, 1, canvas.shape[1], dtype=np.float32), canvas.shape[:2])


def _with_depth(canvas: Pixels, depth: int) -> Pixels:
    if depth == 32:
        return canvas.astype(np.float32)
    peak, kind = {8: (255, np.uint8), 16: (65535, np.uint16)}[depth]
    whole: Pixels = np.rint(canvas * peak).astype(kind)
    return whole


def skimage_photos() -> dict[str, Pixels]:
    """Return the pictures inside scikit-image's wheel that need no download, BGR or gray, by name.

    Empty where scikit-image is not installed.
    """
    found = {path.stem: cv2.imread(str(path), cv2.IMREAD_ANYCOLOR) for path in skimage_files()}
    return {name: pixels for name, pixels in found.items() if pixels is not None}


def skimage_files() -> list[Path]:
    """Return the files of `skimage_photos`, as they lie in the wheel."""
    skimage = pytest.importorskip("skimage")
    folder = Path(skimage.__file__).parent / "data"
    return [folder / name for name in _IN_WHEEL if (folder / name).is_file()]


def distinct(photos: Sequence[Path], copies: int, into: Path) -> list[Path]:
    """Write `copies` shifted versions of each photo into a folder; no two files are alike.

    Version i is rolled by i + 1 rows and columns, so identical content never makes two jobs one.
    JPEGs are written at the original's quality, everything else as PNG. Photos
    go round and round in order: all of version 0, then all of version 1.
    """
    into.mkdir(parents=True, exist_ok=True)
    names: dict[tuple[Path, int], Path] = {}
    for photo in photos:
        _versions(photo, copies, into, names)
    return [names[photo, number] for number in range(copies) for photo in photos]


def _versions(photo: Path, copies: int, into: Path, names: dict[tuple[Path, int], Path]) -> None:
    pixels = cv2.imread(str(photo), cv2.IMREAD_ANYCOLOR)
    assert pixels is not None, photo
    is_jpeg = photo.suffix.lower() in {".jpg", ".jpeg"}
    options = [cv2.IMWRITE_JPEG_QUALITY, _quality(photo)] if is_jpeg else []
    for number in range(copies):
        shifted = np.roll(pixels, (number + 1, number + 1), axis=(0, 1))
        path = into / f"{photo.stem}_{number:03d}{'.jpg' if is_jpeg else '.png'}"
        assert cv2.imwrite(str(path), shifted, options)
        names[photo, number] = path


def _quality(photo: Path) -> int:
    """Return the JPEG quality of a photo, told by its luminance table (IJG's scaling)."""
    image = JpegImagePlugin.JpegImageFile(photo)
    percent = 100 * sum(image.quantization[0]) / _LUMINANCE_SUM
    image.close()
    quality = 5000 / percent if percent > 100 else (200 - percent) / 2
    return min(98, max(20, round(quality)))
