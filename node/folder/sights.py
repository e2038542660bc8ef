"""What the watcher makes of what is seen of IN: hints, looks, sweeps, and IN going away.

Owns that hints lead to looks only, and that an observer whose events go missing is started
anew. It runs in the watcher's loop and waits for nothing.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, assert_never

from ..owner.job import FileIdentity
from .lookout import (
    Away,
    Back,
    Judged,
    Looked,
    Lookout,
    Moved,
    Sight,
    SweepBegan,
    SweepEnded,
    Swept,
)
from .naming import Namesakes
from .observer import FolderObserver
from .places import shown
from .stages import Stages

log = logging.getLogger(__name__)

SILENT: Final = 15.0


@dataclass(slots=True, kw_only=True)
class Sights:
    """What is seen of one IN. ``observer`` is missing where there are no events.

    ``unreadable`` files are tried again when an event names them: permissions change neither
    size nor time.
    """

    stages: Stages
    namesakes: Namesakes
    lookout: Lookout
    observer: FolderObserver | None
    clock: Callable[[], float] = time.monotonic
    away: str = ""
    unreadable: set[str] = field(default_factory=set)
    _unhinted: set[str] = field(default_factory=set)
    _sweeps: int = 0

    def begin(self) -> None:
        """Begin to look."""
        if self.observer is not None and not self.observer.start():
            self.lookout.hurry()
        self.lookout.start()

    def end(self) -> None:
        """Look no more."""
        if self.observer is not None:
            self.observer.stop()
        self.lookout.end()

    def paused(self) -> str:
        """Return why nothing can be seen now; nothing where all is well."""
        silent = self.lookout.silent_for(self.clock())
        if silent > SILENT:
            return f"{shown(self.lookout.root)} has not answered for {silent:.0f} s"
        return self.away

    def take_hints(self) -> None:
        """Have a look at what the observer's events name."""
        if self.observer is None:
            return
        hints = self.observer.taken()
        for relative, closed in hints.files.items():
            self._unhinted.discard(relative)
            self.lookout.look(relative, closed=closed)
        for folder in hints.folders:
            self.lookout.walk(folder)
        if hints.too_many:
            self.lookout.sweep()

    def take(self, sight: Sight) -> None:
        """Take in what the lookout saw."""
        match sight:
            case Looked():
                self._look(sight)
            case Judged(relative, identity, verdict):
                self.stages.judged(relative, identity, verdict, self.clock())
            case SweepBegan() | Swept() | SweepEnded():
                self._sweep(sight)
            case Away(reason):
                self.away = reason
                log.warning("paused: %s", reason)
            case Back():
                self._come_back()
            case Moved(relative, problem):
                if problem:
                    log.warning("%s was not moved away: %s", relative, problem)
            case _:
                assert_never(sight)

    def _look(self, looked: Looked) -> None:
        if looked.identity is None:
            self._gone(looked.relative)
        else:
            self._see(looked.relative, looked.identity, closed=looked.closed)
            if looked.relative in self.unreadable:
                self.unreadable.discard(looked.relative)
                self.stages.again(looked.relative, self.clock())

    def _sweep(self, sight: SweepBegan | Swept | SweepEnded) -> None:
        match sight:
            case SweepBegan():
                self.stages.sweep_began()
                self._observe_anew()
            case Swept(found, in_sweep):
                for one in found:
                    is_news = self._see(one.relative, one.identity)
                    if is_news and in_sweep and self._sweeps:
                        self._unhinted.add(one.relative)
            case SweepEnded():
                self._sweeps += 1
                for relative in self.stages.unseen():
                    self._gone(relative)

    def _see(self, relative: str, identity: FileIdentity, *, closed: bool = False) -> bool:
        if self.stages.stage_of(relative) is None:
            self.namesakes.add(relative)
        return self.stages.seen(relative, identity, self.clock(), closed=closed)

    def _gone(self, relative: str) -> None:
        if self.stages.gone(relative):
            self.namesakes.remove(relative)
            self.unreadable.discard(relative)

    def _observe_anew(self) -> None:
        """Start the observer again, if no event ever came of what the last sweep found."""
        if self.observer is not None and self._unhinted:
            log.warning("%d files came without an event: observing anew", len(self._unhinted))
            self.observer.start()
        self._unhinted.clear()

    def _come_back(self) -> None:
        self.away = ""
        log.warning("going on: %s is there again", shown(self.lookout.root))
        if self.observer is not None:
            self.observer.start()
