"""A dashboard's session in a file, and a dashboard fed from one: `top --record`, `top --replay`.

JSON lines: first what it is, then what was told and when, in seconds since the beginning. A file
that was cut off is replayed as far as it goes.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self

import msgspec
from msgspec import Struct

from ..broker.changes import Change, Whole
from ..node.errors import UsageError
from ..node.net.following import Away, Shown, Told

log = logging.getLogger(__name__)

SCHEMA: Final = 1


class Head(Struct, frozen=True):
    """The first line."""

    pixmesh: str
    schema: int


class Entry(Struct, frozen=True, omit_defaults=True):
    """What was told, one of these, and when."""

    at: float
    whole: Whole | None = None
    change: Change | None = None
    away: str | None = None
    shown: Shown | None = None

    @property
    def told(self) -> Told | None:
        """It, as it was told."""
        if self.away is not None:
            return Away(self.away)
        return self.whole or self.change or self.shown


def entry(told: Told, at: float) -> Entry:
    """Return an entry for what was told."""
    match told:
        case Whole():
            return Entry(at, whole=told)
        case Change():
            return Entry(at, change=told)
        case Away(why=why):
            return Entry(at, away=why)
        case Shown():
            return Entry(at, shown=told)


def entries(path: Path) -> Iterator[Entry]:
    """Yield what a recording has. Raises UsageError for what is none."""
    try:
        with path.open("rb") as file:
            _demand_recording(file.readline(), path)
            for line in file:
                if line.endswith(b"\n"):  # else it was cut off here
                    yield msgspec.json.decode(line, type=Entry)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(
            f"{path} is damaged: {error}", remedy="record a session with 'pixmesh top --record F'"
        ) from None


def _demand_recording(line: bytes, path: Path) -> None:
    try:
        head = msgspec.json.decode(line, type=Head)
    except msgspec.DecodeError:
        raise UsageError(
            f"{path} is no recording", remedy="make one with 'pixmesh top --record F'"
        ) from None
    if head.schema != SCHEMA:
        raise UsageError(
            f"{path} was recorded by pixmesh {head.pixmesh}, in another form",
            remedy="replay it with that version",
        )


@dataclass(slots=True, eq=False)
class Recorder:
    """Hands on what is told, and writes it down, for as long as that can be done.

    Used as a context: until its end the file is open.
    """

    path: Path
    version: str
    clock: Callable[[], float] = time.monotonic
    _began: float = 0.0
    _file: IO[bytes] | None = None
    _trouble: str = ""

    def __enter__(self) -> Self:
        """Begin the file. Raises UsageError where it cannot be written."""
        self._began = self.clock()
        try:
            self._file = self.path.open("wb")
            self._put(Head(self.version, SCHEMA))
        except OSError as error:
            self._close()
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None
        return self

    def __exit__(self, *_exception: object) -> None:
        """End the file."""
        self._close()

    @property
    def note(self) -> str:
        """Whether it records, and if not, why not: for the screen."""
        if self._trouble:
            return f"NO LONGER RECORDED: {self._trouble}"
        return "recording"

    def through(self, tell: Callable[[Told], None]) -> Callable[[Told], None]:
        """Return one to tell things: ``tell`` is told first, then it is written down."""

        def told(told: Told) -> None:
            tell(told)
            self._write(told)

        return told

    def _write(self, told: Told) -> None:
        try:
            self._put(entry(told, self.clock() - self._began))
        except OSError as error:
            self._trouble = error.strerror or str(error)
            log.warning("%s is recorded no longer: %s", self.path, self._trouble)
            self._close()

    def _put(self, line: Struct) -> None:
        if self._file is not None:
            self._file.write(msgspec.json.encode(line) + b"\n")
            self._file.flush()

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # what could not be written was told of
                file.close()


@dataclass(slots=True, eq=False)
class Replay:
    """Tells what a recording has, each at its time; implements the dashboard's Source."""

    recorded: list[Entry]
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self, tell: Callable[[Told], None]) -> None:
        """Begin to tell."""
        self._thread = threading.Thread(
            target=self._run, args=(tell,), name="pixmesh-replay", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def watch(self, node: str) -> None:
        """Show what was recorded, whatever is looked at."""

    def _run(self, tell: Callable[[Told], None]) -> None:
        began = time.monotonic()
        for one in self.recorded:
            if self._ending.wait(max(0.0, began + one.at - time.monotonic())):
                return
            if one.told is not None:
                tell(one.told)
        tell(Away("the recording ends here"))
