"""Files that recipes name, called by whole paths: what is kept hangs on no current folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..ops.recipe import Recipe


def anchored(recipe: "Recipe", folder: Path) -> "Recipe":
    """Return the recipe with its files looked for from a folder on. RecipeError if too long."""
    from ..ops.reference import read

    return recipe.with_pictures(
        lambda name: name if read(name) is not None else str(folder / expanded(name))
    )


def anchored_text(text: str, folder: Path) -> str:
    """Return a recipe's text so; as it is where it names no file so, or is no recipe."""
    from ..ops.errors import RecipeError  # settings are read by commands that need no recipe
    from ..ops.recipe import parse

    try:
        recipe = parse(text)
        return anchored(recipe, folder).canonical() if relative_files(recipe) else text
    except RecipeError:
        return text  # whoever uses it is told what is wrong with it


def relative_files(recipe: "Recipe") -> list[str]:
    """Return the files that a recipe names otherwise than by a whole path."""
    from ..ops.reference import read

    named = [name for name in recipe.pictures() if read(name) is None]
    return [name for name in named if not expanded(name).is_absolute()]


def expanded(name: str) -> Path:
    """Return the path that a name stands for, ``~`` being the home folder."""
    return Path(os.path.expanduser(name))  # noqa: PTH111  # pathlib raises for users unknown
