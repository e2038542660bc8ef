"""Results on their way to an owner: wanted, arriving, here, closed.

Memory is bounded: a result is fetched only while those that are here and not closed leave
room for it. What is verified goes to the table, which makes it the outcome; a closed one
is settled there. Only ``closed`` may be called by other threads than the session's.
"""

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from ...broker.messages import EndItem, MemberId
from ..net.chunks import Key, Receiver
from ..net.connection import Connection
from ..net.transfer import Fetch
from .content import SPOOLED_FROM, Arrived, InlineContent, MemoryContent, Received, SpooledContent
from .job import Job, JobId, Result
from .table import Entry, Place, Table

MOST_BYTES = 256 * 1024 * 1024
MOST_FETCHES = 16


class Held(Struct):  # made by the thousand: in C
    """A result that is here, and how many have not closed it yet."""

    content: Arrived
    holders: int


@dataclass(slots=True, eq=False)
class Arrivals:
    """Every result of one owner that is not let go. ``wake_up`` calls the session's thread."""

    _table: Table
    _connection: Connection
    _spool: Path
    _wake_up: Callable[[], None]
    wanted: deque[Entry] = field(default_factory=deque)
    arriving: dict[Key, tuple[Entry, Received]] = field(default_factory=dict)
    held: dict[Entry, Held] = field(default_factory=dict)
    held_bytes: int = 0
    receiver: Receiver = field(init=False)
    _closed_entries: deque[Entry] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.receiver = Receiver(self._connection, self._fetched, self._unfetchable)

    @property
    def unwritten(self) -> int:
        """How many results wait to be written: they are here, or there is no room for them yet."""
        return len(self.held) + len(self.wanted)

    @property
    def pressing(self) -> bool:
        """Whether one was closed since this turn began, by one who saw nothing wanted."""
        return bool(self.wanted and self._closed_entries)

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self.receiver.incoming:
            self.receiver.tick(now)
        if self.wanted:
            self._begin_fetches(now)

    def let_go(self) -> None:
        """Let go of what was closed."""
        while self._closed_entries:
            self._let_go(self._closed_entries.popleft())

    def abandon(self) -> None:
        """Drop what has not arrived: the session is over."""
        for _, content in self.arriving.values():
            content.discard()

    def ended(self, end: EndItem, now: float) -> None:
        """Take in a task's end; fetch its result when there is room."""
        before = self._table.entries.get(JobId(end.task))
        stale = before.end if before is not None else None
        entry = self._table.ended(end)
        if entry is None:
            return
        if stale is not None:
            self._stop_fetching((entry.item.token, stale.attempt))
        if end.inline is not None and not self.wanted and self._room_for(end):
            self._fetch(entry, end, now)
        else:
            self.wanted.append(entry)

    def _arrives(self, entry: Entry, end: EndItem) -> bool:
        """Whether this very result is on its way: an entry may be wanted twice."""
        return (entry.item.token, end.attempt) in self.arriving

    def _room_for(self, end: EndItem) -> bool:
        held = self.held_bytes
        return not held or held + end.size <= MOST_BYTES

    def _begin_fetches(self, now: float) -> None:
        while self.wanted and len(self.arriving) < MOST_FETCHES:
            entry = self.wanted[0]
            end = entry.end
            if entry.place is not Place.FETCHING or end is None or self._arrives(entry, end):
                self.wanted.popleft()
                continue
            if not self._room_for(end):
                return
            self.wanted.popleft()
            self._fetch(entry, end, now)

    def _fetch(self, entry: Entry, end: EndItem, now: float) -> None:
        if end.inline is not None:
            inline = InlineContent(end.inline, on_close=functools.partial(self.closed, entry))
            self.held_bytes += inline.size
            self._verify(entry, end, inline)
            return
        try:
            content = self._content(entry, end)
        except OSError as error:
            self._table.not_had(entry, f"no room for it here: {error.strerror}")
            return
        key = (entry.item.token, end.attempt)
        self.arriving[key] = (entry, content)
        fetch = Fetch(token=key[0], attempt=key[1], size=end.size, heard=now)
        self.receiver.fetch(MemberId(end.holder or b""), fetch, content, now)

    def _content(self, entry: Entry, end: EndItem) -> Received:
        closed = functools.partial(self.closed, entry)
        if end.size < SPOOLED_FROM:
            content: Received = MemoryContent(end.size, on_close=closed)
        else:
            path = self._spool / f"{end.attempt:x}.result"
            content = SpooledContent(path, end.size, on_close=closed)
        self.held_bytes += end.size
        return content

    def _fetched(self, key: Key) -> None:
        entry, content = self.arriving.pop(key)
        end = entry.end
        if end is None or end.attempt != key[1]:
            self._release(content)
        else:
            self._verify(entry, end, content)

    def _verify(self, entry: Entry, end: EndItem, content: Arrived) -> None:
        """Take what is here as the result, if it is what was promised."""
        if content.digest() != end.digest:
            self._release(content)
            self._table.not_had(entry, "its digest is not what the node promised")
        else:
            self.held[entry] = Held(content, len(entry.deliver))
            self._table.had(entry, _result(entry.job, end, content))

    def _unfetchable(self, key: Key, why: str) -> None:
        entry, content = self.arriving.pop(key)
        self._release(content)
        if entry.place is Place.FETCHING and entry.end is not None and entry.end.attempt == key[1]:
            self._table.not_had(entry, why)

    def _stop_fetching(self, key: Key) -> None:
        self.receiver.cancel(key)
        arriving = self.arriving.pop(key, None)
        if arriving is not None:
            self._release(arriving[1])

    def closed(self, entry: Entry) -> None:
        """One who waited for a result is done with it. Any thread.

        The session's thread sees it at its next turn: waking it for this alone would cost
        a lone task 0.1 ms. Only what waits for room is told at once.
        """
        self._closed_entries.append(entry)
        if self.wanted:
            self._wake_up()

    def _let_go(self, entry: Entry) -> None:
        held = self.held.get(entry)
        if held is None:
            return
        held.holders -= 1
        if held.holders <= 0:
            del self.held[entry]
            self._release(held.content)
            if self._table.entries.get(entry.job.id) is entry:
                self._table.settle(entry.job.id)

    def _release(self, content: Arrived) -> None:
        self.held_bytes -= content.size
        content.discard()


def _result(job: Job, end: EndItem, content: Arrived) -> Result:
    return Result(
        job=job.id,
        content=content,
        digest=end.digest or b"",
        format=end.format,
        node=end.node,
        attempts=end.attempts,
        seconds=end.seconds,
    )
