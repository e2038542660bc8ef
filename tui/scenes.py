"""Landscapes for the demo: mountains, sea, city, planet, nebula, forest.

Each draws one canvas of (height, width) from a generator; the variant chooses the palette.
"""

import cv2
import numpy as np

from .canvas import (
    Canvas,
    Colour,
    Field,
    blend,
    colour,
    disc,
    glow,
    grid,
    line_noise,
    noise,
    ramp,
    sky,
    stars,
)

Size = tuple[int, int]
Random = np.random.Generator

_DUSK: tuple[tuple[Colour, ...], ...] = (
    ("#1b2a4e", "#4b4b82", "#b5657d", "#f0a070", "#ffd9a0"),
    ("#0e3b43", "#357266", "#a3bba0", "#e8dfb0", "#fff4d0"),
    ("#2b1a3f", "#5e2a5e", "#c0476b", "#ff8c5a", "#ffe29a"),
)


def mountains(random: Random, size: Size, variant: int) -> Canvas:
    """Ridges behind ridges, paler with distance, under a low sun."""
    palette = _DUSK[variant % len(_DUSK)]
    canvas = sky(size, palette)
    x = float(random.uniform(-0.7, 0.7))
    canvas = glow(canvas, x=x, y=-0.2, radius=0.7, tint="#66402a")
    canvas = blend(canvas, disc(size, x=x, y=-0.3, radius=0.13), colour("#fff3d6"))
    layers = 6
    for layer in range(layers):
        near = (layer + 1) / layers
        heights = line_noise(random, size[1], cells=2 + layer, octaves=7)
        top = 0.42 + 0.1 * layer - heights * (0.26 - 0.02 * layer)
        tint = colour(palette[-2]) * (1 - near) * 0.85 + colour(palette[0]) * 0.55 * near
        canvas = blend(canvas, _below(size, top), tint)
        canvas = _mist(canvas, top, near, palette[-1])
    return canvas


