"""A mesh that stays on this machine: broker, node, watched folders, kept running by one process.

    starting --all ready--> running --one ended--> started again, ever later
                                     --a signal--> draining --drained, or told again--> ended
                                     --its screen is left--> running, or draining

Each is a process of its own that ends with this one, however that ends: it holds their
lifelines. One that was refused for good (a usage error, a key that nobody knows) is not
started again.
"""

import contextlib
import logging
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

import msgspec

from ..broker.service import Listening
from .config import Config
from .errors import NotAuthorised, PixmeshError, UsageError
from .folder.order import Order
from .service import Ready
from .spawn import DRAIN, Process, cut, spawn
from .state import StateFolder

log = logging.getLogger(__name__)

WATCH: Final = "watch"
SCREEN: Final = "screen"
LEFT_TO_DRAIN: Final = 10
"""The exit code by which a screen says that all is to end."""
FINAL: Final = frozenset({0, 2, 4})
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 30.0
SETTLED: Final = 60.0
LAST_PATIENCE: Final = 5.0
A_MOMENT: Final = 1.0
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True, eq=False)
class _Kept:
    """One process that is kept running, and how long to wait before it is started again."""

    role: str
    start: Callable[[], Process]
    process: Process
    began: float
    wait: float = FIRST_WAIT

    def next_wait(self, now: float) -> float:
        """Return how long to wait now that it has ended; longer each time it ends soon."""
        self.wait = FIRST_WAIT if now - self.began > SETTLED else min(2 * self.wait, LONGEST_WAIT)
        return self.wait


