"""What a slot has for operations beside a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from .reference import nowhere as no_reference
from .weights import Find, nowhere

if TYPE_CHECKING:
    from .operation import Seen
    from .picture import Pixels
    from .recipe import Step

Look: TypeAlias = "Callable[[str], Pixels]"
"""Returns the upright pixels of the reference that a word stands for; PictureError without it."""


class Elsewhere(Protocol):
    """Does steps in another process, in which their model is loaded."""

    def done(self, step: Step, pixels: Pixels) -> Pixels:
        """Return what a step that gives pictures makes of these pixels."""
        ...

    def measured(self, step: Step, seen: Seen) -> Mapping[str, object]:
        """Return what a step that gives data finds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """`weights` finds the folder in which a model's files are, `reference` a picture's pixels.

    Steps whose model is loaded once for all slots are done `elsewhere`, or here where that is None.
    """

    weights: Find = nowhere
    reference: Look = no_reference
    elsewhere: Elsewhere | None = None

    def elsewhere_for(self, step: Step) -> Elsewhere | None:
        """Return who does this step in another process, if one does."""
        return self.elsewhere if step.is_shared else None


NONE = Supplies()
"""Nothing: enough for operations that take pixels alone."""
