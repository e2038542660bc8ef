"""What a picture's header foretells of a job, before anything is decoded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from ...broker.messages import FORMAT_OF

if TYPE_CHECKING:
    from ...ops.process import Output
    from ...ops.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Appraisal:
    """What a header foretells: seconds on the reference core, bytes of memory, size.

    ``needs`` are what a node must have besides the recipe's operations.
    """

    seconds: float
    memory: int
    megapixels: float
    needs: tuple[str, ...] = ()


Appraise = Callable[[BinaryIO], Appraisal]
"""Look at an open picture's header; PictureError where it is hopeless already."""


def appraiser(recipe: "Recipe", output: "Output") -> Appraise:
    """Return a look at headers for one recipe and output.

    It raises PictureError for what is no picture, and for one that breaks a limit.
    """
    from ...ops import raw
    from ...ops.header import probe
    from ...ops.process import check_limits

    def appraise(file: BinaryIO) -> Appraisal:
        header = probe(file)
        check_limits(recipe, header, output)
        is_raw = header.format == raw.FORMAT and not recipe.is_of_header
        seconds = (recipe.cost() + (raw.COST if is_raw else 0.0)) * header.megapixels
        needs = (f"{FORMAT_OF}{raw.FORMAT}",) if is_raw else ()
        return Appraisal(seconds, recipe.memory(header), header.megapixels, needs)

    return appraise
