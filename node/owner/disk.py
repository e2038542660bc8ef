"""The real disk under a commit: writing, syncing and renaming files.

Owns what differs between systems about giving a file its name. It knows nothing of the
order in which its functions are called.
"""

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

from .durable import sync_file, sync_folder
from .job import Content
from .source import FileContent, digest_of_file

_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_CANNOT_LINK: Final = frozenset(
    {errno.EPERM, errno.EACCES, errno.EMLINK, errno.EXDEV, errno.ENOSYS, errno.EINVAL}
    | {errno.ENOTSUP, errno.EOPNOTSUPP}
)


class RealDisk:
    """Files as the operating system keeps them; implements commit.Disk."""

    def __init__(self) -> None:
        self._folders: set[Path] = set()

    def write(self, temp: Path, content: Content, *, modified_ns: int | None) -> None:
        """Write a new file with the umask's permissions; leave nothing when that fails."""
        self.make_folder(temp.parent)
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
        sync_file(path)

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
        sync_folder(folder)

    def digest(self, path: Path) -> bytes | None:
        """Return the digest of a file, or None where there is none to read."""
        try:
            with path.open("rb", buffering=0) as file:
                return digest_of_file(file)
        except OSError:
            return None

    def content(self, path: Path) -> FileContent:
        """Return what a file holds, to be written once more."""
        return FileContent(path)

    def remove(self, path: Path) -> None:
        """Remove a file if it is there and can be removed."""
        with contextlib.suppress(OSError):
            path.unlink()

    def make_folder(self, folder: Path) -> None:
        """Make a folder, and those above it, where there are none, to survive too."""
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
