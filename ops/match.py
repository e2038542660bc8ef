"""What a picture and a reference have in common: points that look alike, joined by lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .operation import Cut, Layout, Operation, Parameter, Seen, Value
from .paint import bgr
from .parameters import count as whole
from .parameters import drawing, wants_data
from .reference import read

if TYPE_CHECKING:
    import cv2

    from .picture import Pixels


EDGE: Final = 31
"""Pixels from an edge within which ORB finds nothing; of pictures much smaller it makes errors."""


@dataclass(frozen=True, slots=True)
class Matches:
    """The keypoints of a picture and of a reference, and which two are alike, the likest first."""

    picture: Sequence[cv2.KeyPoint]
    reference: Sequence[cv2.KeyPoint]
    best: Sequence[cv2.DMatch]


def found(pixels: Pixels, reference: Pixels, *, features: int, count: int) -> Matches:
    """Return the `count` likest pairs of keypoints, at most.

    ORB finds up to about `features` keypoints in each, in gray of 8 bits; two are a pair where each
    is the other's nearest by Hamming distance. Those of equal distance are in the order in which
    their keypoints were found, so that the same two pictures give the same pairs.
    """
    import cv2

    orb = cv2.ORB.create(nfeatures=features, edgeThreshold=EDGE)
    points, descriptors = _keypoints(pixels, orb)
    others, their_descriptors = _keypoints(reference, orb)
    if descriptors is None or their_descriptors is None:
        return Matches(points, others, ())
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
    pairs = matcher.match(descriptors, their_descriptors)
    best = sorted(pairs, key=lambda one: (one.distance, one.queryIdx, one.trainIdx))
    return Matches(points, others, best[:count])


def _keypoints(pixels: Pixels, orb: cv2.ORB) -> tuple[Sequence[cv2.KeyPoint], Pixels | None]:
    """Return keypoints and what describes each, a row of 32 bytes; None where there are none."""
    from .tone import eight_bit_gray

    if min(pixels.shape[:2]) <= 2 * EDGE:
        return (), None
    points, descriptors = orb.detectAndCompute(eight_bit_gray(pixels), None)
    return points, descriptors if points else None


def match(
    pixels: Pixels,
    *,
    reference: Pixels,
    features: int,
    count: int,
    colour: str,
    thickness: int,
    give: str,  # noqa: ARG001  # data is `measured`
) -> Pixels:
    """Return the picture, on its right the reference, and lines from one to the other.

    8-bit BGR, alpha left out; black where one of them is lower. A point of the picture is where it
    was. Source: E. Rublee et al., "ORB: an efficient alternative to SIFT or SURF", 2011; `cv2.ORB`,
    `cv2.BFMatcher`, `cv2.drawMatches`.
    """
    import cv2
    import numpy as np

    from .segment import eight_bit_bgr

    matches = found(pixels, reference, features=features, count=count)
    left, right = eight_bit_bgr(pixels), eight_bit_bgr(reference)
    size = max(left.shape[0], right.shape[0]), left.shape[1] + right.shape[1], 3
    return cv2.drawMatches(
        left,
        matches.picture,
        right,
        matches.reference,
        matches.best,
        np.zeros(size, np.uint8),
        matchesThickness=thickness,
        matchColor=bgr(colour),
        flags=cv2.DRAW_MATCHES_FLAGS_NOT_DRAW_SINGLE_POINTS,
    )


def measured(
    seen: Seen, *, reference: Pixels, features: int, count: int, **_drawing: object
) -> dict[str, object]:
    """Return how many keypoints each has, and of each pair both points and their distance."""
    matches = found(seen.pixels, reference, features=features, count=count)
    return {
        "keypoints": {"picture": len(matches.picture), "reference": len(matches.reference)},
        "matches": [_told(one, matches) for one in matches.best],
    }


def _told(pair: cv2.DMatch, matches: Matches) -> Mapping[str, object]:
    point, other = matches.picture[pair.queryIdx].pt, matches.reference[pair.trainIdx].pt
    return {
        "picture": [round(value, 1) for value in point],
        "reference": [round(value, 1) for value in other],
        "distance": round(pair.distance),
    }


def _side_by_side(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    known = read(str(arguments["reference"]))
    other = known.layout if known is not None else Layout(0, 0, 3, 1)
    width, height = layout.width + other.width, max(layout.height, other.height)
    return Layout(width, height, channels=3, sample_bytes=1)


def _complaint(arguments: Mapping[str, Value]) -> str:
    return "" if arguments["reference"] else "match needs a reference: the file of a picture"


MATCH = Operation(
    name="match",
    help="find what it has in common with another picture",
    run=match,
    parameters=(
        Parameter(
            name="reference", kind="picture", default="", help="to be named; shown on its right"
        ),
        whole("features", 500, 10, 100_000, "keypoints to find in each, about"),
        whole("count", 10, 1, 10_000, "pairs to show, the likest"),
        *drawing(),
    ),
    measure=measured,
    gives_data=wants_data,
    cut=Cut("whole"),
    cost=0.04,
    memory=16,
    source="E. Rublee et al. 2011; cv2.ORB, cv2.BFMatcher, cv2.drawMatches",
    example="match reference=other.jpg",
    layout=_side_by_side,
    complaint=_complaint,
)
