"""Virtual time: a heap of what happens when. Nothing waits, everything happens in order."""

import heapq
from collections.abc import Callable


class Agenda:
    """The moment it is, and what is to come. What happens at one moment keeps its order."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._due: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self._count = 0

    def at(self, when: float, action: Callable[..., None], *given: object) -> None:
        """Let ``action`` happen at a moment, with what is ``given``."""
        self._count += 1
        heapq.heappush(self._due, (when, self._count, action, given))

    def run(self, until: Callable[[], bool], *, end: float) -> bool:
        """Go on until something holds; return whether it did before the ``end``."""
        while not until():
            if not self._due or self._due[0][0] > end:
                return False
            self.now, _, action, given = heapq.heappop(self._due)
            action(*given)
        return True
