"""The real disk under a commit: writing, syncing and renaming files.

Owns what differs between systems about making a file durable. It knows nothing of the
order in which its functions are called.
"""

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Final

from .job import Content
from .source import digest_of_file

_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_CANNOT_LINK: Final = frozenset(
    {errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV, errno.ENOSYS, errno.EINVAL}
    | {errno.ENOTSUP, errno.EOPNOTSUPP}
)
_CANNOT_SYNC_FOLDERS: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})


class RealDisk:
    """Files as the operating system keeps them; implements commit.Disk."""

    def __init__(self) -> None:
        self._folders: set[Path] = set()

    def write(self, temp: Path, content: Content, *, modified_ns: int | None) -> None:
        """Write a new file with the umask's permissions; leave nothing when that fails."""
        self._make_folder(temp.parent)
        try:
            with os.fdopen(os.open(temp, _NEW_FILE, 0o666), "wb") as file:
                content.write_to(file)
            if modified_ns is not None:
                os.utime(temp, ns=(modified_ns, modified_ns))
        except FileNotFoundError:
            self._folders.discard(temp.parent)
            raise

    def sync_file(self, path: Path) -> None:
        """Make a file's bytes survive the loss of power."""
        with path.open("r+b", buffering=0) as file:  # Windows flushes only what may be written
            _flush(file.fileno())

    def rename(self, temp: Path, final: Path, *, replace: bool) -> None:
        """Give a file its final name; FileExistsError where that is taken, unless replaced."""
        if replace:
            temp.replace(final)
            return
        try:
            # A link, unlike a rename, never takes the place of what is there.
            final.hardlink_to(temp)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            _rename_if_free(temp, final)
        else:
            temp.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Make a folder's names survive the loss of power."""
        if sys.platform == "win32":  # folders cannot be opened there; NTFS logs its names
            return
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _flush(descriptor)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC_FOLDERS:
                raise
        finally:
            os.close(descriptor)

    def digest(self, path: Path) -> bytes | None:
        """Return the digest of a file, or None where there is none to read."""
        try:
            with path.open("rb", buffering=0) as file:
                return digest_of_file(file)
        except OSError:
            return None

    def remove(self, path: Path) -> None:
        """Remove a file if it is there and can be removed."""
        with contextlib.suppress(OSError):
            path.unlink()

    def _make_folder(self, folder: Path) -> None:
        if folder in self._folders:
            return
        missing = []
        while not folder.is_dir() and folder != folder.parent:
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            self.sync_folder(one.parent)
        self._folders.update(missing or [folder])


def _rename_if_free(temp: Path, final: Path) -> None:
    if os.path.lexists(final):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final))
    temp.rename(final)


def _flush(descriptor: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # not every file system there can
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)
