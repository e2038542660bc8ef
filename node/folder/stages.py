"""How far each file of a watched folder is. Pure: told what was seen, it says what is due.

    (new, or changed)  -> settling
    settling           -> waiting    unchanged for the settle time, and complete
                       -> other      it is no picture
    waiting            -> running    there is room for it
    running            -> written    all its outputs stand
                       -> failed     one of them never will
                       -> waiting    it was taken back: no room, or the end of the watcher
    running            -> settling   it changed meanwhile: once the outcome is there

A file that changed is new, whatever it was. One that is gone is forgotten, and nothing else
happens to it. ``now`` is monotonic: no wall clock is looked at, neither ours nor the files'.
"""

import heapq
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..owner.job import FileIdentity
from .inlet import Kind, Verdict

NEVER: Final = float("inf")


class Stage(StrEnum):
    """How far a file is."""

    SETTLING = "settling"
    WAITING = "waiting"
    RUNNING = "running"
    WRITTEN = "written"
    FAILED = "failed"
    OTHER = "no picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """When a file counts as finished, in seconds without a change.

    ``hinted``: when its writer closed it, or it was moved here. ``patience``: when it still
    is not complete; it is worked on then, and fails with its reason.
    """

    settle: float
    hinted: float
    patience: float

    @classmethod
    def of(cls, settle: float) -> "Settling":
        """Derive the others from the settle time."""
        return cls(settle=settle, hinted=settle / 8, patience=settle * 10)


WHOLE_AT_ONCE: Final = Settling(settle=0.0, hinted=0.0, patience=0.0)
"""For places where files show only when they are complete."""


@dataclass(slots=True, eq=False)
class File:
    """One file. ``since``: when it was first seen as it is; ``due``: when to look into it."""

    identity: FileIdentity
    stage: Stage
    since: float
    due: float = NEVER
    is_closed: bool = False
    swept: int = 0
    successor: FileIdentity | None = None
    reason: str = ""


class Stages:
    """Every file of one folder that is there."""

    def __init__(self, settling: Settling) -> None:
        self._settling = settling
        self._files: dict[str, File] = {}
        self._counts: Counter[Stage] = Counter()
        self._dues: list[tuple[float, str]] = []
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._changed: dict[str, None] = {}
        self._sweep = 0

    # ---- what is seen ---------------------------------------------------------------

    def known(self, relative: str, identity: FileIdentity, stage: Stage) -> None:
        """Take in a file as an earlier watcher left it."""
        self._files[relative] = File(identity, stage, 0.0)
        self._counts[stage] += 1

    def seen(
        self, relative: str, identity: FileIdentity, now: float, *, closed: bool = False
    ) -> bool:
        """Take in how a file looks; return whether it is new or changed.

        ``closed``: its writer closed it, or it was moved here, since it last changed.
        """
        file = self._files.get(relative)
        is_new = file is None
        if file is None:
            file = self._files[relative] = File(identity, Stage.SETTLING, now)
            self._counts[Stage.SETTLING] += 1
            self._settle(relative, file, identity, now)
        file.swept = self._sweep
        changed = file.identity != identity
        if file.stage is Stage.RUNNING:
            file.successor = identity if changed else None
            return changed
        if changed:
            self._settle(relative, file, identity, now)
        if closed and file.stage is Stage.SETTLING and not file.is_closed:
            file.is_closed = True
            self._look_at(relative, file, min(file.due, now + self._settling.hinted))
        return is_new or changed

    def gone(self, relative: str) -> bool:
        """Forget a file that is not there any more; False where it is none, or runs still."""
        file = self._files.get(relative)
        if file is None or file.stage is Stage.RUNNING:
            return False
        self._counts[file.stage] -= 1
        self._waiting.pop(relative, None)
        self._changed[relative] = None
        del self._files[relative]
        return True

    def sweep_began(self) -> None:
        """Every file that is there will be seen now."""
        self._sweep += 1

    def unseen(self) -> list[str]:
        """Return the files that were not seen since the sweep began."""
        return [path for path, one in self._files.items() if one.swept != self._sweep]

    # ---- is it finished -------------------------------------------------------------

    def next_due(self) -> float:
        """Return when the next file is to be looked into."""
        return self._dues[0][0] if self._dues else NEVER

    def due(self, now: float) -> Iterator[tuple[str, FileIdentity]]:
        """Yield the files to look into now; ``judged`` or ``seen`` has to follow."""
        while self._dues and self._dues[0][0] <= now:
            due, relative = heapq.heappop(self._dues)
            file = self._files.get(relative)
            if file is not None and file.stage is Stage.SETTLING and file.due == due:
                file.due = NEVER
                yield relative, file.identity

    def judged(self, relative: str, identity: FileIdentity, verdict: Verdict, now: float) -> None:
        """Take in what a look into a file said; one that changed meanwhile is not meant."""
        file = self._files.get(relative)
        if file is None or file.stage is not Stage.SETTLING or file.identity != identity:
            return
        match verdict.kind:
            case Kind.WHOLE:
                self._finish(relative, file)
            case Kind.UNPROVED:
                self._finish_after(self._settling.settle, relative, file, now)
            case Kind.PARTIAL:
                self._say(relative, file, f"not complete yet: {verdict.reason}")
                self._finish_after(self._settling.patience, relative, file, now)
            case Kind.OTHER:
                self._move(relative, file, Stage.OTHER)
            case Kind.GONE:
                self.gone(relative)

    def _finish_after(self, seconds: float, relative: str, file: File, now: float) -> None:
        if now - file.since >= seconds:
            self._finish(relative, file)
        else:
            self._look_at(relative, file, file.since + seconds)

    def _finish(self, relative: str, file: File) -> None:
        file.reason = ""
        self._move(relative, file, Stage.WAITING)
        self._waiting[relative] = None

    # ---- work -----------------------------------------------------------------------

    def begin(self, count: int) -> Iterator[tuple[str, FileIdentity]]:
        """Yield so many of the files that wait, the oldest first: they run now."""
        while count > 0 and self._waiting:
            relative, _ = self._waiting.popitem(last=False)
            file = self._files[relative]
            self._move(relative, file, Stage.RUNNING)
            count -= 1
            yield relative, file.identity

    def ended(self, relative: str, stage: Stage, now: float, *, reason: str = "") -> bool:
        """Take in the outcome of a file that runs; return whether it is still that file."""
        file = self._files.get(relative)
        if file is None or file.stage is not Stage.RUNNING:
            return False
        file.reason = reason
        self._move(relative, file, stage)
        if file.successor is not None:
            self._settle(relative, file, file.successor, now)
            return False
        if stage is Stage.WAITING:
            self._waiting[relative] = None
            self._waiting.move_to_end(relative, last=False)
        return True

    def postponed(self, relative: str, now: float, *, seconds: float, reason: str) -> None:
        """Look into a file that runs once more, later: it cannot be worked on now."""
        file = self._files.get(relative)
        if file is not None and file.stage is Stage.RUNNING:
            self._settle(relative, file, file.successor or file.identity, now)
            self._look_at(relative, file, now + seconds)
            file.reason = reason

    def again(self, relative: str, now: float) -> bool:
        """Have a file worked on once more; False where there is none, or it runs."""
        file = self._files.get(relative)
        if file is None or file.stage is Stage.RUNNING:
            return False
        self._settle(relative, file, file.identity, now)
        self._look_at(relative, file, now)
        return True

    # ---- what there is --------------------------------------------------------------

    def count(self, stage: Stage) -> int:
        """Return how many files are there."""
        return self._counts[stage]

    def stage_of(self, relative: str) -> Stage | None:
        """Return how far a file is; None where there is none."""
        file = self._files.get(relative)
        return None if file is None else file.stage

    def changed(self, most: int) -> list[tuple[str, Stage | None, str]]:
        """Return what changed since this was last asked: path, stage, why. None is gone."""
        found: list[tuple[str, Stage | None, str]] = []
        while self._changed and len(found) < most:
            relative = next(iter(self._changed))
            del self._changed[relative]
            file = self._files.get(relative)
            stage, reason = (None, "") if file is None else (file.stage, file.reason)
            found.append((relative, stage, reason))
        return found

    # ---- inside ---------------------------------------------------------------------

    def _settle(self, relative: str, file: File, identity: FileIdentity, now: float) -> None:
        self._waiting.pop(relative, None)
        file.identity, file.successor = identity, None
        file.since, file.is_closed, file.reason = now, False, ""
        self._move(relative, file, Stage.SETTLING)
        self._look_at(relative, file, now + self._settling.settle)

    def _look_at(self, relative: str, file: File, due: float) -> None:
        if file.due != due:
            file.due = due
            heapq.heappush(self._dues, (due, relative))

    def _say(self, relative: str, file: File, reason: str) -> None:
        file.reason = reason
        self._changed[relative] = None

    def _move(self, relative: str, file: File, stage: Stage) -> None:
        self._counts[file.stage] -= 1
        self._counts[stage] += 1
        file.stage = stage
        self._changed[relative] = None
