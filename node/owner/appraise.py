"""What a picture's header foretells of a job, before anything is decoded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from ...ops.process import Output
    from ...ops.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What a header foretells: seconds on the reference core, bytes of memory, size."""

    seconds: float
    memory: int
    megapixels: float


Appraise = Callable[[BinaryIO], Appraisal]
"""Look at an open picture's header; PictureError where it is hopeless already."""


def appraiser(recipe: "Recipe", output: "Output") -> Appraise:
    """Return a look at headers for one recipe and output.

    It raises PictureError for what is no picture, and for one that breaks a limit.
    """
    from ...ops.header import probe
    from ...ops.process import check_limits

    def appraise(file: BinaryIO) -> Appraisal:
        header = probe(file)
        check_limits(recipe, header, output)
        seconds = recipe.cost() * header.megapixels
        return Appraisal(seconds, recipe.memory(header), header.megapixels)

    return appraise
