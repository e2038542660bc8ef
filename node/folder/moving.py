"""Moving a file of IN elsewhere: whole or not at all, and never over another file.

Within a file system it is one step. Across two the copy is durable before the original goes.
"""

import errno
import secrets
from pathlib import Path

from ..errors import SourceChanged
from ..owner.commit import temp_for
from ..owner.disk import RealDisk
from ..owner.job import FileIdentity
from ..owner.names import numbered
from ..owner.source import FileContent


def move(path: Path, wanted: Path) -> Path:
    """Move a file; return its new name, numbered where that is taken. Raises OSError.

    Raises SourceChanged, and leaves both as they were, where it changes meanwhile.
    """
    disk = RealDisk()
    disk.make_folder(wanted.parent)
    final, number = wanted, 1
    while not _moved(disk, path, final):
        number += 1
        final = Path(numbered(str(wanted), number))
    disk.sync_folder(final.parent)
    return final


def _moved(disk: RealDisk, path: Path, final: Path) -> bool:
    """Move a file; False where the name is taken."""
    try:
        disk.rename(path, final, replace=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _copied(disk, path, final)
    return True


def _copied(disk: RealDisk, path: Path, final: Path) -> bool:
    before = FileIdentity.of(path)
    temp = temp_for(final, secrets.token_hex(8))
    disk.write(temp, FileContent(path), modified_ns=before.mtime_ns)
    try:
        disk.sync_file(temp)
        _refuse_change(path, before)
        disk.rename(temp, final, replace=False)
        disk.sync_folder(final.parent)
    except FileExistsError:
        return False
    finally:
        disk.remove(temp)
    path.unlink()
    return True


def _refuse_change(path: Path, before: FileIdentity) -> None:
    if FileIdentity.of(path) != before:
        raise SourceChanged(f"{path} changed while it was moved")
