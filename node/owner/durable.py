"""Making files and the names in folders survive the loss of power.

Owns what differs between systems about that. It knows nothing of what the files are for.
"""

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Final

_CANNOT_SYNC_FOLDERS: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})


def sync_file(path: Path) -> None:
    """Make a file's bytes survive the loss of power. Raises OSError."""
    with path.open("r+b", buffering=0) as file:  # Windows flushes only what may be written
        _flush(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a folder's names survive the loss of power. Raises OSError."""
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


def _flush(descriptor: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):  # not every file system there can
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)
