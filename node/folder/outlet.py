"""The folder OUT as a watcher meets it, wherever it is.

Owns the shape of that meeting, and the folder of this machine. What is committed when is
decided elsewhere.
"""

import errno
import os
import secrets
from pathlib import Path
from typing import Protocol

from ..owner.commit import Disk, temp_for
from ..owner.disk import RealDisk
from ..owner.job import Content
from ..owner.walk import folder_key
from .inlet import Unavailable


class Outlet(Disk, Protocol):
    """OUT: a commit's disk, and small files besides. All raise OSError."""

    def close(self) -> None:
        """Let go of what it holds."""
        ...

    @property
    def root(self) -> Path:
        """OUT's own name: absolute, links resolved; of a URL, see ``places``."""
        ...

    def check(self) -> None:
        """Raise Unavailable unless OUT is what it was when it was opened."""
        ...

    def exists(self, path: Path) -> bool:
        """Tell whether a name is taken."""
        ...

    def read(self, path: Path) -> bytes | None:
        """Return a small file; None where there is none."""
        ...

    def put(self, path: Path, data: bytes) -> None:
        """Write a small file, whole or not at all, in place of what is there."""
        ...


class LocalOutlet(RealDisk):
    """A folder of this machine; implements Outlet."""

    def __init__(self, out: Path) -> None:
        super().__init__()
        self.root = Path(os.path.realpath(out))
        self.make_folder(self.root)
        self._key = folder_key(self.root)

    def close(self) -> None:
        """Hold nothing."""

    def check(self) -> None:
        """Raise Unavailable where the folder is gone, or on another file system now."""
        key = folder_key(self.root)
        if key is None or self._key is None:
            raise Unavailable(f"{self.root} is not there")
        if key[0] != self._key[0]:
            raise Unavailable(f"{self.root} is on another file system now")

    def write(self, temp: Path, content: Content, *, modified_ns: int | None) -> None:
        """Write a new file, unless that would be on what lies below a share that went away."""
        try:
            self.check()
        except Unavailable as error:
            raise OSError(errno.ENODEV, str(error)) from error
        super().write(temp, content, modified_ns=modified_ns)

    def exists(self, path: Path) -> bool:
        """Tell whether a name is taken."""
        return os.path.lexists(path)

    def read(self, path: Path) -> bytes | None:
        """Return a small file."""
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def put(self, path: Path, data: bytes) -> None:
        """Write a small file, in place of what is there."""
        self.make_folder(path.parent)
        temp = temp_for(path, secrets.token_hex(8))
        try:
            temp.write_bytes(data)
            temp.replace(path)
        finally:
            self.remove(temp)
