"""Looks at this machine for the doctor: asks the system, judges nothing."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from ...broker.interfaces import Choice, choose, named, present
from ..weights import WeightsCache
from .bounded import all_bounded
from .machine import Disk, Mount, mount_of, mounts_in

PATIENCE: Final = 1.0
TRIAL_BYTES: Final = 4096
HANGS: Final = f"no answer in {PATIENCE:.0f} s: its disk or server hangs"


def disks(state: Path) -> list[Disk]:
    """Look at the disks of the state folder and of the spool, by writing a little."""
    try:
        spool = Path(tempfile.gettempdir())
    except OSError as error:
        return [*_disks([("state", state)]), Disk("spool", "no folder", error=str(error))]
    return _disks([("state", state), ("spool", spool)])


def _disks(folders: Sequence[tuple[str, Path]]) -> list[Disk]:
    found = all_bounded([partial(_disk, *one) for one in folders], PATIENCE)
    return [
        one or Disk(use, str(folder), error=HANGS)
        for one, (use, folder) in zip(found, folders, strict=True)
    ]


def _disk(use: str, folder: Path) -> Disk:
    there = next((one for one in (folder, *folder.parents) if one.is_dir()), folder)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(TRIAL_BYTES))
            file.flush()
        return Disk(use, str(folder), shutil.disk_usage(there).free)
    except OSError as error:
        return Disk(use, str(folder), error=(error.strerror or str(error)).lower())


def mounts(folders: Sequence[Path]) -> list[tuple[str, Mount | None, str]]:
    """Return each folder, what it is mounted on, and why it cannot be looked at."""
    known = all_bounded([_mounts], PATIENCE)[0] or []
    places = all_bounded([partial(_place, one) for one in folders], PATIENCE)
    return [
        (str(folder), None, HANGS)
        if place is None
        else (str(place[0]), mount_of(place[0], known), place[1])
        for folder, place in zip(folders, places, strict=True)
    ]


def _place(folder: Path) -> tuple[Path, str]:
    try:
        place = folder.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        return folder, str(getattr(error, "strerror", None) or error).lower()
    return place, "" if place.is_dir() else "is no folder"


def _mounts() -> list[Mount]:
    try:
        return mounts_in(Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        import psutil

        parts = psutil.disk_partitions(all=True)
        return [Mount(one.mountpoint, one.fstype, "remote" in one.opts) for one in parts]


def interfaces(bind: Sequence[str]) -> Choice:
    """Return where a broker would listen. Raises NoSuchInterface."""
    return named(bind, present()) if bind else choose(present())


def models() -> tuple[list[str], list[str]]:
    """Return whose weights are here, and what is wrong with files that should be some."""
    cache = WeightsCache.open()
    here = [name for name in cache.table if cache.where(name) is not None]
    mistakes = []
    for name in cache.table:
        place = cache.folder / name
        if name not in here and any((place / one.name).exists() for one in cache.table[name].files):
            mistakes += cache.wrong(name, place)
    return here, mistakes


def attainable_files() -> int | None:
    """Return how many files a process of pixmesh can have open; None where nothing limits it."""
    if sys.platform == "win32":
        return None
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if hard == resource.RLIM_INFINITY else hard
