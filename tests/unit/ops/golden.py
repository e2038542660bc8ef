"""The golden pictures: what each operation made of two small photographs, when somebody looked.

They are one lossless sheet, ``golden.png``, each tile under its name. The photographs themselves
are on it, so that what is compared does not hang on who made them small. Whoever changes a result
on purpose writes it anew, ``PIXMESH_TEST_GOLDEN=write``, and looks.

As a program (``python -P -m pixmesh.tests.unit.ops.golden``) it says what differs, a line each.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, PngImagePlugin

from pixmesh.ops.recipe import parse
from pixmesh.ops.registry import OWN
from pixmesh.tests.support.photos import Pixels, skimage_photos

SHEET: Final = Path(__file__).with_name("golden.png")
WRITE: Final = "PIXMESH_TEST_GOLDEN"
PHOTOS: Final = {"coffee": (66, 44), "coins": (56, 44)}
PARTS: Final = {"coffee": (600, 400), "coins": (224, 176)}
HEIGHT, WIDTH, CAPTION, ACROSS = 66, 84, 12, 12
GROUND: Final = 255

UNCHANGED: Final = frozenset({"identity", "convert", "strip", "info"})
"""What changes no pixel, and has no tile."""

RECIPES: Final = {
    "autocrop": "pad width=80 height=60 colour=gray | autocrop",
    "bilateral": "bilateral diameter=5 colour=60",
    "clahe": "clahe clip=3 tiles=2",
    "contours": "contours thickness=1",
    "crop": "crop width=40 height=30 x=5 gravity=right",
    "histogram": "histogram width=84 height=64",
    "match": "resize width=400 | match reference=itself | resize width=84",
    "lines": "lines threshold=28 length=22 gap=3 thickness=1",
    "pad": "pad width=80 height=60 colour=orange",
    "resize": "resize width=80 interpolation=cubic",
    "rotate": "rotate angle=15",
    "thumbnail": "thumbnail size=31",
    "watermark": "watermark text=Ada size=30 gravity=top"
    " | watermark picture=itself size=40 gravity=bottom-left",
}
"""Where defaults are for larger pictures."""

ENLARGED: Final = 400
"""How wide a photograph is as the other picture: ORB finds nothing in a small one."""

SMALLER: Final = (
    "erode",
    "dilate",
    "open",
    "close",
    "gradient",
    "tophat",
    "blackhat",
    "morphology",
)


@dataclass(frozen=True, slots=True)
class Near:
    """How far results may be apart from one class of CPUs to another.

    Values differ by `most` at most, but for a share of them, `stray`, that may be anything.
    """

    most: int = 0
    stray: float = 0.0

    def holds(self, found: Pixels, golden: Pixels) -> bool:
        """Whether two tiles are near enough."""
        apart = np.abs(found.astype(int) - golden)
        return bool((apart > self.most).mean() <= self.stray)


ROUNDED: Final = Near(most=1)
TOLERANCES: Final = {
    **dict.fromkeys(("gamma", "sepia", "clahe", "bilateral", "unsharp", "denoise"), ROUNDED),
    **dict.fromkeys(("sobel", "resize", "thumbnail", "sketch", "watermark"), ROUNDED),
    "rotate": Near(most=2, stray=0.002),
    "lines": Near(most=1, stray=0.02),
    "match": Near(most=2, stray=0.08),
    "watershed": Near(stray=0.02),
}
"""Where there are fractions on the way; all else is whole numbers, and the same everywhere.

A line or a border that is found one pixel further is all of its pixels: so these may stray.
"""


def operations() -> list[str]:
    """Return whose results are golden: those that need no model."""
    return [name for name, one in OWN.items() if not one.has_model and name not in UNCHANGED]


def made(name: str, photo: Pixels) -> Pixels:
    """Return what an operation makes of a photograph, on its tile."""
    recipe = f"{name} ksize=3" if name in SMALLER else RECIPES.get(name, name)
    scale = ENLARGED / photo.shape[1]
    itself = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for step in parse(recipe).steps:
        pictures = {one: itself if step.values[one] else None for one in step.operation.pictures}
        photo = step.operation.run(photo, **step.values | pictures)
    return tile(photo)


def tile(pixels: Pixels) -> Pixels:
    """Return a picture at the upper left of white ground."""
    shown = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR) if pixels.ndim == 2 else pixels
    ground = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
    ground[: shown.shape[0], : shown.shape[1]] = shown
    return ground


def read() -> dict[str, Pixels]:
    """Return the sheet's tiles by their names: a photograph's, and ``photograph/operation``."""
    with Image.open(SHEET) as sheet:
        names = str(sheet.info["names"]).split()
        pixels = cv2.cvtColor(np.asarray(sheet.convert("RGB")), cv2.COLOR_RGB2BGR)
    return {name: pixels[place] for name, place in zip(names, places(len(names)), strict=True)}


def photo(tiles: Mapping[str, Pixels], name: str) -> Pixels:
    """Return a photograph as operations get it: the second is gray."""
    width, height = PHOTOS[name]
    pixels = np.ascontiguousarray(tiles[name][:height, :width])
    return cv2.extractChannel(pixels, 0) if name == "coins" else pixels


def places(count: int) -> Iterator[tuple[slice, slice]]:
    """Yield where each tile is on the sheet."""
    for number in range(count):
        down, across = divmod(number, ACROSS)
        top, left = down * (HEIGHT + CAPTION) + CAPTION, across * (WIDTH + 2)
        yield slice(top, top + HEIGHT), slice(left, left + WIDTH)


def write(path: Path = SHEET) -> None:
    """Draw the sheet anew."""
    tiles: dict[str, Pixels] = {}
    for name, size in PHOTOS.items():
        part = skimage_photos()[name][: PARTS[name][1], : PARTS[name][0]]
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        tiles[name] = tile(small)
        tiles |= {f"{name}/{one}": made(one, small) for one in operations()}
    rows = -(-len(tiles) // ACROSS)
    sheet = np.full((rows * (HEIGHT + CAPTION), ACROSS * (WIDTH + 2), 3), GROUND, np.uint8)
    for (name, pixels), place in zip(tiles.items(), places(len(tiles)), strict=True):
        sheet[place] = pixels
        corner = (place[1].start, place[0].start - 3)
        text = name.rpartition("/")[2]
        cv2.putText(sheet, text, corner, cv2.FONT_HERSHEY_PLAIN, 0.7, (0, 0, 0), 1)
    told = PngImagePlugin.PngInfo()
    told.add_text("names", " ".join(tiles))
    rgb = Image.fromarray(cv2.cvtColor(sheet, cv2.COLOR_BGR2RGB))
    rgb.save(path, pnginfo=told, optimize=True)


def differing(tiles: Mapping[str, Pixels]) -> Iterator[str]:
    """Yield what is not as golden as it should be, by its name on the sheet."""
    for name in PHOTOS:
        shown = photo(tiles, name)
        for one in operations():
            key = f"{name}/{one}"
            golden = tiles.get(key)
            near = TOLERANCES.get(one, Near())
            if golden is None or not near.holds(made(one, shown), golden):
                yield key


if __name__ == "__main__":
    for key in differing(read()):
        sys.stdout.write(f"{key}\n")
