"""How fast work goes, and when it will be done. Pure: the clock's reading is passed in."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

WINDOW: Final = 10.0
"""Seconds that the rate looks back: shorter than a mood, longer than a picture."""


@dataclass(slots=True)
class Counts:
    """How many pictures have which end. The only thing that is touched per picture."""

    total: int
    done: int = 0
    failed: int = 0
    pixels: int = 0
    cancelled: int = 0

    @property
    def ended(self) -> int:
        """How many have an outcome."""
        return self.done + self.failed + self.cancelled

    @property
    def left(self) -> int:
        """How many have none yet."""
        return max(0, self.total - self.ended)


@dataclass(slots=True)
class Pace:
    """What a counts looked like over the last seconds."""

    window: float = WINDOW
    _seen: deque[tuple[float, int, int]] = field(default_factory=deque)

    def look(self, counts: Counts, now: float) -> None:
        """Remember how far the counts is; looks older than the window are forgotten."""
        self._seen.append((now, counts.ended, counts.pixels))
        while len(self._seen) > 2 and self._seen[1][0] <= now - self.window:
            self._seen.popleft()

    @property
    def images(self) -> float:
        """Pictures per second."""
        return self._per_second(1)

    @property
    def megapixels(self) -> float:
        """Megapixels per second."""
        return self._per_second(2) / 1e6

    def seconds_left(self, counts: Counts) -> float | None:
        """Return how long the rest takes at this pace; None while it cannot be told."""
        return counts.left / self.images if self.images else None

    def _per_second(self, column: int) -> float:
        if len(self._seen) < 2:
            return 0.0
        first, last = self._seen[0], self._seen[-1]
        seconds = last[0] - first[0]
        return (last[column] - first[column]) / seconds if seconds > 0 else 0.0


def line(counts: Counts, pace: Pace) -> str:
    """Say in one line how far the work is."""
    parts = [f"{counts.done}/{counts.total} done"]
    if counts.failed:
        parts.append(f"{counts.failed} failed")
    if counts.cancelled:
        parts.append(f"{counts.cancelled} cancelled")
    parts.append(f"{counts.left} left")
    if pace.images:
        parts.append(speed(pace.images, pace.megapixels))
    seconds = pace.seconds_left(counts)
    if seconds is not None and counts.left:
        parts.append(f"{clock(seconds)} to go")
    return ", ".join(parts)


def speed(images: float, megapixels: float) -> str:
    """Write a rate, such as "61 images/s, 733 MP/s"."""
    return f"{short(images)} images/s, {short(megapixels)} MP/s"


def short(number: float) -> str:
    """Write a number with the digits that matter."""
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}" if number >= 1 else f"{number:.2f}"


def clock(seconds: float) -> str:
    """Write a duration as M:SS or H:MM:SS."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def age(seconds: float) -> str:
    """Write how long ago something was: "12s", then as a clock does."""
    return f"{seconds:.0f}s" if seconds < 60 else clock(seconds)


def counted(number: int, noun: str) -> str:
    """Write a number of things: "1 node", "3 nodes"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
