"""A watched folder at work: what is seen goes in, outcomes come out, for ever.

Owns the one loop that everything meets in. It waits for messages only: IN is looked at by the
lookout, files are taken on by the feeder, outputs made by the targets, each in threads of
their own; what a file's next stage is, `stages` decides.

    observer  --hints-->  +---------+  --look, judge, move-->  lookout  --sights-->  (the loop)
                          | the loop|  --feed-->               feeder   --fed------> (the loop)
    a person  --asks-->   +---------+                          targets  --outcomes-> (the loop)
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from ...broker import messages
from ...broker.messages import FolderItem
from ..errors import PixmeshError
from ..owner.commit import UNWRITABLE
from ..owner.folder_records import Asked, Wish
from ..owner.inputs import Picture
from ..owner.prepare import UNREADABLE
from ..owner.report import (
    BatchEvent,
    PictureCancelled,
    PictureDone,
    PictureFailed,
    PictureSubmitted,
    PictureUnchanged,
)
from ..owner.source import SOURCE_CHANGED
from .claim import BEAT, FolderClaim
from .feeder import Fed, Feeder, NotNow, Ready
from .inlet import Inlet
from .lookout import Sight
from .memory import Memory
from .places import shown
from .sights import Sights
from .stages import Stage, Stages
from .target import Output, Target

log = logging.getLogger(__name__)

MOST_RUNNING: Final = 512
TICK: Final = 1.0
AGAIN: Final = 5.0
PRUNE_EVERY: Final = 86_400.0
MOST_CHANGES: Final = 5_000
BY_A_PERSON: Final = f"{messages.BY_A_PERSON}, until 'pixmesh folders resume'"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one target says of a picture."""

    output: Output
    event: BatchEvent


@dataclass(frozen=True, slots=True)
class Broken:
    """A target ended before its time."""

    error: Exception


class Hinted:
    """The observer has hints."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A person has the folder rest, or go on."""

    wanted: bool


class Stop:
    """Begin nothing more, finish what runs, and end."""


Message = Sight | Fed | NotNow | Outcome | Broken | Hinted | Pause | Stop


@dataclass(slots=True)
class Work:
    """A file that runs: how many outcomes are to come, and what came instead of outputs."""

    left: int
    picture: Picture
    failed: str = ""
    again: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A file came to another stage; to None where it is gone."""

    relative: str
    stage: Stage | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who is told what happens. ``report`` is told once a second how far the whole is."""

    change: Callable[[Change], None]
    done: Callable[[PictureDone], None]
    report: Callable[[FolderItem], None]


