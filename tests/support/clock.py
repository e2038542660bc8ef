"""Virtual time: nothing waits, everything happens in order."""

import heapq
from collections.abc import Callable

Action = Callable[[], None]


class Clock:
    """The moment it is, and what is to happen when. What happens at one moment keeps its order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Action]] = []
        self._count = 0

    def __call__(self) -> float:
        """Return the moment, as ``time.monotonic`` does."""
        return self.now

    def after(self, seconds: float, action: Action) -> None:
        """Let something happen in so many seconds."""
        self._count += 1
        heapq.heappush(self._due, (self.now + seconds, self._count, action))

    def skewed(self, seconds: float) -> "Clock":
        """Return a clock of the same time that shows so many seconds more."""
        return _Skewed(self, seconds) if seconds else self

    def advance(self, seconds: float) -> None:
        """Let time pass, and all that is due in it happen."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            self.now, _, action = heapq.heappop(self._due)
            action()
        self.now = until

    def run(self, until: Callable[[], bool], *, most: float) -> bool:
        """Let time pass until something holds; return whether it did within ``most`` seconds."""
        end = self.now + most
        while not until():
            if not self._due or self._due[0][0] > end:
                return False
            self.now, _, action = heapq.heappop(self._due)
            action()
        return True


class _Skewed(Clock):
    """Another's time, shown with a difference."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds

    @property
    def now(self) -> float:  # type: ignore[override]
        return self._clock.now + self._seconds

    def after(self, seconds: float, action: Action) -> None:
        self._clock.after(seconds, action)
