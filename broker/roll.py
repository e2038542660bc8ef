"""The roll: who was let in, and the tickets that are out, on the broker's disk.

    members.json    written whole, fsynced and renamed before anybody is told

A ticket's life is counted on the broker's monotonic clock. Over a restart it goes on from what
was left, less what has passed by that clock or by the wall clock, whichever says more. After a
boot, over which the first does not count on, a wall clock set back can give back at most what
had passed between the last change of the roll and the boot.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from .lifetime import CannotServe
from .members import Member, Members, Pass
from .private import write_private


class BadRoll(CannotServe):
    """The file cannot be read; the text says what to do. Nobody is let in on a guess."""


class Roll(Struct, frozen=True):
    """The file's content; ``until`` of each ticket is the seconds it had left at ``written``.

    That is by the wall clock, ``monotonic`` the same moment by the other.
    """

    written: float
    members: tuple[Member, ...] = ()
    tickets: tuple[Pass, ...] = ()
    monotonic: float = float("inf")
    schema: int = 1


@dataclass(frozen=True, slots=True)
class RollFile:
    """Where the roll is kept, and the two clocks."""

    path: Path
    monotonic: Callable[[], float]
    wall: Callable[[], float]

    def load(self, broker: bytes) -> Members:
        """Return who was let in; they are kept here whenever that changes. Raises BadRoll."""
        members = Members(keep=self.save, broker=broker)
        try:
            roll = msgspec.json.decode(self.path.read_bytes(), type=Roll)
        except FileNotFoundError:
            return members
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise BadRoll(
                f"{self.path} cannot be read: {error}; it says who may join: restore it, or move "
                "it away and let every machine join anew"
            ) from None
        now = self.monotonic()
        passed = max(0.0, self.wall() - roll.written, now - roll.monotonic)
        members.members = {one.key: one for one in roll.members}
        members.passes = {
            one.key: structs.replace(one, until=now + one.until - passed) for one in roll.tickets
        }
        return members

    def save(self, members: Iterable[Member], passes: Iterable[Pass]) -> None:
        """Write the roll down for good. Raises OSError."""
        now = self.monotonic()
        roll = Roll(
            written=self.wall(),
            monotonic=now,
            members=tuple(members),
            tickets=tuple(structs.replace(one, until=one.left(now)) for one in passes),
        )
        write_private(self.path, msgspec.json.encode(roll))