@dataclass(slots=True, kw_only=True)
class Watcher:
    """One watched folder, assembled elsewhere.

    ``on_done``: where originals are moved when their outputs stand.
    """

    inlet: Inlet
    stages: Stages
    sights: Sights
    feeder: Feeder
    targets: tuple[Target, ...]
    memory: Memory
    claim: FolderClaim
    ears: Ears
    messages: "SimpleQueue[Message]"
    on_done: Path | None = None
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    _works: dict[str, Work] = field(default_factory=dict)
    _retried: set[str] = field(default_factory=set)
    _cancelled: set[str] = field(default_factory=set)
    _held: str = ""
    _held_until: float = 0.0
    _paused: bool = False
    _tick_at: float = 0.0
    _beat_at: float = 0.0
    _prune_at: float = 0.0
    _stopping: bool = False
    _broken: Exception | None = None

    def run(self) -> None:
        """Work until ``stop``. Raises what ended it before."""
        self._begin()
        try:
            while not self._is_over():
                self._take(self._next())
                self._go_on(self.clock())
        finally:
            self._end()
        if self._broken is not None:
            raise self._broken

    def stop(self) -> None:
        """Begin nothing more, finish what runs, and end. Any thread, a signal handler too."""
        self.messages.put(Stop())

    def pause(self, *, wanted: bool) -> None:
        """Take nothing new on and finish what runs; or go on. Any thread.

        It is forgotten with the process: who starts a watcher wants it to work.
        """
        self.messages.put(Pause(wanted))

    @property
    def out(self) -> str:
        """What people call the folder's OUT."""
        return shown(self.memory.out)

    def progress(self) -> FolderItem:
        """Return how far the folder is."""
        count = self.stages.count
        return FolderItem(
            source=shown(self.memory.root),
            out=self.out,
            settling=count(Stage.SETTLING),
            waiting=count(Stage.WAITING),
            running=count(Stage.RUNNING),
            written=count(Stage.WRITTEN),
            failed=count(Stage.FAILED),
            paused=BY_A_PERSON if self._paused else self.sights.paused() or self._held,
        )

    # ---- beginning and ending -------------------------------------------------------

    def _begin(self) -> None:
        self.memory.begin()
        for relative, identity, stage in self.memory.settled():
            # Where finished originals are moved, one that is still there has to be looked at.
            if self.on_done is None or stage is not Stage.WRITTEN:
                self.stages.known(relative, identity, stage)
                self.sights.namesakes.add(relative)
        for target in self.targets:
            target.start()
        self.sights.begin()

    def _is_over(self) -> bool:
        alive = any(target.is_alive() for target in self.targets)
        return self._stopping and not alive and self.messages.empty()

    def _end(self) -> None:
        self.sights.end()
        self.feeder.end()
        for target in self.targets:
            target.stop()
            target.join()
        self._tell_changes()
        self.memory.end()

    def _stop(self) -> None:
        self._stopping = True
        self.feeder.stop()
        for target in self.targets:
            target.stop()

    # ---- the loop -------------------------------------------------------------------

    def _next(self) -> Message | None:
        wait = min(self.stages.next_due(), self._tick_at) - self.clock()
        try:
            return self.messages.get(timeout=max(0.0, min(wait, TICK)))
        except Empty:
            return None

    def _go_on(self, now: float) -> None:
        if not self._stopping and not self.sights.away:
            for relative, identity in self.stages.due(now):
                self.sights.lookout.judge(relative, identity)
            self._feed(now)
        if now >= self._tick_at:
            self._tick_at = now + TICK
            self._tick(now)

    def _take(self, message: Message | None) -> None:
        match message:
            case None:
                pass
            case Fed() | NotNow() | Outcome():
                self._take_work(message)
            case Hinted():
                self.sights.take_hints()
            case Pause(wanted):
                self._pause(wanted=wanted)
            case Stop():
                self._stop()
            case Broken(error):
                self._broken = self._broken or error
                self._stop()
            case _:
                self.sights.take(message)

    # ---- work -----------------------------------------------------------------------

    def _feed(self, now: float) -> None:
        if self._paused or now < self._held_until:
            return
        running = self.stages.count(Stage.RUNNING)
        room = MOST_RUNNING - running
        if self._held:
            room = 0 if running else 1
        for relative, identity in self.stages.begin(room):
            retry = relative in self._retried
            self._retried.discard(relative)
            cancelled = relative in self._cancelled
            self._cancelled.discard(relative)
            has_namesakes = self.sights.namesakes.has(relative)
            self.feeder.feed(Ready(relative, identity, has_namesakes, retry, cancelled))

    def _take_work(self, message: Fed | NotNow | Outcome) -> None:
        match message:
            case Fed(relative, expecting, picture, failed):
                self._works[relative] = Work(expecting, picture, failed)
                self._conclude(relative)
            case NotNow(relative, reason, everywhere):
                self.stages.postponed(relative, self.clock(), seconds=AGAIN, reason=reason)
                if everywhere:
                    self._hold(reason)
            case Outcome(event=event):
                relative = self.memory.relative(event.source) or ""
                work = self._works.get(relative)
                if work is not None and not isinstance(event, PictureSubmitted):
                    self._take_outcome(event, work)
                    if isinstance(event, PictureFailed) and event.code == UNREADABLE:
                        self.sights.unreadable.add(relative)
                    self._conclude(relative)

    def _take_outcome(self, event: BatchEvent, work: Work) -> None:
        work.left -= 1
        match event:
            case PictureDone():
                self._held = ""
                self.ears.done(event)
            case PictureFailed(code=code, reason=reason):
                if code in {UNWRITABLE, SOURCE_CHANGED}:
                    work.again = reason
                else:
                    work.failed = reason or code
                if code == UNWRITABLE:
                    self._hold(reason)
            case PictureCancelled(by_person=True):
                work.failed = "cancelled"
            case PictureCancelled():
                work.again = "taken back"
            case PictureUnchanged() | PictureSubmitted():
                pass

    def _conclude(self, relative: str) -> None:
        work = self._works[relative]
        if work.left:
            return
        del self._works[relative]
        self.inlet.release(work.picture)
        now = self.clock()
        if work.again:
            self.stages.postponed(relative, now, seconds=AGAIN, reason=work.again)
        elif work.failed:
            self.stages.ended(relative, Stage.FAILED, now, reason=work.failed)
        elif self.stages.ended(relative, Stage.WRITTEN, now) and self.on_done is not None:
            self.sights.lookout.move(relative, work.picture.source.identity, self.on_done)

    def _hold(self, reason: str) -> None:
        """Take nothing on for a while; then one file, to see whether it goes again."""
        if not self._held:
            log.warning("paused: %s", reason)
        self._held, self._held_until = reason, self.clock() + AGAIN

    def _pause(self, *, wanted: bool) -> None:
        if wanted is not self._paused:
            self._paused, self._tick_at = wanted, self.clock()
            log.warning("%s: %s", self.out, "paused by a person" if wanted else "going on")

    # ---- once a second --------------------------------------------------------------

    def _tick(self, now: float) -> None:
        self._tell_changes()
        for asked in self.memory.asked():
            self._answer(asked)
        if now >= self._beat_at:
            self._beat_at = now + BEAT
            self.feeder.do(self.claim.beat, self._lose)
        if now >= self._prune_at and not self.sights.paused():
            self._prune_at = now + PRUNE_EVERY
            self.feeder.do(self._prune, self._prune_failed)
        self.ears.report(self.progress())

    def _tell_changes(self) -> None:
        while changes := self.stages.changed(MOST_CHANGES):
            self.memory.note(changes)
            for relative, stage, reason in changes:
                self.ears.change(Change(relative, stage, reason))

    def _answer(self, asked: Asked) -> None:
        relative = self.memory.relative(asked.source)
        if relative is None:
            return
        if asked.wish is Wish.RETRY:
            self._retried.add(relative)
            self.stages.again(relative, self.clock())
        elif asked.destination is not None:
            for target in self.targets:
                target.batch.take_back([asked.destination])
        else:
            self._cancelled.add(relative)
            self.stages.again(relative, self.clock())

    def _prune(self) -> None:
        """Called by a feeder's thread."""
        gone = self.memory.prune(self.wall(), is_gone=self.inlet.is_gone)
        if gone:
            log.info("%d old rows of the ledger were forgotten", gone)

    def _prune_failed(self, error: Exception) -> None:
        log.warning("the ledger was not pruned: %s", error)

    def _lose(self, error: Exception) -> None:
        """Called by a feeder's thread: the claim could not be renewed."""
        if isinstance(error, PixmeshError):
            self.messages.put(Broken(error))
        else:
            log.warning("%s cannot be claimed: %s", shown(self.memory.out), error)
