"""How long a silent member is believed. Pure: durations are seconds, ``now`` is passed in.

    heard --3 s silent--> suspect --3 s more--> lapsed
    connection lost --0.8 s without a new one--> lapsed

A suspect gets nothing new but keeps what it has; a lapsed member loses its work.
"""

from dataclasses import dataclass

BEAT = 1.0
SUSPECT_AFTER = 3.0
LEASE = 6.0
GRACE = 0.8
STALL = 1.0


@dataclass(slots=True, eq=False)
class Lease:
    """When a member was last heard, and whether its connection is known to be gone."""

    heard: float
    cut: float | None = None

    def renew(self, now: float) -> None:
        """Note a message of the member."""
        self.heard = now
        self.cut = None

    def disconnect(self, now: float) -> None:
        """Note that its connection is gone; the first time counts."""
        if self.cut is None:
            self.cut = now

    def extend(self, seconds: float) -> None:
        """Forgive a silence in which nobody was listening."""
        self.heard += seconds
        if self.cut is not None:
            self.cut += seconds

    def suspect(self, now: float) -> bool:
        """Whether nothing new should go there."""
        return self.cut is not None or now - self.heard >= SUSPECT_AFTER

    def lapsed(self, now: float) -> bool:
        """Whether its work goes elsewhere."""
        return now >= self.deadline()

    def deadline(self) -> float:
        """When it lapses if nothing more is heard."""
        silent = self.heard + LEASE
        return silent if self.cut is None else min(silent, self.cut + GRACE)
