"""Waiting for a mesh out loud: says what a batch waits for, and gives up after a while.

    pictures end                       nothing to say
    none for a moment                  the broker is asked why this batch waits
    it says why, or does not answer    said once; after `wait` seconds of it, given up

`Patience` decides and is pure; `Watchman` asks and acts, from its own thread.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..broker.messages import FORMAT_OF, WEIGHTS_COME
from ..node.errors import CannotRun, MeshUnreachable, PixmeshError
from ..ops.raw import EXTRA, FORMAT
from .beside import Beside
from .pace import Counts

LOOK_EVERY: Final = 0.5
QUIET: Final = 1.0
"""Seconds without an ended picture after which the broker is asked."""


@dataclass(slots=True)
class Patience:
    """How long the same trouble has lasted."""

    wait: float
    _ended: int = -1
    _moved: float = 0.0
    _since: float | None = None
    _reason: str = ""

    def should_ask(self, ended: int, now: float) -> bool:
        """Tell whether it is time to ask why nothing ends."""
        if ended != self._ended:
            self._ended, self._moved = ended, now
            self._since, self._reason = None, ""
        return now - self._moved >= min(QUIET, self.wait)

    def told(self, reason: str, now: float) -> str:
        """Take in the answer; return what is to be said, or nothing."""
        if not reason:
            self._since, self._reason = None, ""
            return ""
        new, self._reason = reason != self._reason, reason
        if reason.startswith(WEIGHTS_COME):
            self._since = None  # it is no trouble: who fetches them gives up by itself
            return f"waiting: {reason}" if new else ""
        self._since = now if self._since is None else self._since
        left = max(0.0, self._since + self.wait - now)
        return f"waiting: {reason}; giving up in {left:.0f} s" if new else ""

    def is_over(self, now: float) -> bool:
        """Tell whether the trouble has lasted too long."""
        return self._since is not None and now - self._since >= self.wait


class Watchman(Beside):
    """Asks why a batch waits, while it does; ends the batch when it waited too long.

    `ask` returns why the batch waits, or nothing; it raises MeshUnreachable where nobody
    answers. `give_up` is called once, with True where the mesh is gone altogether. `extras` are
    what the batch needs to be installed on a node.
    """

    def __init__(
        self,
        *,
        counts: Counts,
        wait: float,
        ask: Callable[[], str],
        say: Callable[[str], None],
        give_up: Callable[[bool], None],
        extras: Sequence[str] = (),
    ) -> None:
        super().__init__("watchman")
        self.verdict: PixmeshError | None = None
        self._counts = counts
        self._patience = Patience(wait)
        self._ask = ask
        self._say = say
        self._give_up = give_up
        self._extras = extras

    def look_on(self) -> None:
        """Ask now and then, until it is given up."""
        while self.verdict is None and not self._ended.wait(LOOK_EVERY):
            if self._patience.should_ask(self._counts.ended, time.monotonic()):
                self._look()

    def _look(self) -> None:
        gone: MeshUnreachable | None = None
        try:
            reason = self._ask()
        except MeshUnreachable as error:
            reason, gone = error.what, error
        now = time.monotonic()
        words = self._patience.told(reason, now)
        if words:
            self._say(words)
        if self._patience.is_over(now):
            self.verdict = gone or CannotRun(
                f"{reason} (waited {self._patience.wait:g} s)",
                remedy=f"{self._what_to_start(reason)}, wait longer with --wait,"
                " or add --local to run here",
            )
            self._give_up(gone is not None)

    def _what_to_start(self, reason: str) -> str:
        extras = [EXTRA] if f"{FORMAT_OF}{FORMAT}" in reason else self._extras
        if not extras:
            return "start a node with 'pixmesh node'"
        return f"start a node where 'pixmesh[{','.join(extras)}]' is installed"
