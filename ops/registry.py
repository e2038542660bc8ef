"""Which operations there are: our own, and those of plug-ins.

To add one of our own: write it in its file, and name it here.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from . import (
    caption,
    contours,
    cutout,
    edges,
    faces,
    facts,
    filters,
    geometry,
    levels,
    lines,
    match,
    morphology,
    plugins,
    segment,
    sketch,
    tone,
    watermark,
    writing,
)
from .operation import Load, Operation

OWN: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        operation.name: operation
        for operation in (
            tone.IDENTITY,
            tone.GRAYSCALE,
            tone.INVERT,
            tone.BRIGHTNESS,
            tone.CONTRAST,
            tone.GAMMA,
            tone.POSTERIZE,
            tone.SEPIA,
            tone.THRESHOLD,
            levels.EQUALIZE,
            levels.CLAHE,
            levels.NORMALIZE,
            filters.BLUR,
            filters.MEDIAN,
            filters.BILATERAL,
            filters.SHARPEN,
            filters.UNSHARP,
            filters.DENOISE,
            edges.CANNY,
            edges.SOBEL,
            edges.LAPLACIAN,
            lines.LINES,
            contours.CONTOURS,
            match.MATCH,
            morphology.ERODE,
            morphology.DILATE,
            morphology.OPEN,
            morphology.CLOSE,
            morphology.GRADIENT,
            morphology.TOPHAT,
            morphology.BLACKHAT,
            morphology.MORPHOLOGY,
            geometry.RESIZE,
            geometry.THUMBNAIL,
            geometry.CROP,
            geometry.PAD,
            geometry.ROTATE,
            geometry.FLIP,
            geometry.AUTOCROP,
            segment.WATERSHED,
            sketch.SKETCH,
            watermark.WATERMARK,
            writing.CONVERT,
            writing.STRIP,
            facts.INFO,
            facts.HISTOGRAM,
            faces.FACES,
            cutout.CUTOUT,
            caption.CAPTION,
        )
    }
)


class _All(Mapping[str, Operation]):
    """Our own operations first; packages are searched only for what is not among them."""

    def __getitem__(self, name: str) -> Operation:
        return OWN[name] if name in OWN else _others()[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*OWN, *_others()))

    def __len__(self) -> int:
        return len(OWN) + len(_others())


OPERATIONS: Final[Mapping[str, Operation]] = _All()


@functools.cache
def _others() -> Mapping[str, Operation]:
    return plugins.found(OWN)


def get(name: str) -> Operation | None:
    """Return the operation of that name, or None."""
    return OPERATIONS.get(name)


def every() -> tuple[Operation, ...]:
    """Return all operations, by name."""
    return tuple(OPERATIONS[name] for name in sorted(OPERATIONS))


def loader(model: str) -> Load:
    """Return what loads a model that takes long to. LookupError where no operation does."""
    for operation in OWN.values():
        if model in operation.models and operation.load is not None:
            return operation.load
    raise LookupError(f"no operation loads {model}")


def nearest(name: str, words: Iterable[str] = OPERATIONS) -> str:
    """Return the word most like `name`, or "" when none is near."""
    close = difflib.get_close_matches(name.lower(), list(words), n=1, cutoff=0.5)
    return close[0] if close else ""
