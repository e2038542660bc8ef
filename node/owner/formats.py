"""How an output is written, and which extension it has. Pure."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ...ops import raw
from ...ops.process import SAME, Output, extension, output_for
from ...ops.recipe import Recipe
from ..errors import UsageError

_MEANINGS: Final = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), "jpeg"),
    **dict.fromkeys((".tif", ".tiff"), "tiff"),
    **dict.fromkeys((".jp2", ".j2k"), "jp2"),
    **dict.fromkeys((".bmp", ".dib"), "bmp"),
    **{f".{name}": name for name in ("png", "webp", "avif", "npy")},
}
_CONVERTED: Final = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "jpeg"),
    **dict.fromkeys(raw.SUFFIXES, "jpeg"),
    ".gif": "png",
}


def output_of(recipe: Recipe, output: Output) -> Output:
    """Return how this recipe's results are written: data as JSON. Raises UsageError."""
    try:
        return output_for(recipe, output)
    except ValueError as error:
        raise UsageError(str(error), remedy="leave --format out") from error


def extension_for(output: Output) -> Callable[[str], str | None]:
    """Return what tells the extension to write for a source's name; None where it stays."""

    def chosen(name: str) -> str | None:
        suffix = Path(name).suffix.lower()
        form = output.format if output.format != SAME else _CONVERTED.get(suffix)
        return None if form is None or _MEANINGS.get(suffix) == form else extension(form)

    return chosen


def converted_kinds(names: Sequence[str], output: Output) -> dict[str, str]:
    """Return which suffixes are written as which format because their own cannot be."""
    if output.format != SAME:
        return {}
    suffixes = {Path(name).suffix.lower() for name in names}
    return {suffix: _CONVERTED[suffix] for suffix in sorted(suffixes & _CONVERTED.keys())}
