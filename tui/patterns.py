"""Patterns for the demo: fractal, stained glass, marble, ripples, shapes, letters.

Each draws one canvas of (height, width) from a generator; the variant chooses the palette.
"""

import cv2
import numpy as np

from .canvas import Canvas, Colour, Field, blend, colour, grid, noise, ramp, sky, softened
from .scenes import bent

Size = tuple[int, int]
Random = np.random.Generator

_BRIGHT: tuple[tuple[Colour, ...], ...] = (
    ("#f4ede1", "#e4572e", "#17bebb", "#ffc914", "#2e282a", "#76b041"),
    ("#fdf0d5", "#c1121f", "#003049", "#669bbc", "#f4a261", "#2a9d8f"),
)
_PLACES = ((-0.743_643, 0.131_825, 0.004), (-0.7453, 0.1127, 0.0065))


def fractal(random: Random, size: Size, variant: int) -> Canvas:
    """A place at the edge of the Mandelbrot set, coloured by how fast it escapes."""
    x, y, radius = _PLACES[variant % len(_PLACES)]
    radius *= float(random.uniform(0.9, 1.1))
    half = (size[0] // 2, size[1] // 2)
    columns, rows = grid(half)
    real, imaginary = columns * np.float32(radius) + np.float32(x), rows * np.float32(radius)
    speed = _escape(real.ravel(), (imaginary + np.float32(y)).ravel(), 200).reshape(half)
    speed = np.asarray(cv2.resize(speed, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    palettes: tuple[tuple[Colour, ...], ...] = (
        ("#04081f", "#0b2a6b", "#2f7fc1", "#f4f1de", "#f2a541", "#7a2e1c", "#04081f"),
        ("#12061f", "#5b1a6b", "#d1497b", "#ffd6a5", "#3fa7a0", "#123a4a", "#12061f"),
    )
    turns = np.log1p(np.maximum(speed, 0)) * np.float32(1.15)
    canvas = ramp(palettes[variant % 2], (turns % 1).astype(np.float32))
    return np.where((speed <= 1)[..., None], colour("#05060f"), canvas).astype(np.float32)


def glass(random: Random, size: Size, variant: int) -> Canvas:
    """A stained-glass window: the cells of random points, each pane lit unevenly."""
    height, width = size
    points = np.full(size, 255, np.uint8)
    count = 260
    at = (random.integers(0, height, count), random.integers(0, width, count))
    points[at] = 0
    _, labels = cv2.distanceTransformWithLabels(
        points, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    palette = _BRIGHT[variant % 2]
    panes = np.array([colour(tint) for tint in palette[1:]], np.float32)
    chosen = panes[random.integers(0, len(panes), labels.max() + 1)]
    chosen *= random.uniform(0.7, 1.25, (len(chosen), 1)).astype(np.float32)
    light = 0.55 + 0.75 * noise(random, size, cells=2, octaves=3)
    canvas = chosen[labels] * light[..., None]
    lead = cv2.morphologyEx(
        labels.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((9, 9), np.uint8)
    )
    edge = cv2.GaussianBlur((lead > 0).astype(np.float32), (0, 0), 1.2)
    return blend(np.asarray(canvas, np.float32), np.asarray(edge, np.float32), colour("#14110f"))


def marble(random: Random, size: Size, variant: int) -> Canvas:
    """Polished stone: noise bent by noise, with veins where it turns."""
    palettes: tuple[tuple[Colour, ...], ...] = (
        ("#0d1b1e", "#17403f", "#3b7a6d", "#c3b299", "#f4efe6"),
        ("#2b2d42", "#5c5f7a", "#b8b8c8", "#f1efec", "#d9a441"),
    )
    field = bent(noise(random, size, cells=3), noise(random, size, cells=3), 320)
    veins = 1 - np.abs(np.sin(field * 19))
    canvas = ramp(palettes[variant % 2], field)
    return blend(canvas, np.clip(veins**6, 0, 0.8), colour("#fffaf0"))


def ripples(random: Random, size: Size, variant: int) -> Canvas:
    """Rings from several drops that meet and cancel."""
    columns, rows = grid(size)
    total: Field = np.zeros(size, np.float32)
    for _ in range(5):
        x, y = random.uniform(-1.4, 1.4), random.uniform(-1.1, 1.1)
        distance = np.hypot(columns - np.float32(x), rows - np.float32(y))
        total += np.cos(distance * 46) / (1.2 + distance * 2)
    palettes: tuple[tuple[Colour, ...], ...] = (
        ("#03071e", "#370617", "#9d0208", "#e85d04", "#ffba08", "#fff3c4"),
        ("#03045e", "#0077b6", "#48cae4", "#caf0f8", "#ffffff"),
    )
    return ramp(palettes[variant % 2], 0.5 + total * 0.34)


def shapes(random: Random, size: Size, variant: int) -> Canvas:
    """A poster of discs, rings, bars and triangles with soft shadows."""
    height, width = size
    palette = _BRIGHT[variant % 2]
    canvas = np.zeros((*size, 3), np.float32) + colour(palette[0])
    for index in range(22):
        mask = np.zeros(size, np.uint8)
        centre = (int(random.integers(width)), int(random.integers(height)))
        _one_shape(random, mask, centre, int(random.integers(60, 250)), index % 4)
        solid = mask.astype(np.float32) / np.float32(255)
        shadow = softened(np.roll(solid, (14, 10), (0, 1)), 9) * np.float32(0.35)
        canvas = blend(canvas, shadow, colour(palette[-1]) * np.float32(0.1))
        canvas = blend(canvas, solid, colour(palette[1 + int(random.integers(len(palette) - 1))]))
    return canvas


def letters(random: Random, size: Size, variant: int) -> Canvas:
    """The name, again and again, as on a printed sheet."""
    height = size[0]
    dark = variant % 2 == 0
    stops = ("#10131f", "#232b4d", "#5b4b8a") if dark else ("#ffe8d6", "#f4b393", "#e07a5f")
    canvas = sky(size, stops)
    words = ("pixmesh", "drop", "watch", "every machine", "one outcome", "broker", "node")
    ink = colour("#f6f1d1" if dark else "#2b2d42")
    y = 20
    while y < height + 120:
        scale = float(random.uniform(1.0, 5.2))
        mask = np.zeros(size, np.uint8)
        text = "  ".join(words[int(random.integers(len(words)))] for _ in range(14))
        y += int(scale * 30)
        start = (-int(random.integers(600)), y)
        cv2.putText(
            mask, text, start, cv2.FONT_HERSHEY_DUPLEX, scale, 255, int(scale * 2), cv2.LINE_AA
        )
        strength = np.float32(random.uniform(0.2, 0.95))
        canvas = blend(canvas, mask.astype(np.float32) * (strength / np.float32(255)), ink)
        y += 18
    return canvas


def _escape(real: Field, imaginary: Field, most: int) -> Field:
    """Return the smooth step at which z*z + c leaves, 0 where it stays.

    Only what has not left iterates on.
    """
    speed = np.zeros(real.shape, np.float32)
    at, x, y = np.arange(real.size), np.zeros_like(real), np.zeros_like(real)
    for step in range(1, most + 1):
        x, y = x * x - y * y + real, 2 * x * y + imaginary
        size = x * x + y * y
        gone = size > 256
        if gone.any():
            speed[at[gone]] = step + 1 - np.log2(np.log2(size[gone]) / 2)
            stay = ~gone
            x, y, at = x[stay], y[stay], at[stay]
            real, imaginary = real[stay], imaginary[stay]
    return speed


def _one_shape(
    random: Random, mask: np.ndarray, centre: tuple[int, int], reach: int, kind: int
) -> None:
    x, y = centre
    match kind:
        case 0:
            cv2.circle(mask, centre, reach // 2, 255, -1, cv2.LINE_AA)
        case 1:
            cv2.ellipse(mask, centre, (reach, reach), 0, 0, 270, 255, reach // 5, cv2.LINE_AA)
        case 2:
            box = cv2.boxPoints(((x, y), (reach * 2, reach // 4), float(random.uniform(0, 180))))
            cv2.fillConvexPoly(mask, box.astype(np.int32), 255, cv2.LINE_AA)
        case _:
            corners = [(x, y - reach), (x + reach, y + reach // 2), (x - reach, y + reach // 2)]
            cv2.fillConvexPoly(mask, np.array(corners, np.int32), 255, cv2.LINE_AA)
