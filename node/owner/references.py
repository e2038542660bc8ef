"""The files that recipes name beside the pictures they work on, read once.

Owns finding and bounding them. What was read stays in memory as long as this: a file that changes
meanwhile never makes two references of one recipe. How they go to nodes is the session's business.
"""

import stat
from pathlib import Path
from typing import Final

from ...broker.messages import MOST_REFERENCES, REFERENCE_BYTES
from ...ops import reference
from ...ops.decode import MAX_PIXELS
from ...ops.errors import PictureError
from ...ops.recipe import Recipe
from ..anchor import expanded
from ..errors import UsageError
from .source import MemorySource

NAME_IT: Final = "name its file"
_MIB: Final = 1 << 20


class References:
    """All references of one run, by their content."""

    def __init__(self, *, max_pixels: int = MAX_PIXELS) -> None:
        self._max_pixels = max_pixels
        self._sources: dict[bytes, MemorySource] = {}
        self._words: dict[str, str] = {}

    def read(self, recipe: Recipe) -> Recipe:
        """Return the recipe with its files read, and called by what is in them.

        Raises UsageError, and RecipeError where the recipe gets too long.
        """
        known = recipe.with_pictures(self._word)
        sizes = [one.nbytes for one in known.references()]
        if len(sizes) > MOST_REFERENCES:
            raise UsageError(
                f"the recipe takes {len(sizes)} references", remedy=f"{MOST_REFERENCES} at most"
            )
        if sum(sizes) > REFERENCE_BYTES:
            raise _too_large("all references of a recipe", sum(sizes))
        return known

    def of(self, recipe: Recipe) -> tuple[MemorySource, ...]:
        """Return what a recipe takes, that was read before."""
        return tuple(self._sources[one.digest] for one in recipe.references())

    def _word(self, name: str) -> str:
        known = reference.read(name)
        if known is not None:
            if known.digest not in self._sources:
                what = f"the reference {name} is not here"
                raise UsageError(what, remedy=NAME_IT)
            return name
        if name not in self._words:
            self._words[name] = self._read(name)
        return self._words[name]

    def _read(self, name: str) -> str:
        data = _bytes(name)
        try:
            found = reference.taken_from(data, max_pixels=self._max_pixels)
        except PictureError as error:
            raise UsageError(f"the reference {name}: {error.what}", remedy=error.remedy) from error
        self._sources.setdefault(found.digest, MemorySource(data, digest=found.digest))
        return found.canonical()


def _bytes(name: str) -> bytes:
    """Return all bytes of a file. Raises UsageError."""
    path = expanded(name)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"the reference {name} is no file", remedy=NAME_IT)
        if status.st_size > REFERENCE_BYTES:
            raise _too_large(f"the reference {name}", status.st_size)
        with path.open("rb") as file:
            return file.read(REFERENCE_BYTES)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        what = f"the reference {name} cannot be read: {why}"
        raise UsageError(what, remedy=f"it is looked for from {Path.cwd()} on") from error


def _too_large(what: str, size: int) -> UsageError:
    return UsageError(
        f"{what}: {size / _MIB:.0f} MiB, more than the {REFERENCE_BYTES // _MIB} that may travel",
        remedy="make it smaller, or save it as JPEG",
    )
