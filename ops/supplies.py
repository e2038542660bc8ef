"""What a slot has for operations beside a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .reference import nowhere as no_reference
from .weights import Find, nowhere

if TYPE_CHECKING:
    from .picture import Pixels

Look: TypeAlias = "Callable[[str], Pixels]"
"""Returns the upright pixels of the reference that a word stands for; PictureError without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """`weights` finds the folder in which a model's files are, `reference` a picture's pixels."""

    weights: Find = nowhere
    reference: Look = no_reference


NONE = Supplies()
"""Nothing: enough for operations that take pixels alone."""
