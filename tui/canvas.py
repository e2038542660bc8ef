"""What the demo's drawings are made with: colours, gradients, noise, glow.

Canvases are float32 of shape (height, width, 3), RGB from 0 to 1; fields are float32 of
shape (height, width). Everything random comes from the generator passed in.
"""

from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float32]
Canvas: TypeAlias = NDArray[np.float32]
Bytes: TypeAlias = NDArray[np.uint8]
Colour: TypeAlias = str

TILE: Final = 400
"""Side of the grain that is repeated: nobody sees where."""


def colour(text: Colour) -> Field:
    """Return "#rrggbb" as three shares."""
    return np.array([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)], np.float32)


def ramp(stops: tuple[Colour, ...], values: Field) -> Canvas:
    """Colour a field: 0 is the first stop, 1 the last, smooth in between."""
    table = np.array([colour(stop) for stop in stops], np.float32)[None]
    line = cv2.resize(table, (1024, 1), interpolation=cv2.INTER_LINEAR)[0]
    index = np.clip(values * 1023, 0, 1023).astype(np.int32)
    return np.asarray(line[index], np.float32)


def sky(size: tuple[int, int], stops: tuple[Colour, ...]) -> Canvas:
    """Return a canvas of (height, width) shaded from top to bottom."""
    rows = np.linspace(0, 1, size[0], dtype=np.float32)[:, None]
    return np.repeat(ramp(stops, rows), size[1], axis=1)


def grid(size: tuple[int, int]) -> tuple[Field, Field]:
    """Return x and y of each pixel; y runs from -1 to 1, x keeps the aspect, 0 is the middle."""
    height, width = size
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-width / height, width / height, width, dtype=np.float32)[None, :]
    return np.repeat(x, height, axis=0), np.repeat(y, width, axis=1)


def noise(
    random: np.random.Generator, size: tuple[int, int], *, cells: int = 4, octaves: int = 6
) -> Field:
    """Return fractal noise from 0 to 1: random grids of `cells`, 2 `cells`… over each other."""
    height, width = size
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        shape = (count + 3, max(4, round(count * width / height) + 3))
        rough = random.random(shape, np.float32)
        smooth = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
        total += smooth.astype(np.float32) * 0.5**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low)


def line_noise(random: np.random.Generator, length: int, *, cells: int, octaves: int) -> Field:
    """Return one row of fractal noise from 0 to 1: a ridge, a coast."""
    total = np.zeros(length, np.float32)
    for octave in range(octaves):
        knots = random.random((1, cells * 2**octave + 3), np.float32)
        total += cv2.resize(knots, (length, 1), interpolation=cv2.INTER_CUBIC)[0] * 0.5**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low)


def blend(canvas: Canvas, mask: Field, tint: Field | Canvas) -> Canvas:
    """Put a colour or another canvas over this one, in place, where the mask is 1."""
    x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    here = np.s_[y : y + height, x : x + width]
    share = mask[here][..., None]
    over = tint[here] if tint.ndim == 3 else tint
    canvas[here] += (over - canvas[here]) * share
    return canvas


def softened(mask: Field, sigma: float) -> Field:
    """Blur a mask widely, at a quarter of its size: nobody sees the difference."""
    height, width = mask.shape
    small = cv2.resize(mask, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(cv2.resize(soft, (width, height)), np.float32)


def glow(canvas: Canvas, *, x: float, y: float, radius: float, tint: Colour) -> Canvas:
    """Add light that fades from a point; coordinates are those of `grid`."""
    columns, rows = grid(canvas.shape[:2])
    distance: Field = (columns - x) ** 2 + (rows - y) ** 2
    light: Field = np.exp(-distance / np.float32(radius * radius))
    return canvas + light[..., None] * colour(tint)


def disc(size: tuple[int, int], *, x: float, y: float, radius: float) -> Field:
    """Return a mask with a soft edge of one pixel; coordinates are those of `grid`."""
    columns, rows = grid(size)
    distance: Field = np.hypot(columns - np.float32(x), rows - np.float32(y))
    mask: Field = np.clip((np.float32(radius) - distance) * np.float32(size[0] / 2) + 0.5, 0, 1)
    return mask


def stars(random: np.random.Generator, canvas: Canvas, *, count: int, below: float = 1.0) -> Canvas:
    """Sprinkle stars over the upper part of a canvas; few are bright and have a halo."""
    height, width = canvas.shape[:2]
    sharp = np.zeros((height, width), np.float32)
    ys = (random.random(count) * height * below).astype(int)
    xs = (random.random(count) * (width - 2)).astype(int)
    sharp[ys, xs] = random.random(count).astype(np.float32) ** 6
    light = cv2.GaussianBlur(sharp, (0, 0), 1.1) * 5 + cv2.GaussianBlur(sharp, (0, 0), 6) * 25
    shine: Field = np.clip(light, 0, 1)
    return canvas + shine[..., None] * colour("#eef2ff")


def finished(canvas: Canvas, random: np.random.Generator, *, grain: float = 0.012) -> Bytes:
    """Return the canvas as 8-bit BGR, with a little grain and darker corners."""
    height, width = canvas.shape[:2]
    columns, rows = grid((height, width))
    corner: Field = 1 - 0.16 * np.clip((columns**2 / 1.8 + rows**2) - 0.6, 0, 1)
    tile = random.standard_normal((TILE, TILE), np.float32) * np.float32(grain)
    speck = np.tile(tile, (height // TILE + 1, width // TILE + 1))[:height, :width]
    shaded = cv2.multiply(canvas, cv2.merge([corner, corner, corner]))
    cv2.add(shaded, cv2.merge([speck, speck, speck]), shaded)
    bytes_ = cv2.convertScaleAbs(np.maximum(shaded, 0, out=shaded), alpha=255)
    return np.asarray(cv2.cvtColor(bytes_, cv2.COLOR_RGB2BGR), np.uint8)
