"""Notes of failure: for each picture that failed, ``OUT/_failed/PATH.json`` says why.

A note goes when its picture is tried again.
"""

import logging
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ..owner.names import as_unicode
from ..owner.report import PictureFailed
from .outlet import Outlet
from .places import shown

log = logging.getLogger(__name__)

FOLDER: Final = "_failed"


class FailureNotes:
    """The notes of one OUT."""

    def __init__(self, outlet: Outlet, out: Path, *, wall: Callable[[], float] = time.time) -> None:
        self._outlet = outlet
        self._folder = out / FOLDER
        self._wall = wall

    def path(self, label: str, relative: str) -> Path:
        """Return where the note about a file is."""
        return self._folder / label / f"{relative}.json"

    def write(self, label: str, relative: str, recipe: str, failed: PictureFailed) -> None:
        """Note a failure; one that cannot be noted is logged, and in the ledger all the same."""
        source = as_unicode(shown(failed.source))
        note = {
            "source": source,
            "recipe": recipe,
            "code": failed.code,
            "reason": as_unicode(failed.reason),
            "node": failed.node,
            "attempts": failed.attempts,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._wall())),
            "retry": f"pixmesh jobs retry {shlex.quote(source)}",
        }
        path = self.path(label, relative)
        try:
            self._outlet.put(path, msgspec.json.format(msgspec.json.encode(note)) + b"\n")
        except OSError as error:
            log.warning("%s cannot be written: %s", path, error.strerror or error)

    def remove(self, label: str, relative: str) -> None:
        """Take a note away, if there is one."""
        self._outlet.remove(self.path(label, relative))
