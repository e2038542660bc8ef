"""Moving large pixels in chunks under the receiver's credit. Pure.

The receiver asks: GET(offset, credit) lets the sender send that many chunks from there,
no more. The sender keeps nothing between two GETs, so a lost chunk, a lost sender or a
new connection is mended by asking again at the offset reached.

    receiver                     sender
    GET 0, credit 4      ->
                         <-      CHUNK 0, 256K, 512K, 768K
    GET 1M, credit 2     ->      (after each second chunk)
"""

from collections import deque
from dataclasses import dataclass, field

from ...broker.messages import CHUNK_BYTES, Get, MemberId

CREDIT = 4
PATIENCE = 2.0
MOST_TRIES = 8
MOST_GRANTED = 4096  # each GET looks at all of them


@dataclass(slots=True)
class Fetch:
    """The receiving end of one transfer of ``size`` bytes.

    ``token`` and ``attempt`` say what is fetched, ``reached`` is how far it has come
    without a gap, ``asked`` how far credit was given.
    """

    token: bytes
    attempt: int
    size: int
    heard: float
    reached: int = 0
    asked: int = 0
    tries: int = 0

    @property
    def complete(self) -> bool:
        """Whether every byte is here."""
        return self.reached >= self.size

    @property
    def hopeless(self) -> bool:
        """Whether the sender was asked in vain too often."""
        return self.tries > MOST_TRIES

    def begin(self, now: float) -> Get:
        """Ask from the offset reached, with full credit: at first, or once more."""
        self.heard = now
        self.tries += 1
        return self._ask(self.reached, CREDIT)

    def unsent(self, now: float, again: float) -> None:
        """The way was full, so nobody was asked: ask again soon, and do not count it."""
        self.heard = now - PATIENCE + again
        self.tries = max(0, self.tries - 1)

    def accept(self, offset: int, length: int, now: float) -> bool:
        """Whether a chunk is the next one; anything else was seen or will come again."""
        expected = min(CHUNK_BYTES, self.size - self.reached)
        if offset != self.reached or length != expected or not expected:
            return False
        self.reached += length
        self.heard, self.tries = now, 0
        return True

    def more(self) -> Get | None:
        """Give credit again once half of it is used."""
        used_up = self.asked - self.reached <= CREDIT * CHUNK_BYTES // 2
        if self.asked >= self.size or not used_up:
            return None
        return self._ask(self.asked, CREDIT // 2)

    def overdue(self, now: float) -> bool:
        """Whether it is time to ask again."""
        return now - self.heard >= PATIENCE

    def _ask(self, offset: int, credit: int) -> Get:
        self.asked = offset + credit * CHUNK_BYTES
        return Get(token=self.token, attempt=self.attempt, offset=offset, credit=credit)


@dataclass(slots=True)
class Granted:
    """Chunks that a receiver gave credit for and that are not sent yet."""

    to: MemberId
    token: bytes
    attempt: int
    offset: int
    left: int


@dataclass(slots=True)
class Serving:
    """The sending end of every transfer: what may be sent, in turn between receivers."""

    granted: deque[Granted] = field(default_factory=deque)

    def grant(self, to: MemberId, get: Get) -> None:
        """Note a receiver's credit; a repeated GET replaces what was left of the last.

        What is beyond the most is passed over: who means it asks again.
        """
        for known in self.granted:
            if (known.to, known.token, known.attempt) == (to, get.token, get.attempt):
                if known.offset + known.left * CHUNK_BYTES == get.offset:
                    known.left += get.credit
                else:
                    known.offset, known.left = get.offset, get.credit
                return
        if len(self.granted) < MOST_GRANTED:
            self.granted.append(Granted(to, get.token, get.attempt, get.offset, get.credit))

    def next(self) -> Granted | None:
        """Return whose chunk is to be sent now."""
        return self.granted[0] if self.granted else None

    def sent(self, length: int) -> None:
        """Note that the chunk went out; zero bytes or a short chunk end the transfer."""
        one = self.granted.popleft()
        one.offset += length
        one.left -= 1
        if one.left > 0 and length == CHUNK_BYTES:
            self.granted.append(one)

    def refuse(self) -> None:
        """Drop the grant at the front: there is nothing to send."""
        self.granted.popleft()
