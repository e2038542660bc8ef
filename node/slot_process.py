"""A slot seen from its agent: started, watched, started again when it dies."""

import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .cell import Cell
from .slot_messages import SlotOrders
from .spawn import Process, cut, spawn

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 10.0
PATIENCE = 2.0


@dataclass(slots=True, eq=False)
class SlotProcess:
    """One place for a slot process; ``name`` changes with each new process in it.

    ``orders`` makes a process's orders from its name and its cell's path; ``on_exit`` is
    called, from a thread of its own, with the name of the process that ended. ``module`` is what
    it runs.
    """

    label: str
    folder: Path
    orders: Callable[[str, str], SlotOrders]
    on_exit: Callable[[str], None]
    module: str = "pixmesh.node.slots"
    name: str = ""
    start_at: float = 0.0
    _verdict: tuple[str, str] | None = None
    _process: Process | None = None
    _cell: Cell | None = None
    _generation: int = 0
    _pause: float = 0.0
    _began: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether there is a process in this place, as far as is known."""
        return self._process is not None

    @property
    def running(self) -> int:
        """The attempt that the slot runs, or ran when it died."""
        return self._cell.attempt if self._cell is not None else 0

    def start_if_due(self, now: float) -> None:
        """Start a process in this place, unless there is one or it is too early."""
        if self._process is not None or now < self.start_at:
            return
        try:
            self._start(now)
        except OSError as error:
            log.warning("slot %s cannot be started now: %s", self.label, error)
            self.ended(now)

    def kill(self, code: str, reason: str) -> None:
        """End the process, for a reason that what it runs is blamed for."""
        if self._process is not None:
            self._verdict = (code, reason)
            self._process.kill()

    def why_it_died(self) -> tuple[str, str]:
        """Return a code and the reason for which the process is gone."""
        return self._verdict or ("crashed", f"its slot {self.how_it_ended}")

    @property
    def how_it_ended(self) -> str:
        """How the process came to be gone, such as "was killed by SIGKILL"."""
        return _how_it_ended(self._process)

    def _start(self, now: float) -> None:
        self._generation += 1
        self._began, self._verdict = now, None
        self.name = f"{self.label}.{self._generation}"
        path = self.folder / f"cell-{self.name}"
        self._cell = Cell(path)
        self._process = spawn(self.module, self.orders(self.name, str(path)))
        watch = (self._process, self.name)
        threading.Thread(target=self._watch, args=watch, daemon=True).start()

    def ended(self, now: float) -> None:
        """Note that the process is gone; one that dies early is started later and later."""
        self._clear()
        steady = now - self._began > STEADY_SECONDS
        self._pause = 0.0 if steady else min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
        self.start_at = now + self._pause

    def part(self) -> None:
        """Have the process end by itself; whoever watches it hears when it has."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def stop(self) -> None:
        """End the process and wait for it."""
        if self._process is not None:
            cut(self._process, patience=PATIENCE)
        self._clear()

    def _clear(self) -> None:
        self.part()
        if self._cell is not None:
            self._cell.close()
        self._process, self._cell = None, None

    def _watch(self, process: Process, name: str) -> None:
        process.wait()
        self.on_exit(name)


def _how_it_ended(process: Process | None) -> str:
    code = process.poll() if process is not None else None
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return "died" if code is None else f"ended with exit code {code}"