def sea(random: Random, size: Size, variant: int) -> Canvas:
    """A sun over water, its light broken by the waves."""
    warm = variant % 2 == 0
    air = (
        ("#20356b", "#7a5c9e", "#f28f79", "#ffd58a") if warm else ("#0b3954", "#3e8fb0", "#e6f1df")
    )
    canvas = sky(size, air)
    height, width = size
    horizon = int(height * 0.56)
    x = float(random.uniform(-0.5, 0.5))
    rough = noise(random, size, cells=3)[:, : width // 5]
    clouds = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    shown = np.clip((clouds - 0.5) * 1.9, 0, 0.6).astype(np.float32)
    canvas = blend(canvas, shown, colour("#fff0e0"))
    canvas = blend(canvas, disc(size, x=x, y=0.0, radius=0.15), colour("#fffbe8"))
    canvas = glow(canvas, x=x, y=0.02, radius=0.5, tint="#553a20")
    above = canvas[horizon - 1 :: -1][: height - horizon]
    mirrored = cv2.resize(above, (width, height - horizon)).astype(np.float32)
    canvas[horizon:] = _waves(random, mirrored, air[0])
    return canvas


def city(random: Random, size: Size, variant: int) -> Canvas:
    """Towers at night, some of their windows lit, under a moon."""
    air: tuple[tuple[Colour, ...], ...] = (
        ("#050816", "#101a3c", "#2a2f66", "#7a4a7c", "#e08a6a"),
        ("#02070d", "#06202b", "#0f4a52", "#4f8a78", "#d9c27a"),
    )
    canvas = sky(size, air[variant % 2])
    canvas = stars(random, canvas, count=900, below=0.6)
    x, y = float(random.uniform(-0.9, 0.9)), -0.55
    canvas = glow(canvas, x=x, y=y, radius=0.35, tint="#2c3050")
    canvas = blend(canvas, disc(size, x=x, y=y, radius=0.12), colour("#f4efd8"))
    for layer, tint in enumerate(("#3a3566", "#211f47", "#0c0d22")):
        canvas = _towers(random, canvas, layer, colour(tint))
    return canvas


def planet(random: Random, size: Size, variant: int) -> Canvas:
    """A banded planet with a ring, lit from one side."""
    canvas = np.zeros((*size, 3), np.float32) + colour("#04050d")
    haze = np.clip(noise(random, size, cells=2) - 0.45, 0, 1)
    canvas = blend(canvas, haze, colour(("#31214f", "#123a4a")[variant % 2]))
    canvas = stars(random, canvas, count=2200)
    columns, rows = grid(size)
    x, y, radius = float(random.uniform(-0.25, 0.25)), 0.02, 0.52
    palette = (
        ("#5a3825", "#d9a066", "#f5e0bd", "#b06c49", "#f0c99a"),
        ("#17324f", "#4f8fb8", "#cfe8ef", "#2e6a99", "#9fd0dd"),
    )[variant % 2]
    far, near = _ring(random, columns - x, rows - y, radius)
    canvas = blend(canvas, far, colour(palette[2]))
    canvas = blend(canvas, disc(size, x=x, y=y, radius=radius), colour("#000000"))
    surface = _ball(random, columns - x, rows - y, radius, palette)
    canvas = blend(canvas, disc(size, x=x, y=y, radius=radius), surface)
    return blend(canvas, near, colour(palette[2]))


def nebula(random: Random, size: Size, variant: int) -> Canvas:
    """Clouds of gas: noise bent by noise, in two colours, with stars before and behind."""
    palettes: tuple[tuple[Colour, ...], ...] = (
        ("#04030c", "#1c1038", "#7a2d7a", "#f2777a", "#ffe6c0"),
        ("#02060d", "#062c40", "#1d7a8c", "#8fd6c0", "#fdf6d8"),
    )
    base = bent(noise(random, size, cells=3), noise(random, size, cells=2), 260)
    canvas = ramp(palettes[variant % 2], np.clip(base * 1.35 - 0.25, 0, 1) ** 1.4)
    dust = np.clip(noise(random, size, cells=4) * 1.8 - 0.8, 0, 0.75)
    canvas = blend(canvas, dust, colour("#06040f"))
    return stars(random, canvas, count=3500)


def forest(random: Random, size: Size, variant: int) -> Canvas:
    """Rows of firs in fog."""
    fog, far, close = (
        (("#e9efe2", "#c8d8c4", "#9dbba4"), "#a9c4ae", "#11261f"),
        (("#fbe9d7", "#f0c9a4", "#d9a27a"), "#d8a878", "#3a1712"),
    )[variant % 2]
    canvas = sky(size, fog)
    canvas = glow(canvas, x=0.4, y=-0.5, radius=0.6, tint="#3a3518")
    for layer in range(6):
        near = (layer + 1) / 6
        tint = colour(far) * (1 - near) + colour(close) * near
        ground = 0.35 + layer * 0.12 + 0.1 * line_noise(random, size[1], cells=2, octaves=4)
        mask = _below(size, ground)
        cv2.fillPoly(mask, _firs(random, size, ground, near), 1.0, cv2.LINE_AA)
        canvas = blend(canvas, mask, tint)
        canvas = _mist(canvas, ground, near, fog[0])
    return canvas


def bent(field: Field, by: Field, amount: float) -> Field:
    """Move each pixel of a field by what another field says: smoke, marble."""
    height, width = field.shape
    rows, columns = np.indices((height, width), np.float32)
    turn = by * np.float32(2 * np.pi * 1.5)
    moved = cv2.remap(
        field,
        columns + np.cos(turn) * np.float32(amount) * by,
        rows + np.sin(turn) * np.float32(amount) * by,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(moved, np.float32)


def _below(size: Size, top: Field) -> Field:
    """Return a mask of what lies below a line given as a share of the height per column."""
    rows = np.arange(size[0], dtype=np.float32)[:, None]
    mask: Field = np.clip(rows - top[None, :] * size[0] + 0.5, 0, 1)
    return mask


def _mist(canvas: Canvas, top: Field, near: float, tint: Colour) -> Canvas:
    rows = np.linspace(0, 1, canvas.shape[0], dtype=np.float32)[:, None]
    depth = np.clip((rows - top[None, :]) / 0.3, 0, 1) * np.float32(0.45 * (1 - near))
    return blend(canvas, depth, colour(tint))


def _waves(random: Random, mirrored: Canvas, deep: Colour) -> Canvas:
    height, width = mirrored.shape[:2]
    rows, columns = np.indices((height, width), np.float32)
    depth = rows / height
    swell = noise(random, (height, width), cells=10, octaves=4)
    stretched = cv2.resize(swell[:, : width // 6], (width, height), interpolation=cv2.INTER_CUBIC)
    shift = (stretched - 0.5).astype(np.float32)
    moved = cv2.remap(
        mirrored,
        columns + shift * 160 * depth,
        rows + shift * 300 * depth,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    water = blend(np.asarray(moved, np.float32), 0.25 + 0.45 * depth, colour(deep))
    crests: Field = np.clip(shift - 0.18, 0, 1)
    return water + crests[..., None] * np.float32(0.7)


def _towers(random: Random, canvas: Canvas, layer: int, tint: Field) -> Canvas:
    height, width = canvas.shape[:2]
    x = -int(random.integers(60))
    while x < width:
        wide = int(random.integers(70, 150)) + layer * 20
        tall = int(height * random.uniform(0.18, 0.5) * (1.15 - 0.18 * layer))
        top = height - tall
        left, right = max(0, x), min(width, x + wide)
        canvas[top:, left:right] = tint
        _light_windows(random, canvas, (left + 8, top + 12, right - 8), layer)
        x += wide + int(random.integers(0, 26))
    return canvas


def _light_windows(random: Random, canvas: Canvas, place: tuple[int, int, int], layer: int) -> None:
    left, top, right = place
    step, share = 16 + layer * 4, 0.22 + 0.06 * layer
    lamps = [colour(tint) for tint in ("#ffd98a", "#ffedc2", "#ffb86b", "#bfe0ff")]
    for y in range(top, canvas.shape[0] - step, step + 6):
        for x in range(left, right - step // 2, step):
            if random.random() < share:
                lamp = lamps[int(random.integers(len(lamps)))] * (0.55 + 0.15 * layer)
                canvas[y : y + step - 5, x : x + step // 2] = lamp


def _ball(
    random: Random, columns: Field, rows: Field, radius: float, palette: tuple[Colour, ...]
) -> Canvas:
    across = np.clip(columns / radius, -1, 1)
    down = np.clip(rows / radius, -1, 1)
    depth = np.sqrt(np.clip(1 - across**2 - down**2, 0, 1))
    storm = noise(random, (columns.shape[0], columns.shape[1]), cells=5) - 0.5
    bands = np.sin((down + across * 0.12 + storm * 0.12) * 17) * 0.3 + storm * 0.5 + 0.5
    light: Field = np.clip(-across * 0.65 - down * 0.35 + depth * 0.75, 0.02, 1)
    return ramp(palette, bands.astype(np.float32)) * light[..., None]


def _ring(random: Random, columns: Field, rows: Field, radius: float) -> tuple[Field, Field]:
    """Return the masks of a ring's far and near half."""
    tilted = rows * 4.2 + columns * 0.9
    distance = np.hypot(columns, tilted) / radius
    grooves = line_noise(random, 512, cells=12, octaves=4)
    place = np.clip((distance - 1.35) / 0.75 * 511, 0, 511).astype(np.int32)
    inside = (distance > 1.35) & (distance < 2.1)
    ring = np.where(inside, 0.25 + 0.65 * grooves[place], 0).astype(np.float32)
    soft = cv2.GaussianBlur(ring, (0, 0), 0.8).astype(np.float32)
    near = tilted > 0
    return soft * ~near, soft * near


def _firs(random: Random, size: Size, ground: Field, near: float) -> list[np.ndarray]:
    """Return the outlines of one row of firs."""
    height, width = size
    outlines = []
    for x in range(-20, width + 20, int(14 + 46 * near)):
        at = int(np.clip(x + random.integers(-9, 10), 0, width - 1))
        tall = height * (0.05 + 0.17 * near) * random.uniform(0.6, 1.25)
        foot = ground[at] * height + tall * 0.12
        outlines.append(_fir(at, foot, tall))
    return outlines


def _fir(x: int, foot: float, tall: float) -> np.ndarray:
    left, right = [], []
    steps = 9
    for step in range(steps):
        share = step / steps
        wide = tall * 0.24 * (share + 0.08)
        y = foot - tall * (1 - share)
        left += [(x - wide * 0.55, y), (x - wide * 1.25, y + tall / steps * 1.2)]
        right += [(x + wide * 0.55, y), (x + wide * 1.25, y + tall / steps * 1.2)]
    points = [(x, foot - tall * 1.06), *left, (x, foot), *right[::-1]]
    return np.array(points, np.float32).round().astype(np.int32)
