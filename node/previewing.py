"""Whether the next task is to be shown: while somebody looks, one a second. Pure."""

from dataclasses import dataclass

WANTED = 3.0
"""Seconds for which one question of the broker's is good."""

EVERY = 1.0


@dataclass(slots=True)
class Previewing:
    """One node's: until when somebody looks, and when something was shown last."""

    _until: float = float("-inf")
    _shown: float = float("-inf")

    def asked(self, now: float) -> None:
        """Somebody looks."""
        self._until = now + WANTED

    def next(self, now: float) -> bool:
        """Return whether the task that is given to a slot now is to be shown."""
        if now >= self._until or now - self._shown < EVERY:
            return False
        self._shown = now
        return True
