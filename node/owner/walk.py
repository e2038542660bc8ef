"""The walk through a folder and all that is in it.

Owns that it ends: every real folder is visited once, so links cannot make it endless; linked
folders come after all others, so that a file is found under its real path. What the files
are is no business of it.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FolderKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk to be made. ``leaves_out`` is asked for folders' names, ``refused`` is told.

    The folders in ``avoid`` are not visited.
    """

    root: Path
    leaves_out: Callable[[str], bool]
    refused: Callable[[str, OSError], None]
    avoid: frozenset[FolderKey] = frozenset()

    def files(self) -> Iterator[tuple[os.DirEntry[str], str]]:
        """Yield all that is no folder, and its path from the root."""
        visited = set(self.avoid)
        waiting, linked = [(str(self.root), "")], list[tuple[str, str]]()
        while waiting or linked:
            folder, relative = waiting.pop() if waiting else linked.pop(0)
            key = folder_key(folder)
            if key is not None and key in visited:
                continue
            visited.update([key] if key else [])
            for entry in self._entries(folder):
                inside = f"{relative}{entry.name}"
                if not _is_folder(entry):
                    yield entry, inside
                elif not self.leaves_out(entry.name):
                    kind = linked if entry.is_symlink() else waiting
                    kind.append((entry.path, inside + os.sep))

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.refused(folder, error)
        else:
            yield from found


def folder_key(folder: str | Path) -> FolderKey | None:
    """Return what is equal for names of the same folder; None where there is none."""
    try:
        found = os.stat(folder)  # noqa: PTH116  # runs per folder, given as text
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
