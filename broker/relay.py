"""Passing transfers between members that have no direct connection.

A frame in front of each message says where it goes; it leaves with one that says where
it came from, which the sender cannot choose. The relay reads nothing else. What a slow
member has not taken waits here, 64 MiB at most over all; beyond that it is dropped, and
the receiver of the transfer asks again. Pure: bytes in, bytes out.
"""

from collections import deque
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from .messages import MemberId

Frame = TypeVar("Frame", bound=Sized)

MOST_BYTES = 64 * 1024 * 1024
MOST_FRAMES = 3
OVERHEAD = 512  # what a message costs beside its bytes
TO_BROKER = b""


@dataclass(slots=True)
class Backlog(Generic[Frame]):
    """Messages that their receivers could not take at once, in order."""

    waiting: dict[MemberId, deque[list[Frame]]] = field(default_factory=dict)
    bytes: int = 0
    dropped: int = 0

    def blocked(self, member: MemberId) -> bool:
        """Whether something waits for this member already."""
        return member in self.waiting

    def put(self, member: MemberId, frames: list[Frame]) -> None:
        """Keep a message for a member that is not taking any, or drop it."""
        size = _size(frames)
        if self.bytes + size > MOST_BYTES:
            self.dropped += 1
            return
        self.bytes += size
        self.waiting.setdefault(member, deque()).append(frames)

    def members(self) -> Iterator[MemberId]:
        """Iterate over those for whom something waits."""
        return iter(list(self.waiting))

    def first(self, member: MemberId) -> list[Frame]:
        """Return the oldest message that waits for a member."""
        return self.waiting[member][0]

    def taken(self, member: MemberId) -> bool:
        """Forget the oldest message; return whether more wait."""
        queue = self.waiting[member]
        self.bytes -= _size(queue.popleft())
        if not queue:
            del self.waiting[member]
        return bool(queue)

    def forget(self, member: MemberId) -> None:
        """Drop all that waits for a member that is gone."""
        for frames in self.waiting.pop(member, ()):
            self.bytes -= _size(frames)


def _size(frames: Sequence[Sized]) -> int:
    return OVERHEAD + sum(len(frame) for frame in frames)
