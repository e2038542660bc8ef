"""Faces: found by YuNet, and drawn, blurred, cropped or told of."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .layouts import drawn_on
from .operation import Cut, Operation, Seen
from .paint import bgr
from .parameters import choice, count, drawing, number, wants_data
from .weights import YUNET

if TYPE_CHECKING:
    from pathlib import Path

    import cv2

    from .picture import Pixels

LANDMARKS: Final = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")
OVERLAP: Final = 0.3
MOST: Final = 5000
MARGIN: Final = 0.15
"""How much is blurred or kept around a face's box, as a share of its longer side."""


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is, in pixels of the picture: its box, five points, and how sure that is."""

    box: tuple[int, int, int, int]
    landmarks: tuple[tuple[float, float], ...]
    score: float


def found(pixels: Pixels, *, weights: Path, score: float, side: int) -> list[Face]:
    """Return the faces of a picture, the surest first.

    It is looked at with its longer side made at most `side` pixels: YuNet finds faces of some 10
    to 300 pixels.
    """
    import cv2

    from .segment import eight_bit_bgr

    seen = eight_bit_bgr(pixels)
    height, width = seen.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(seen, size, interpolation=cv2.INTER_AREA) if scale < 1 else seen
    detector = _detector(str(weights / YUNET.files[0].name))
    detector.setInputSize(size)
    detector.setScoreThreshold(score)
    _, rows = detector.detect(small)
    faces = [] if rows is None else [_face(row, width, height, size) for row in rows.tolist()]
    return sorted((face for face in faces if min(face.box[2:]) > 0), key=lambda face: -face.score)


@functools.cache
def _detector(model: str) -> cv2.FaceDetectorYN:
    import cv2

    log = cv2.utils.logging
    before = log.setLogLevel(log.LOG_LEVEL_ERROR)  # it warns of what it decides by itself
    try:
        return cv2.FaceDetectorYN.create(model, "", (1, 1), nms_threshold=OVERLAP, top_k=MOST)
    finally:
        log.setLogLevel(before)


def _face(row: list[float], width: int, height: int, size: tuple[int, int]) -> Face:
    """Return a face of a row of YuNet's: its box, cut at the picture's edges, and its points."""
    across, down = width / size[0], height / size[1]
    left, top = max(0, round(row[0] * across)), max(0, round(row[1] * down))
    right = min(width, round((row[0] + row[2]) * across))
    bottom = min(height, round((row[1] + row[3]) * down))
    points = zip(row[4:14:2], row[5:14:2], strict=True)
    landmarks = tuple((x * across, y * down) for x, y in points)
    return Face((left, top, right - left, bottom - top), landmarks, row[14])


def faces(
    pixels: Pixels,
    *,
    weights: Path,
    draw: str,
    score: float,
    side: int,
    colour: str,
    thickness: int,
    give: str,  # noqa: ARG001  # data is `measured`
) -> Pixels:
    """Return the picture in 8-bit BGR with its faces drawn, blurred, or cut to them.

    Alpha is left out. `boxes` draws each face's box and five points; `blur` makes faces
    unrecognisable; `crop` gives what all of them are in, the whole picture where there is none.
    Source: W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023;
    `cv2.FaceDetectorYN`.
    """
    from .segment import eight_bit_bgr

    known = found(pixels, weights=weights, score=score, side=side)
    seen = eight_bit_bgr(pixels)
    if draw == "crop":
        return _cropped(seen, known)
    shown = seen.copy()
    for face in known:
        if draw == "blur":
            _blur(shown, face)
        else:
            _mark(shown, face, bgr(colour), thickness)
    return shown


def _mark(shown: Pixels, face: Face, ink: tuple[int, int, int], thickness: int) -> None:
    import cv2

    cv2.rectangle(shown, face.box, ink, thickness)
    for x, y in face.landmarks:
        cv2.circle(shown, (round(x), round(y)), thickness, ink, cv2.FILLED)


def _blur(shown: Pixels, face: Face) -> None:
    """Blur an ellipse so far that some eight shades are left across it."""
    import cv2
    import numpy as np

    left, top, right, bottom = _around(shown, [face])
    part = shown[top:bottom, left:right]
    height, width = part.shape[:2]
    sigma = max(height, width) / 8
    blurred = cv2.GaussianBlur(part, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    mask = np.zeros((height, width), np.uint8)
    middle, axes = (width // 2, height // 2), (width // 2 + 1, height // 2 + 1)
    cv2.ellipse(mask, middle, axes, 0, 0, 360, 255, cv2.FILLED)
    part[mask > 0] = blurred[mask > 0]


def _cropped(seen: Pixels, known: list[Face]) -> Pixels:
    if not known:
        return seen.copy()
    left, top, right, bottom = _around(seen, known)
    return seen[top:bottom, left:right].copy()


def _around(seen: Pixels, known: list[Face]) -> tuple[int, int, int, int]:
    """Return what all these faces are in, with a margin: left, top, right, bottom."""
    margin = round(MARGIN * max(max(face.box[2:]) for face in known))
    height, width = seen.shape[:2]
    lefts, tops, widths, heights = zip(*(face.box for face in known), strict=True)
    rights = (left + width for left, width in zip(lefts, widths, strict=True))
    bottoms = (top + height for top, height in zip(tops, heights, strict=True))
    return (
        max(0, min(lefts) - margin),
        max(0, min(tops) - margin),
        min(width, max(rights) + margin),
        min(height, max(bottoms) + margin),
    )


def measured(
    seen: Seen, *, weights: Path, score: float, side: int, **_drawing: object
) -> dict[str, object]:
    """Return of every face its box (x, y, width, height), its five points and its score."""
    known = found(seen.pixels, weights=weights, score=score, side=side)
    return {"faces": [_told(face) for face in known]}


def _told(face: Face) -> Mapping[str, object]:
    points = ([round(x, 1), round(y, 1)] for x, y in face.landmarks)
    return {
        "box": list(face.box),
        "landmarks": dict(zip(LANDMARKS, points, strict=True)),
        "score": round(face.score, 4),
    }


FACES = Operation(
    name="faces",
    help="draw, blur or crop faces",
    run=faces,
    parameters=(
        choice("draw", "boxes", ("boxes", "blur", "crop"), "boxes, or what becomes of the faces"),
        number("score", 0.8, 0.01, 1, "how sure a face must be"),
        count("side", 1024, 64, 8192, "longer side at which it is looked at, in pixels"),
        *drawing(),
    ),
    weights=lambda _arguments: YUNET.name,
    measure=measured,
    gives_data=wants_data,
    cut=Cut("whole"),
    cost=0.03,
    memory=16,
    source="W. Wu, H. Peng, S. Yu 2023; cv2.FaceDetectorYN",
    example="faces draw=blur",
    layout=drawn_on,
)
