"""An agent's pixels: fetched into its spool, read by slots, served to owners from there.

<spool>/<attempt>.in     a task's pixels, as they arrive
<spool>/<attempt>.out    a result, until its owner has it
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..broker.messages import Get, MemberId
from .attempts import Attempts, Held
from .net.chunks import Gone, Key, Receiver, Sender
from .net.connection import Connection
from .net.transfer import Fetch
from .spool import SpoolFile, attempt_paths, blamed, result_path, source_path


def _nothing_to_lend(_token: bytes, _offset: int, _length: int) -> bytes:
    raise Gone("nothing is lent here")


@dataclass(slots=True, eq=False)
class Pixels:
    """Moves pixels between owners, the spool and slots; the agent itself never looks.

    ``lend`` reads what is asked for that is no attempt's: a token's bytes, from an offset.
    """

    folder: Path
    attempts: Attempts
    connection: Connection
    lend: Callable[[bytes, int, int], bytes] = _nothing_to_lend
    receiver: Receiver = field(init=False)
    sender: Sender = field(init=False)
    _files: dict[Key, tuple[int, SpoolFile]] = field(default_factory=dict)
    _keys: dict[int, Key] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.receiver = Receiver(self.connection, self._fetched, self._unfetchable)
        self.sender = Sender(self.connection, self._read)

    def fetch(self, held: Held, now: float) -> None:
        """Begin to fetch what an attempt needs from its owner."""
        task = held.item.task
        try:
            file = SpoolFile(source_path(self.folder, held.id), task.size)
        except OSError as error:
            code, why = blamed(error)
            code = code if self._could_have(task.size) else "size"
            self.attempts.unfetchable(held.id, code, why)
            return
        key = (task.token, 0)
        self._give_up_older(key)
        self._files[key] = (held.id, file)
        self._keys[held.id] = key
        fetch = Fetch(token=task.token, attempt=0, size=task.size, heard=now)
        self.receiver.fetch(MemberId(held.work.owner), fetch, file, now)

    def _could_have(self, size: int) -> bool:
        """Whether the spool could hold a file of this size if nothing else were there."""
        return 0 < size <= shutil.disk_usage(self.folder).total

    def serve(self, owner: MemberId, get: Get) -> None:
        """Let an owner have chunks of a result."""
        self.sender.serving.grant(owner, get)

    def forget(self, attempt: int) -> None:
        """Remove whatever an attempt has here."""
        key = self._keys.pop(attempt, None)
        if key is not None and key in self._files and self._files[key][0] == attempt:
            self.receiver.cancel(key)
            self._files.pop(key)[1].discard()
        for path in attempt_paths(self.folder, attempt):
            path.unlink(missing_ok=True)

    def _give_up_older(self, key: Key) -> None:
        """One task's pixels are fetched once: for the attempt that came last."""
        older = self._files.pop(key, None)
        if older is not None:
            self.receiver.cancel(key)
            older[1].discard()
            self.attempts.unfetchable(older[0], "unreachable", "another attempt took its place")

    def _fetched(self, key: Key) -> None:
        attempt, file = self._files.pop(key)
        file.close()
        self.attempts.fetched(attempt)

    def _unfetchable(self, key: Key, why: str) -> None:
        attempt, file = self._files.pop(key)
        file.discard()
        self.attempts.unfetchable(attempt, "unreachable", f"its pixels do not come: {why}")

    def _read(self, key: Key, offset: int, length: int) -> bytes:
        token, attempt = key
        if not attempt:
            return self.lend(token, offset, length)
        held = self.attempts.held.get(attempt)
        if held is None or held.end is None or held.item.task.token != token:
            raise Gone("no such result is kept here")
        with result_path(self.folder, attempt).open("rb") as file:
            file.seek(offset)
            return file.read(length)
