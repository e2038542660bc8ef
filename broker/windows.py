"""How much owners may ask for at a time. Pure: what keeps the broker's memory bounded.

An owner may have so many tasks outstanding, and so many bytes of pixels inline in them;
all owners together may have more, which is shared. The window that an owner is told is
what it has and its share of what is left; 0 left means: wait. The broker itself takes a
quarter more, since SETTLEDs may be on their way.
"""

from msgspec import Struct

WINDOW_TASKS = 20_000
WINDOW_BYTES = 64 * 1024**2
ALL_TASKS = 200_000
ALL_BYTES = 160 * 1024**2


class Room(Struct, frozen=True):
    """What one owner may have outstanding."""

    tasks: int
    bytes: int


class Stock(Struct):
    """What all owners have outstanding."""

    owners: int = 0
    tasks: int = 0
    bytes: int = 0

    def window(self, tasks: int, inline: int) -> Room:
        """Return what an owner that has so much may have."""
        return Room(
            tasks=min(WINDOW_TASKS, tasks + _share(ALL_TASKS - self.tasks, self.owners)),
            bytes=min(WINDOW_BYTES, inline + _share(ALL_BYTES - self.bytes, self.owners)),
        )

    def left(self, tasks: int, inline: int) -> Room:
        """Return how much more is taken of an owner that has so much: tasks, while bytes last."""
        return Room(
            tasks=min(_more(WINDOW_TASKS) - tasks, _more(ALL_TASKS) - self.tasks),
            bytes=min(_more(WINDOW_BYTES) - inline, _more(ALL_BYTES) - self.bytes),
        )


def _share(left: int, owners: int) -> int:
    return max(0, left) // max(1, owners)


def _more(most: int) -> int:
    return most + most // 4
