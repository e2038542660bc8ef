"""IN as a folder that this machine has: on a disk, or on a share that is mounted.

Owns looking at files, and noticing that the folder went away. A share that is unmounted leaves
an empty folder behind: that is not a folder without files, so what is mounted there counts.
"""

import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ...ops.errors import PictureError
from ..errors import SourceChanged, UsageError
from ..owner.inputs import EXTENSIONS, Origin, Picture, is_left_out, starts_like_picture
from ..owner.job import FileIdentity
from ..owner.walk import Walk, folder_key
from .inlet import Found, Kind, Unavailable, Verdict
from .mounts import Mount, mount_of
from .moving import move

log = logging.getLogger(__name__)

LARGEST_LOOK: Final = 64 * 1024 * 1024
"""Bytes up to which a file is read to see whether it is complete."""

UNFINISHED: Final = frozenset({"empty", "truncated", "not-a-picture", "corrupt"})
"""What a picture that is being written looks like; all else is as it will be."""


class LocalInlet:
    """A folder; implements inlet.Inlet. ``wants`` is asked for paths from there."""

    appears_whole = False

    def __init__(self, folder: Path, *, wants: Callable[[str], bool]) -> None:
        """Raises UsageError where there is no such folder."""
        self.root = Path(os.path.realpath(folder))
        self._wants = wants
        key = folder_key(self.root)
        if key is None or not self.root.is_dir():
            raise UsageError(f"there is no folder {folder}", remedy="make it, or name another IN")
        self._device = key[0]
        self._mount: Mount = mount_of(self.root)
        self.is_local = not self._mount.is_network
        self._unreadable: set[str] = set()

    @property
    def kind(self) -> str:
        """The kind of file system that it is on."""
        return self._mount.kind

    def close(self) -> None:
        """Hold nothing."""

    def check(self) -> None:
        """Raise Unavailable where the folder is gone, or what is mounted there changed."""
        key = folder_key(self.root)
        if key is None:
            raise Unavailable(f"{self.root} is not there")
        if key[0] == self._device:
            return
        if mount_of(self.root).point != self._mount.point:
            raise Unavailable(f"{self._mount.point} is not mounted")
        log.warning("%s is mounted anew", self._mount.point)
        self._device = key[0]

    def sweep(self) -> Iterator[Found]:
        """Yield every file that may be a picture by its name."""
        return self._files_in(self.root, "")

    def walk(self, relative: str) -> Iterator[Found]:
        """Yield the same for one folder in it; nothing where it is none, or left out."""
        folder = self.root / relative
        if self._is_left_out(relative) or folder.is_symlink() or not folder.is_dir():
            return iter(())
        return self._files_in(folder, f"{relative}/")

    def _files_in(self, folder: Path, prefix: str) -> Iterator[Found]:
        for entry, inside in Walk(folder, is_left_out, self._refused).files():
            relative = prefix + _slashed(inside)
            if not is_left_out(entry.name) and self._wants(relative):
                identity = self._identity(entry.path)
                if identity is not None:
                    yield Found(relative, identity)

    def look(self, relative: str) -> FileIdentity | None:
        """Return what the file is now."""
        if self._is_left_out(relative) or not self._wants(relative):
            return None
        return self._identity(str(self.root / relative))

    def judge(self, relative: str, identity: FileIdentity) -> Verdict:
        """Look into a file."""
        path = self.root / relative
        if self._identity(str(path)) != identity:
            return Verdict(Kind.GONE)
        says_picture = path.suffix.lower() in EXTENSIONS
        if not says_picture and not starts_like_picture(str(path)):
            return Verdict(Kind.OTHER)
        if identity.size > LARGEST_LOOK:
            return Verdict(Kind.UNPROVED)
        try:
            _check_whole(path)
        except PictureError as error:
            kind = Kind.PARTIAL if error.code in UNFINISHED else Kind.WHOLE
            return Verdict(kind, error.what)
        except OSError as error:  # it fails with its reason, when it is worked on
            return Verdict(Kind.WHOLE, error.strerror or str(error))
        return Verdict(Kind.WHOLE)

    def is_gone(self, source: Path) -> bool:
        """Tell whether a file is of IN and is not there any more."""
        return self.root in source.parents and not os.path.lexists(source)

    def fetch(self, relative: str, identity: FileIdentity) -> Picture:
        """Return the file itself."""
        path = self.root / relative
        found = path.stat()
        if self._seen(found) != identity:
            raise SourceChanged(f"{path} changed")
        return Picture(
            path=path,
            root=self.root,
            relative=str(Path(relative)),
            named=False,
            identity=FileIdentity.seen(found),
            origin=None if self.is_local else Origin(path, identity),
        )

    def release(self, picture: Picture) -> None:
        """Leave the file where it is."""

    def move(self, relative: str, identity: FileIdentity, to: Path) -> None:
        """Move a file below a folder, keeping its path; never over another."""
        path = self.root / relative
        if self._identity(str(path)) != identity:
            raise SourceChanged(f"{path} changed since it was worked on")
        move(path, to / relative)

    def _identity(self, path: str) -> FileIdentity | None:
        try:
            # Not entry.stat(): on Windows that has no inode.
            found = os.stat(path)  # noqa: PTH116  # hot
        except OSError:
            return None
        return self._seen(found) if stat.S_ISREG(found.st_mode) else None

    def _seen(self, found: os.stat_result) -> FileIdentity:
        """Leave out the inodes of a share: they may be others each time that it is mounted."""
        inode = found.st_ino if self.is_local else 0
        return FileIdentity(found.st_size, found.st_mtime_ns, inode)

    def _is_left_out(self, relative: str) -> bool:
        return any(is_left_out(part) for part in relative.split("/"))

    def _refused(self, folder: str, error: OSError) -> None:
        if folder not in self._unreadable and not isinstance(error, FileNotFoundError):
            self._unreadable.add(folder)
            log.warning("%s cannot be read: %s", folder, error.strerror)


def _slashed(path: str) -> str:
    return path if os.sep == "/" else path.replace(os.sep, "/")


def _check_whole(path: Path) -> None:
    """Raise PictureError where the picture in a file is not complete, OSError."""
    from ...ops.decode import check
    from ...ops.header import probe

    data = path.read_bytes()
    check(data, probe(data))
