"""What attempts take beside their own pictures: fetched once, kept for those that follow.

<spool>/<digest>.part    one as it arrives
<spool>/<digest>.ref     one that is here, its digest checked: slots read it

Which are fetched, from whom, and which go, is `shelf`'s business; here are transfers and files.
"""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, assert_never

from ..broker.history import Note, ignore
from ..broker.messages import MemberId, Phase
from ..broker.wire import Buffer
from .attempts import Attempts, Held
from .net.chunks import Key, Receiver
from .net.connection import Connection
from .net.transfer import Fetch as Transfer
from .shelf import Digest, Discard, Fetch, Lost, Offer, Ready, Shelf, Step
from .spool import SpoolFile, blamed, reference_path

log = logging.getLogger(__name__)

PIXELS: Final = 0
"""The number by which GET asks an owner for what is no result: that of no attempt."""


class _Part:
    """One that arrives: a file, and the digest so far. Chunks come in order.

    A chunk takes 0.3 ms to digest: a loop that waits for other members' chunks bears that.
    """

    def __init__(self, digest: Digest, path: Path, size: int) -> None:
        self.digest = digest
        self.path = path
        self._file = SpoolFile(path, size)
        self._sum = hashlib.blake2b(digest_size=len(digest))

    def write(self, offset: int, data: Buffer) -> None:
        """Put bytes at their place. Raises OSError."""
        self._file.write(offset, data)
        self._sum.update(data)

    def is_whole(self) -> bool:
        """Whether these bytes are those that were promised."""
        return self._sum.digest() == self.digest

    def keep(self, path: Path) -> None:
        """Write no more; the file stays, under this name. Raises OSError."""
        self._file.close()
        self.path.replace(path)

    def discard(self) -> None:
        """Write no more; the file goes."""
        self._file.discard()


@dataclass(slots=True, eq=False)
class References:
    """Brings references to a node. ``note`` is told of each that is here."""

    folder: Path
    attempts: Attempts
    connection: Connection
    note: Note = ignore
    receiver: Receiver = field(init=False)
    shelf: Shelf = field(init=False)
    _parts: dict[Key, _Part] = field(default_factory=dict)
    _now: float = 0.0

    def __post_init__(self) -> None:
        self.receiver = Receiver(self.connection, self._came, self._failed)
        self.shelf = Shelf(self._is_over)

    def turn(self, now: float) -> None:
        """Take in who needs something, begin what is due, and ask again where nothing came."""
        self._now = now
        for held in self.attempts.next_lacking():
            self.shelf.want(held.id, _offers(held))
        self._do(self.shelf.steps())
        self.receiver.tick(now)

    def spoilt(self, attempt: int) -> None:
        """A slot found something that this attempt takes missing, or made it so: it was wrong."""
        held = self.attempts.held.get(attempt)
        if held is not None:
            paths = {one: reference_path(self.folder, one) for one in _offers(held)}
            self._do(self.shelf.spoilt(one for one, path in paths.items() if not path.exists()))

    def close(self) -> None:
        """Fetch nothing any more."""
        for key in tuple(self._parts):
            self.receiver.cancel(key)
            self._parts.pop(key).discard()

    def _do(self, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case Fetch(digest, offer):
                    self._fetch(digest, offer)
                case Discard(digest):
                    reference_path(self.folder, digest).unlink(missing_ok=True)
                case Ready(attempt):
                    self.attempts.supplied(attempt)
                case Lost(attempt, code, why):
                    self.attempts.unfetchable(attempt, code, why)
                case _:
                    assert_never(step)

    def _fetch(self, digest: Digest, offer: Offer) -> None:
        key = (offer.token, PIXELS)
        if key in self._parts:
            self._cannot(digest, "unreachable", "its token is another's")
            return
        try:
            part = _Part(digest, self.folder / f"{digest.hex()}.part", offer.size)
        except OSError as error:
            self._cannot(digest, *blamed(error))
            return
        self._parts[key] = part
        transfer = Transfer(offer.token, PIXELS, offer.size, heard=self._now)
        self.receiver.fetch(offer.owner, transfer, part, self._now)

    def _cannot(self, digest: Digest, code: str, why: str) -> None:
        log.warning("reference %s: %s", digest.hex()[:12], why)
        self._do(self.shelf.failed(digest, code, why))

    # ---- transfers end --------------------------------------------------------------

    def _came(self, key: Key) -> None:
        part = self._parts.pop(key)
        if not part.is_whole():
            part.discard()
            self._cannot(part.digest, "corrupted", "a reference came with another digest")
            return
        try:
            part.keep(reference_path(self.folder, part.digest))
        except OSError as error:
            part.path.unlink(missing_ok=True)
            self._cannot(part.digest, *blamed(error))
            return
        self.note("fetched", digest=part.digest)
        self._do(self.shelf.came(part.digest))

    def _failed(self, key: Key, why: str) -> None:
        part = self._parts.pop(key)
        part.discard()
        self._cannot(part.digest, "unreachable", f"a reference does not come: {why}")

    def _is_over(self, attempt: int) -> bool:
        held = self.attempts.held.get(attempt)
        return held is None or held.phase is Phase.ENDED


def _offers(held: Held) -> dict[Digest, Offer]:
    owner = MemberId(held.work.owner)
    return {one.digest: Offer(owner, one.token, one.size) for one in held.work.references}
