"""A folder of this process's own for pixels on their way, swept when the process is gone.

    <temp>/pixmesh-<user>/<random>/        0700, made anew for each process
    <temp>/pixmesh-<user>/<random>.lock    locked while that process lives

Space is allocated before a byte is written, so that a full disk is a clear error.
"""

import errno
import getpass
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..broker.locks import lock_now
from .errors import PixmeshError
from .platform import allocate

NAME_BYTES = 4
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def blamed(error: OSError) -> tuple[str, str]:
    """Return the code and the reason with which a task ends that the spool did not serve."""
    code = "disk-full" if error.errno in _FULL else "spool"
    return code, f"the node's spool: {error.strerror}"


@contextmanager
def spool_folder(base: Path | None = None) -> Iterator[Path]:
    """Hold a private folder for as long as this process needs it; sweep dead ones."""
    home = base or _home()
    _sweep(home)
    folder, lock = _claim(home)
    with lock:
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            _remove(folder, Path(lock.name))


def source_path(folder: Path, attempt: int) -> Path:
    """Return where a node keeps a task's pixels, as they arrive."""
    return folder / f"{attempt:x}.in"


def result_path(folder: Path, attempt: int) -> Path:
    """Return where a node keeps a result too large to travel inline, until its owner has it."""
    return folder / f"{attempt:x}.out"


def seen_path(folder: Path, attempt: int) -> Path:
    """Return where a slot puts pixels that a model's process is to look at."""
    return folder / f"{attempt:x}.seen"


def made_path(folder: Path, attempt: int) -> Path:
    """Return where a model's process puts what it made of them."""
    return folder / f"{attempt:x}.made"


def attempt_paths(folder: Path, attempt: int) -> tuple[Path, ...]:
    """Return all that a node may keep of an attempt."""
    of = (source_path, result_path, seen_path, made_path)
    return tuple(path(folder, attempt) for path in of)


def reference_path(folder: Path, digest: bytes) -> Path:
    """Return where a node keeps a picture that tasks take beside their own."""
    return folder / f"{digest.hex()}.ref"


class SpoolFile:
    """A file of known size that is written in pieces and read by whoever is told its path."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(path, flags, 0o600)
        try:
            allocate(self._descriptor, size)
        except OSError:
            self.discard()
            raise

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put bytes at their place. Raises OSError."""
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        os.write(self._descriptor, data)

    def close(self) -> None:
        """Write no more; the file stays."""
        os.close(self._descriptor)

    def discard(self) -> None:
        """Write no more; the file goes."""
        os.close(self._descriptor)
        self.path.unlink(missing_ok=True)


def _claim(home: Path) -> tuple[Path, BinaryIO]:
    """Return a new folder's path and its lock, held.

    Another process may sweep the lock away before it is held: then it is tried anew.
    """
    while True:
        folder = home / secrets.token_hex(NAME_BYTES)
        lock = (home / f"{folder.name}.lock").open("a+b")
        if lock_now(lock) and _is_there(lock):
            return folder, lock
        lock.close()


def _is_there(lock: BinaryIO) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), Path(lock.name).stat())
    except FileNotFoundError:
        return False


def _home() -> Path:
    home = Path(tempfile.gettempdir()) / f"pixmesh-{getpass.getuser()}"
    home.mkdir(mode=0o700, exist_ok=True)
    if os.name == "posix" and (home.stat().st_uid != os.geteuid() or home.stat().st_mode & 0o077):
        raise PixmeshError(
            f"{home} is not yours alone", remedy=f"remove it, or set TMPDIR: chmod 700 {home}"
        )
    return home


def _remove(folder: Path, lock: Path) -> None:
    """Remove a folder, then its lock; a lock that stays lets another process try again."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        lock.unlink(missing_ok=True)


def _sweep(home: Path) -> None:
    """Remove the folders of processes that are gone; other locks there are not touched."""
    for path in home.glob(f"{'[0-9a-f]' * 2 * NAME_BYTES}.lock"):
        with path.open("a+b") as lock:
            if lock_now(lock):
                _remove(path.with_suffix(""), path)
