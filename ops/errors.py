"""Everything that can go wrong in this room.

    OpsError
    ├── RecipeError    the recipe's text is wrong; says where, and the nearest right thing
    └── PictureError   the picture cannot be used; a stable code, and what to do

Messages are written for the person who typed the recipe or dropped the picture.
"""

from __future__ import annotations

from typing import Final, Literal

PictureCode = Literal[
    "empty",
    "not-a-picture",
    "unsupported",
    "truncated",
    "corrupt",
    "too-large",
    "operation-failed",
    "no-weights",
    "no-reference",
    "no-rawpy",
]

REMEDIES: Final[dict[PictureCode, str]] = {
    "empty": "copy or export the picture again",
    "not-a-picture": "leave it out, or convert it to JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF",
    "unsupported": "convert it to JPEG, PNG or TIFF first",
    "truncated": "copy or download the picture again",
    "corrupt": "copy or export the picture again",
    "too-large": "raise --max-pixels, or make the picture smaller",
    "operation-failed": "try another recipe, or report the picture",
    "no-weights": "'pixmesh models pull' gets them",
    "no-reference": "ask again",
    "no-rawpy": "install the extra raw on the node",
}


class OpsError(Exception):
    """The root of this room's errors."""


class RecipeError(OpsError):
    """The recipe's text is wrong.

    `what` is one sentence, `position` the 0-based offset into `recipe` where it went wrong,
    `hint` what to write instead ("" where nothing is near).
    """

    def __init__(self, what: str, *, recipe: str, position: int, hint: str = "") -> None:
        super().__init__(what, recipe, position, hint)
        self.what = what
        self.recipe = recipe
        self.position = max(0, min(position, len(recipe)))
        self.hint = hint

    def __str__(self) -> str:
        """Show what is wrong, the recipe with a caret under the place, and the hint."""
        lines = [self.what, f"  {_one_line(self.recipe)}", f"  {' ' * self.position}^"]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword arguments through pickling and copying."""
        return _recipe_error, (self.what, self.recipe, self.position, self.hint)


class PictureError(OpsError):
    """The picture cannot be used.

    `code` is stable and for programs; `what` says what is wrong and where in the file;
    `remedy` says what to do (a good one follows from the code).
    """

    def __init__(self, code: PictureCode, what: str, *, remedy: str = "") -> None:
        super().__init__(code, what, remedy)
        self.code = code
        self.what = what
        self.remedy = remedy or REMEDIES[code]

    def __str__(self) -> str:
        """Show what is wrong, and what to do."""
        return f"{self.what}: {self.remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword arguments through pickling and copying."""
        return _picture_error, (self.code, self.what, self.remedy)


def _one_line(text: str) -> str:
    """Show control characters as one cell each, so that the caret stays under its place."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _recipe_error(what: str, recipe: str, position: int, hint: str) -> RecipeError:
    return RecipeError(what, recipe=recipe, position=position, hint=hint)


def _picture_error(code: PictureCode, what: str, remedy: str) -> PictureError:
    return PictureError(code, what, remedy=remedy)
