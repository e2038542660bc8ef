"""What a slot has for operations beside a picture."""

from __future__ import annotations

from dataclasses import dataclass

from .weights import Find, nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """`weights` finds the folder in which a model's files are."""

    weights: Find = nowhere


NONE = Supplies()
"""Nothing: enough for operations that take pixels alone."""
