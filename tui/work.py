"""What a person asks for, put into the words of the rooms below: recipe, output, names.

Owns reading RECIPE, `--to` and the output's options. Opens no picture and knows no mesh.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..node.anchor import anchored
from ..node.errors import UsageError
from ..node.folder.order import Order, read_order
from ..ops import encode
from ..ops.errors import RecipeError
from ..ops.process import SAME, Output
from ..ops.recipe import Recipe, parse

EXAMPLE: Final = 'such as: pixmesh run "grayscale | canny" photos -o out'
QUOTES: Final = (
    "did you forget the quotes around the recipe? It is one argument:"
    ' pixmesh run "grayscale | blur ksize=5" photos -o out'
)


_PLAIN_OPTIONS: Final = (
    *("format", "quality", "on_exists", "on_done", "settle", "poll", "keep_times"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One recipe and the folder that its outputs go to; `label` is empty for OUT itself."""

    recipe: Recipe
    out: Path
    label: str = ""

    def with_recipe(self, recipe: Recipe) -> "Wanted":
        """Return the same with another recipe."""
        return replace(self, recipe=recipe)


def wanted(
    words: Sequence[str], to: Sequence[str], *, out: Path | None, recipes: Mapping[str, str]
) -> tuple[list[Wanted], list[str]]:
    """Read the words of the command: what to make, and the INPUTs.

    Raises UsageError, RecipeError.
    """
    if len(words) < (1 if to else 2):
        what = "INPUT: name the files and folders to process" if words else "RECIPE and no INPUT"
        raise UsageError(f"there is no {what}", remedy=QUOTES)
    if out is None:
        raise UsageError("there is no OUT: name the folder for the outputs with -o", remedy=EXAMPLE)
    if to:
        labelled = [_labelled(text, out, recipes) for text in to]
        _refuse_equal_labels([one.label for one in labelled])
        return labelled, list(words)
    return [Wanted(read_recipe(words[0], recipes), out)], list(words[1:])


def read_recipe(text: str, recipes: Mapping[str, str]) -> Recipe:
    """Return the recipe of that name in the settings, or the one that the text itself is."""
    if text not in recipes:
        try:
            return parse(text)
        except RecipeError as error:
            raise _with_a_hint(error, text) from error
    try:
        return parse(recipes[text])
    except RecipeError as error:
        raise UsageError(f"the recipe {text!r} of the settings is wrong:\n{error}") from error


def read_output(*, form: str | None, quality: int | None, max_pixels: int) -> Output:
    """Return how results are written. Raises UsageError."""
    try:
        return Output(format=form or SAME, quality=quality, max_pixels=max_pixels)
    except ValueError as error:
        raise UsageError(str(error), remedy="pixmesh run --help shows the options") from error


def formats() -> list[str]:
    """Return the formats that can be written."""
    return sorted(encode.WRITERS)


def order(wanted: Sequence[Wanted], inputs: Sequence[str], said: Mapping[str, Any]) -> Order:
    """Return the watched folder that the words and options of a command order."""
    if len(inputs) != 1:
        raise UsageError(
            f"{len(inputs)} folders to watch: {', '.join(inputs)}",
            remedy="watch one; several are [[watch]] tables of pixmesh.toml",
        )
    here = Path.cwd()
    what: dict[str, object] = {one.label: anchored(one.recipe, here).canonical() for one in wanted}
    table = {
        "in": inputs[0],
        "out": said["out"],
        **({"recipe": what[""]} if "" in what else {"to": what}),
        **{name: said[name] for name in _PLAIN_OPTIONS if said[name] is not None},
        **{name: list(said[name]) for name in ("include", "exclude") if said[name]},
    }
    try:
        return read_order(table)
    except ValueError as error:
        raise UsageError(str(error), remedy="pixmesh watch --help shows the options") from error


def _labelled(text: str, out: Path, recipes: Mapping[str, str]) -> Wanted:
    label, equals, recipe = text.partition("=")
    label = label.strip()
    if not equals or not label:
        raise UsageError(
            f"--to {text!r} is not NAME=RECIPE", remedy='write --to edges="grayscale | canny"'
        )
    if label != Path(label).name or label.startswith("."):
        raise UsageError(
            f"--to {label!r} is no name for a folder in OUT",
            remedy="use letters, digits, dashes",
        )
    return Wanted(read_recipe(recipe.strip(), recipes), out / label, label)


def _refuse_equal_labels(labels: list[str]) -> None:
    folded = [label.casefold() for label in labels]
    for label in labels:
        if folded.count(label.casefold()) > 1:
            raise UsageError(f"--to {label!r} is there twice", remedy="give each its own name")


def _with_a_hint(error: RecipeError, text: str) -> RecipeError:
    """A path where the recipe should be: the recipe itself was forgotten."""
    if not os.path.exists(text):  # noqa: PTH110  # pathlib raises for texts that are too long
        return error
    hint = f"{text!r} is a file or folder; the recipe comes first, {EXAMPLE}"
    return RecipeError(error.what, recipe=error.recipe, position=error.position, hint=hint)
