"""Events of the operating system about IN, as hints.

Owns watchdog's observer. Hints are only that: they may come twice, late or never, and name
files that are gone; whoever gets them looks for himself. Of many hints about one file one is
kept. Where there can be no events, it says so once, and sweeps have to do.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)

MOST_HINTS: Final = 10_000
PATIENCE: Final = 5.0
_EVENTS: Final[list[type[FileSystemEvent]]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileMovedEvent, FileDeletedEvent),
    *(FileAttribEvent, DirCreatedEvent, DirMovedEvent),
]


@dataclass(frozen=True, slots=True)
class Hints:
    """Paths from IN, with ``/``. ``files``: whether each was closed or moved there.

    ``folders`` came as a whole. ``too_many``: some were dropped, a sweep has to find them.
    """

    files: dict[str, bool]
    folders: tuple[str, ...]
    too_many: bool


class FolderObserver(FileSystemEventHandler):
    """Events about one folder. ``wake`` is called from another thread when there are some."""

    def __init__(self, root: Path, wake: Callable[[], None]) -> None:
        super().__init__()
        self._root = root
        self._prefix = str(root).rstrip(os.sep) + os.sep
        self._wake = wake
        self._lock = threading.Lock()
        self._files: dict[str, bool] = {}
        self._folders: dict[str, None] = {}
        self._too_many = False
        self._observer: BaseObserver | None = None

    def start(self) -> bool:
        """Begin, or begin anew; return whether events are to be expected."""
        self.stop()
        observer = Observer()
        try:
            observer.schedule(self, str(self._root), recursive=True, event_filter=_EVENTS)
            observer.start()
        except OSError as error:
            log.warning(
                "no events of %s, it is swept more often: %s%s",
                *(self._root, error.strerror or error, _advice(error)),
            )
            return False
        self._observer = observer
        return True

    def stop(self) -> None:
        """End; returns when its threads are gone."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join(PATIENCE)

    def taken(self) -> Hints:
        """Return the hints since this was last asked."""
        with self._lock:
            hints = Hints(self._files, tuple(self._folders), self._too_many)
            self._files, self._folders, self._too_many = {}, {}, False
        return hints

    # ---- watchdog's threads ---------------------------------------------------------

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Keep what an event says."""
        with self._lock:
            was_empty = not (self._files or self._folders or self._too_many)
            self._keep(event)
        if was_empty:
            self._wake()

    def _keep(self, event: FileSystemEvent) -> None:
        arrived = event.dest_path if event.event_type == "moved" else event.src_path
        for path in self._inside(arrived):
            if event.is_directory:
                self._folders[path] = None
            else:
                closed = event.event_type in {"closed", "moved"}
                self._files[path] = closed or self._files.get(path, False)
        if event.event_type == "moved" and not event.is_directory:
            for path in self._inside(event.src_path):
                self._files.setdefault(path, False)
        if len(self._files) > MOST_HINTS:
            self._files, self._too_many = {}, True

    def _inside(self, path: bytes | str) -> Iterator[str]:
        text = os.fsdecode(path)
        if text.startswith(self._prefix):
            inside = text.removeprefix(self._prefix)
            yield inside if os.sep == "/" else inside.replace(os.sep, "/")


def _advice(error: OSError) -> str:
    import errno

    if error.errno in {errno.ENOSPC, errno.EMFILE}:
        return " (fs.inotify.max_user_watches or max_user_instances is too low)"
    return ""
