"""Which owner processes are alive: each holds a lock that ends with it, however it ends.

Owns one empty file per living owner, beside the ledger. Process ids would not do: they are
reused, and containers that share a state folder do not share them.
"""

import secrets
import sys
from pathlib import Path
from typing import BinaryIO


class Claim:
    """This process's sign of life, under a random name that no other ever has."""

    def __init__(self, folder: Path) -> None:
        """Make the sign. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self.owner, self._file = _claimed(folder)

    def is_alive(self, owner: str) -> bool:
        """Tell whether the process of that name still runs; sweep its file if it does not."""
        if owner == self.owner:
            return True
        path = self._folder / owner
        try:
            file = path.open("r+b")
        except OSError:
            return False
        with file:
            if not _lock(file):
                return True
            _remove(path)
            return False

    def close(self) -> None:
        """Take the sign away."""
        _remove(self._folder / self.owner)
        self._file.close()


def _claimed(folder: Path) -> tuple[str, BinaryIO]:
    while True:
        owner = secrets.token_hex(8)
        path = folder / owner
        file = path.open("x+b")
        # Between the two, another process may have swept the file as a dead one's.
        if _lock(file) and path.exists():
            return owner, file
        file.close()


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # Windows keeps a file that is open; the next one to look sweeps it
        return


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
