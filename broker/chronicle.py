"""What happened lately, for people: a node came or went, a picture failed, someone asks in.

Pure, and bounded: the oldest is forgotten. What happens to every task is not told here; that
is for the history.
"""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from .views import Happened, LostView

MOST = 200
MOST_LOST = 64


@dataclass(slots=True, eq=False)
class Chronicle:
    """The last that happened, and the nodes that are lost. Times are the caller's clock."""

    started: float
    _lines: deque[Happened] = field(default_factory=lambda: deque(maxlen=MOST))
    _lost: dict[str, LostView] = field(default_factory=dict)
    _number: int = 0

    def tell(self, what: str, who: str, text: str, now: float) -> None:
        """Note what happened."""
        self._number += 1
        self._lines.append(Happened(self._number, now - self.started, what, who, text))

    def came(self, name: str, slots: int, now: float) -> None:
        """A node is here, for the first time or again."""
        was = self._lost.pop(name, None)
        how = "here" if was is None else "back"
        self.tell("joined", name, f"is {how} with {slots} slot{'' if slots == 1 else 's'}", now)

    def stocked(self, name: str, came: Collection[str], now: float) -> None:
        """A node has weights that it did not have."""
        if came:
            self.tell("weights", name, f"has the weights of {', '.join(sorted(came))}", now)

    def lost(self, name: str, slots: int, why: str, moved: int, now: float) -> None:
        """A node is gone that had not said so."""
        self._lost[name] = LostView(name, slots, now - self.started, why, moved)
        while len(self._lost) > MOST_LOST:
            del self._lost[next(iter(self._lost))]
        self.tell("lost", name, f"{why}: {moved} tasks go elsewhere", now)

    def left(self, name: str, moved: int, now: float) -> None:
        """A node is gone that had said so."""
        more = f": {moved} tasks go elsewhere" if moved else ""
        self.tell("left", name, f"has left{more}", now)

    def forget(self, names: Iterable[str]) -> None:
        """Miss these no more."""
        for name in names:
            self._lost.pop(name, None)

    @property
    def missing(self) -> tuple[LostView, ...]:
        """The nodes that are lost, in the order in which they went."""
        return tuple(self._lost.values())

    @property
    def lines(self) -> tuple[Happened, ...]:
        """What happened, the oldest first."""
        return tuple(self._lines)
