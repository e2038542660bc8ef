"""The README's sheet: each operation on one photograph.

Whoever adds an operation draws it anew (``python -P -m pixmesh.tests.unit.ops.sheet``), and looks.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from pixmesh.node.weights import WeightsCache
from pixmesh.ops.operation import Operation
from pixmesh.ops.picture import over_white
from pixmesh.ops.recipe import Step, parse
from pixmesh.ops.registry import OWN
from pixmesh.tests.support.photos import Pixels, skimage_photos

HEIGHT, WIDTH, CAPTION = 150, 170, 24
ACROSS: Final = 7
SIDE: Final = 450
SHOWN: Final = {
    "crop": "crop width=260 height=260",
    "pad": "pad width=700 height=560 colour=orange",
    "resize": "resize width=48 interpolation=nearest",
    "rotate": "rotate angle=15",
    "lines": "lines threshold=60 length=60",
    "match": "match reference=turned count=30 thickness=1",
    "watermark": "watermark text=pixmesh size=12",
    "faces": "faces thickness=4",
    "cutout": "cutout model=u2netp give=colour",
}


def tile(operation: Operation, photo: Pixels) -> Pixels:
    """Draw what an operation makes of a photograph, its name below; itself where that is data."""
    step = parse(SHOWN.get(operation.name, operation.name)).steps[0]
    shown = photo if step.gives_data else over_white(made(step, photo))
    shown = cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR) if shown.ndim == 2 else shown
    scale = min(WIDTH / shown.shape[1], HEIGHT / shown.shape[0])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    small = cv2.resize(shown, None, fx=scale, fy=scale, interpolation=how)
    drawn = np.full((HEIGHT + CAPTION, WIDTH + 8, 3), 255, np.uint8)
    top, left = (HEIGHT - small.shape[0]) // 2, (drawn.shape[1] - small.shape[1]) // 2
    drawn[top : top + small.shape[0], left : left + small.shape[1]] = small
    place = (8, HEIGHT + 17)
    cv2.putText(
        drawn, operation.name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA
    )
    return drawn


def made(step: Step, photo: Pixels) -> Pixels:
    model = step.operation.weights(step.values)
    given = {"weights": WeightsCache.open().find(model)} if model else {}
    turned = cv2.rotate(photo, cv2.ROTATE_90_CLOCKWISE)
    pictures = {one: turned if step.values[one] else None for one in step.operation.pictures}
    return step.operation.run(photo, **{**step.values, **pictures, **given})


def sheet() -> Pixels:
    """Draw them all."""
    photo = skimage_photos()["astronaut"]
    photo = cv2.resize(photo, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    tiles = [tile(operation, photo) for operation in OWN.values()]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % ACROSS)
    rows = [np.hstack(tiles[i : i + ACROSS]) for i in range(0, len(tiles), ACROSS)]
    return np.vstack(rows)


if __name__ == "__main__":
    place = Path(__file__).with_name("sheet.jpg")
    cv2.imwrite(str(place), sheet(), [cv2.IMWRITE_JPEG_QUALITY, 82])
