"""The one who looks at IN, in a thread of its own: a share that hangs stops nothing else.

Owns when IN is swept, and that looks asked for meanwhile come first. It tells what it sees and
decides nothing. Sweeps are the truth: whatever events were lost, the next sweep sees it.

    here   --IN cannot be read-->  away  --IN is what it was-->  here, and swept at once
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from ..errors import SourceChanged
from ..owner.job import FileIdentity
from .inlet import Found, Inlet, Unavailable, Verdict

log = logging.getLogger(__name__)

SLICE: Final = 250
"""Files of a sweep between which other looks are taken."""

CHECK_EVERY: Final = 1.0
WITHOUT_EVENTS: Final = 5.0
PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between the beginnings of sweeps, at least; and their share of the time."""

    every: float
    share: float

    def wait(self, took: float) -> float:
        """Return how long to wait from the end of a sweep that took so long."""
        return max(self.every - took, took / self.share - took)


@dataclass(frozen=True, slots=True)
class Looked:
    """A file looks so; None where it is gone."""

    relative: str
    identity: FileIdentity | None
    closed: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What a look into a file says."""

    relative: str
    identity: FileIdentity
    verdict: Verdict


class SweepBegan:
    """Every file that is there will be told now."""


@dataclass(frozen=True, slots=True)
class Swept:
    """Some of the files that are there."""

    found: list[Found]
    in_sweep: bool = True


@dataclass(frozen=True, slots=True)
class SweepEnded:
    """All files were told."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Away:
    """IN cannot be read, and why."""

    reason: str


class Back:
    """IN can be read again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A file was moved away; or was not, and why."""

    relative: str
    problem: str = ""


Sight = Looked | Judged | SweepBegan | Swept | SweepEnded | Away | Back | Moved
Request = Callable[[], None]


class Lookout:
    """Looks at one IN. ``tell`` is called from its thread."""

    def __init__(
        self,
        inlet: Inlet,
        pace: Pace,
        tell: Callable[[Sight], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inlet = inlet
        self._pace = pace
        self._tell = tell
        self._clock = clock
        self._requests: SimpleQueue[Request] = SimpleQueue()
        self._ended = threading.Event()
        self._sweep: Iterator[Found] | None = None
        self._sweep_took = 0.0
        self._sweep_at = clock()
        self._check_at = clock()
        self._away = False
        self._looking_since: float | None = None
        self._thread = threading.Thread(target=self._serve, name="pixmesh-lookout", daemon=True)

    # ---- any thread -----------------------------------------------------------------

    def start(self) -> None:
        """Begin with a sweep."""
        self._thread.start()

    def end(self) -> None:
        """Look no more. A look that hangs is left behind."""
        self._ended.set()
        self._requests.put(lambda: None)
        self._thread.join(PATIENCE)

    @property
    def root(self) -> Path:
        """IN's own name."""
        return self._inlet.root

    def silent_for(self, now: float) -> float:
        """Return how long one look has lasted already."""
        since = self._looking_since
        return 0.0 if since is None else now - since

    def look(self, relative: str, *, closed: bool) -> None:
        """Look at a file."""
        self._requests.put(lambda: self._tell(Looked(relative, self._inlet.look(relative), closed)))

    def judge(self, relative: str, identity: FileIdentity) -> None:
        """Look into a file."""
        self._requests.put(
            lambda: self._tell(Judged(relative, identity, self._inlet.judge(relative, identity)))
        )

    def move(self, relative: str, identity: FileIdentity, to: Path) -> None:
        """Move a file away."""
        self._requests.put(lambda: self._move(relative, identity, to))

    def walk(self, folder: str) -> None:
        """Look at all that is in a folder."""
        self._requests.put(
            lambda: self._tell(Swept(list(self._inlet.walk(folder)), in_sweep=False))
        )

    def hurry(self) -> None:
        """Sweep more often from now on: no events are to be expected."""
        self._pace = Pace(min(self._pace.every, WITHOUT_EVENTS), self._pace.share)

    def sweep(self) -> None:
        """Sweep now, or once more after the sweep that is going on."""
        self._requests.put(self._hurry)

    # ---- the lookout's thread -------------------------------------------------------

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                self._turn()
            except Unavailable as error:
                self._be_away(str(error))
            except Exception:  # the edge: whatever one look meets, the others go on
                log.exception("a look at %s failed", self._inlet.root)
            finally:
                self._looking_since = None

    def _turn(self) -> None:
        if self._away:
            if not self._ended.wait(CHECK_EVERY):
                self._come_back()
            return
        request = self._next_request()
        self._looking_since = self._clock()
        if request is not None:
            self._answer(request)
        elif self._sweep is not None or self._clock() >= self._sweep_at:
            self._go_on_sweeping()
        if self._clock() >= self._check_at:
            self._inlet.check()
            self._check_at = self._clock() + CHECK_EVERY

    def _next_request(self) -> Request | None:
        wait = min(self._sweep_at, self._check_at) - self._clock()
        try:
            if self._sweep is not None or wait <= 0:
                return self._requests.get_nowait()
            return self._requests.get(timeout=wait)
        except Empty:
            return None

    def _answer(self, request: Request) -> None:
        try:
            request()
        except Unavailable:
            self._requests.put(request)
            raise

    def _go_on_sweeping(self) -> None:
        began = self._clock()
        if self._sweep is None:
            self._inlet.check()
            self._tell(SweepBegan())
            self._sweep, self._sweep_took = self._inlet.sweep(), 0.0
            self._sweep_at = float("inf")
        found = list(islice(self._sweep, SLICE))
        self._sweep_took += self._clock() - began
        if found:
            self._tell(Swept(found))
        else:
            self._end_sweep()

    def _end_sweep(self) -> None:
        self._sweep = None
        # A share that went away in the middle looks like one without files.
        self._inlet.check()
        again = self._sweep_at <= self._clock()
        wait = 0.0 if again else self._pace.wait(self._sweep_took)
        self._sweep_at = self._clock() + wait
        self._tell(SweepEnded(self._sweep_took))

    def _hurry(self) -> None:
        self._sweep_at = self._clock()

    def _be_away(self, reason: str) -> None:
        self._sweep = None
        self._sweep_at = self._clock()
        if not self._away:
            self._away = True
            self._tell(Away(reason))

    def _come_back(self) -> None:
        self._looking_since = self._clock()
        self._inlet.check()
        self._away = False
        self._sweep_at = self._clock()
        self._tell(Back())

    def _move(self, relative: str, identity: FileIdentity, to: Path) -> None:
        try:
            self._inlet.move(relative, identity, to)
        except (OSError, SourceChanged) as error:
            reason = getattr(error, "strerror", "") or str(error)
            self._tell(Moved(relative, reason))
        else:
            self._tell(Moved(relative))