@dataclass(slots=True, eq=False)
class Upkeep:
    """They. ``listening`` is told where the broker is, ``ready`` what the node is called.

    ``folders`` are watched, if there are any. ``say`` talks to a person. ``screen`` starts the
    process of a dashboard, where there is to be one; ``screen_left`` is called when it has ended.
    """

    state: StateFolder
    config: Config
    listening: Callable[[Listening], None]
    ready: Ready
    say: Callable[[str], None]
    folders: Sequence[Order] = ()
    screen: "Callable[[], subprocess.Popen[bytes]] | None" = None
    screen_left: Callable[[], None] = lambda: None
    _screen: "subprocess.Popen[bytes] | None" = None
    _happened: "queue.SimpleQueue[str]" = field(default_factory=queue.SimpleQueue)
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _ending: bool = False

    def run(self) -> None:
        """Keep them running until a signal; drain, and end. Raises PixmeshError."""
        before = {number: signal.signal(number, self._signalled) for number in SIGNALS}
        try:
            self._keep("broker", self._start_broker)
            self._keep("node", self._start_node)
            if self.folders:
                self._keep(WATCH, self._start_watch)
            self._open_screen()
            self._watch()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._close_screen()
            self._end()

    # ---- starting -------------------------------------------------------------------

    def _keep(self, role: str, start: Callable[[], Process]) -> None:
        self._kept[role] = _Kept(role, start, start(), time.monotonic())
        self._wait_for(role)

    def _start_broker(self) -> Process:
        state, config = self.state, self.config
        orders = {
            "runtime": str(state.runtime),
            "keys": str(state.keys),
            "announce": str(state.broker_file),
            "roll": str(state.roll),
            "bind": config.bind,
            "port": config.port,
        }
        process = spawn("pixmesh.broker.service", orders, answers=True)
        where = msgspec.json.decode(_answer("broker", process), type=Listening)
        if "broker" in self._kept:
            log.warning("the broker is back at %s", where.address)
        else:
            self.listening(where)
        return process

    def _start_node(self) -> Process:
        state, config = self.state, self.config
        facts = msgspec.json.decode(state.broker_file.read_bytes())
        orders = {
            "keys": str(state.keys),
            "local": facts["local"],
            "network": facts["network"],
            "name": config.name,
            "slots": config.slots,
            "max_load": config.max_load,
            "drain": config.drain,
        }
        process = spawn("pixmesh.node.service", orders, answers=True)
        name, address = msgspec.json.decode(_answer("node", process), type=tuple[str, str])
        self.ready(name, address)
        return process

    def _start_watch(self) -> Process:
        state, config = self.state, self.config
        facts = msgspec.json.decode(state.broker_file.read_bytes())
        orders = {
            "keys": str(state.keys),
            "local": facts["local"],
            "folders": self.folders,
            "recipes": dict(config.recipes),
            "max_pixels": config.max_pixels,
        }
        process = spawn("pixmesh.node.folder.service", orders, answers=True)
        watched = msgspec.json.decode(_answer(WATCH, process), type=list[tuple[str, str]])
        for source, out in watched:
            self.say(f"watching {source} -> {out}")
        return process

    def _wait_for(self, role: str) -> None:
        """Hear of a process's end, in a thread of its own."""
        process = self._kept[role].process

        def wait() -> None:
            process.wait()
            self._happened.put(role)

        threading.Thread(target=wait, name=f"{role} watched", daemon=True).start()

    # ---- watching -------------------------------------------------------------------

    def _watch(self) -> None:
        while (what := self._next()) != "signal":
            if what != SCREEN:
                self._start_again(self._kept[what])
            elif self._is_to_end():
                return

    def _next(self) -> str:
        """Return what happens next. Windows lets no signal through a wait without an end."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._happened.get(timeout=A_MOMENT)

    def _start_again(self, kept: _Kept) -> None:
        code = kept.process.returncode
        if code in FINAL and kept.role != WATCH:
            raise _final(kept.role, code)
        wait = kept.next_wait(time.monotonic())
        log.warning("the %s has ended (%s): started again in %.0f s", kept.role, code, wait)
        if self._sleep(wait):
            return
        try:
            kept.process, kept.began = kept.start(), time.monotonic()
        except PixmeshError:
            # A folder that cannot be watched now ends nobody else's work; it has said why.
            if kept.role != WATCH:
                raise
            self._happened.put(WATCH)
        else:
            self._wait_for(kept.role)

    def _sleep(self, seconds: float) -> bool:
        """Wait; return at once, and True, where a signal comes."""
        try:
            what = self._happened.get(timeout=seconds)
        except queue.Empty:
            return False
        self._happened.put(what)
        return what == "signal"

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self._happened.put("signal")

    # ---- its screen -----------------------------------------------------------------

    def _open_screen(self) -> None:
        if self.screen is None:
            return
        process = self._screen = self.screen()

        def wait() -> None:
            process.wait()
            self._happened.put(SCREEN)

        threading.Thread(target=wait, name="screen watched", daemon=True).start()

    def _is_to_end(self) -> bool:
        """The screen is left: return whether all is to end with it."""
        code = self._screen.returncode if self._screen is not None else 0
        self._screen = None
        self.screen_left()
        if code != LEFT_TO_DRAIN:
            self.say("the mesh goes on; Ctrl-C drains and ends, 'pixmesh top' shows it again")
        return code == LEFT_TO_DRAIN

    def _close_screen(self) -> None:
        """Have a screen that is still open give the terminal back."""
        if self._screen is not None:
            self._screen.terminate()
            try:
                self._screen.wait(LAST_PATIENCE)
            except subprocess.TimeoutExpired:
                self._screen.kill()
                self._screen.wait()
            self.screen_left()

    # ---- ending ---------------------------------------------------------------------

    def _end(self) -> None:
        """Let what runs finish, then end all; a second signal ends them now."""
        lasting = [self._kept[role] for role in (WATCH, "node") if role in self._kept]
        if any(one.process.poll() is None for one in lasting):
            self._drain(lasting)
        kept = [one.process for one in reversed(self._kept.values())]
        cut(*kept, patience=LAST_PATIENCE)

    def _drain(self, lasting: Sequence[_Kept]) -> None:
        """Let watched folders and then the node finish what they have."""
        self.say("the node finishes what it has, then all ends; the same again ends it now")
        deadline = time.monotonic() + self.config.drain + LAST_PATIENCE
        before = {number: signal.signal(number, self._signalled) for number in SIGNALS}
        try:
            for kept in lasting:
                if kept.process.poll() is None and not self._finishes(kept, deadline):
                    return
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _finishes(self, kept: _Kept, deadline: float) -> bool:
        """Tell one to finish, and wait for its end; False where it does not, or must not."""
        _tell(kept.process, DRAIN)
        while (left := deadline - time.monotonic()) > 0:
            try:
                what = self._happened.get(timeout=left)
            except queue.Empty:
                break
            if what == kept.role:
                return True
            if what == "signal":
                return False
        log.warning("the %s has not finished in time: it is ended", kept.role)
        return False


def _tell(process: Process, what: bytes) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it ends already
            process.stdin.write(what)
            process.stdin.flush()


def _answer(role: str, process: Process) -> bytes:
    """Return what a process says when it is ready. Raises PixmeshError where it ends instead."""
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        raise _final(role, process.wait())
    return line


def _final(role: str, code: int) -> PixmeshError:
    """Return the error for a process that ended for good, with the exit code it had."""
    kind = {2: UsageError, 4: NotAuthorised}.get(code, PixmeshError)
    return kind(
        f"the {role} has ended with exit code {code}; its last words are above",
        remedy=f"'pixmesh {role}' shows it alone",
    )
