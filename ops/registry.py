"""Which operations there are. To add one: write it in its file, and name it here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from . import edges, filters, geometry, tone
from .operation import Operation

OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {
        operation.name: operation
        for operation in (
            tone.IDENTITY,
            tone.GRAYSCALE,
            filters.BLUR,
            edges.CANNY,
            geometry.RESIZE,
        )
    }
)


def get(name: str) -> Operation | None:
    """Return the operation of that name, or None."""
    return OPERATIONS.get(name)


def every() -> tuple[Operation, ...]:
    """Return all operations, by name."""
    return tuple(OPERATIONS[name] for name in sorted(OPERATIONS))


def nearest(name: str, words: Iterable[str] = OPERATIONS) -> str:
    """Return the word most like `name`, or "" when none is near."""
    close = difflib.get_close_matches(name.lower(), list(words), n=1, cutoff=0.5)
    return close[0] if close else ""
