"""Whether people are to be told that the broker is away, or back. Pure."""

from dataclasses import dataclass
from typing import Final

LONG_ENOUGH: Final = 2.0
"""Seconds: a broker that is started anew is away for less."""


@dataclass(slots=True)
class Absence:
    """Since when it is away, and whether that was said."""

    _since: float | None = None
    _said: bool = False

    def look(self, now: float, *, here: bool) -> str:
        """Return what is to be said of it now: nothing, most of the time."""
        if here:
            said, self._said, self._since = self._said, False, None
            return "is back" if said else ""
        if self._since is None:
            self._since = now
        if self._said or now - self._since < LONG_ENOUGH:
            return ""
        self._said = True
        return "says nothing: waiting for it"
