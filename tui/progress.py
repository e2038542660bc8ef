"""Shows how far work is: a bar on a terminal, a line every 10 seconds elsewhere.

Owns the thread that looks at the counts; whoever does the work only counts, which costs an
addition per picture. Nothing here decides anything. rich is loaded on a terminal only.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Final, Protocol

import click

from .beside import Beside
from .options import Common
from .pace import Counts, Pace, clock, line, speed

DRAW_EVERY: Final = 0.1
TELL_EVERY: Final = 10.0


class Display(Protocol):
    """Something that shows a counts until it is closed."""

    every: float

    def show(self, counts: Counts, pace: Pace) -> None:
        """Bring what is shown up to date."""
        ...

    def end(self, counts: Counts, pace: Pace) -> None:
        """Show the last state, and then no more."""
        ...


class Watcher(Beside):
    """Looks at a counts from its own thread while the work goes on."""

    def __init__(
        self, counts: Counts, display: Display, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__("progress")
        self.counts = counts
        self._display = display
        self._now = now

    def look_on(self) -> None:
        """Show how far it is now and then, and at the end."""
        pace = Pace()
        pace.look(self.counts, self._now())
        while not self._ended.wait(self._display.every):
            pace.look(self.counts, self._now())
            self._display.show(self.counts, pace)
        pace.look(self.counts, self._now())
        self._display.end(self.counts, pace)


class Bar:
    """A bar with figures, drawn by rich on stderr."""

    every = DRAW_EVERY

    def __init__(self, total: int, *, what: str, colours: bool | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        figures = (TextColumn(f"{{task.fields[{name}]}}") for name in ("ended", "rate", "left"))
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            *figures,
            console=Console(stderr=True, no_color=colours is False, highlight=False),
            expand=True,
        )
        self._task = self._bar.add_task(what, total=total, ended="", rate="", left="")
        self._bar.start()

    def show(self, counts: Counts, pace: Pace) -> None:
        """Move the bar."""
        failed = f" ({counts.failed} failed)" if counts.failed else ""
        seconds = pace.seconds_left(counts)
        self._bar.update(
            self._task,
            completed=counts.ended,
            total=counts.total,
            ended=f"{counts.done}/{counts.total}{failed}",
            rate=speed(pace.images, pace.megapixels) if pace.images else "",
            left="" if seconds is None else f"{clock(seconds)} left",
        )

    def end(self, counts: Counts, pace: Pace) -> None:
        """Leave the last state on the screen."""
        self.show(counts, pace)
        self._bar.stop()


class Lines:
    """A plain line now and then, for logs and pipes."""

    every = TELL_EVERY

    def show(self, counts: Counts, pace: Pace) -> None:
        """Say a line."""
        click.echo(line(counts, pace), err=True)

    def end(self, counts: Counts, pace: Pace) -> None:
        """Nothing more: the summary follows."""


class Nothing:
    """No display: -q."""

    every = 3600.0

    def show(self, counts: Counts, pace: Pace) -> None:
        """Say nothing."""

    def end(self, counts: Counts, pace: Pace) -> None:
        """Nothing more: the summary follows."""


def watching(counts: Counts, common: Common, *, what: str) -> Watcher:
    """Return a watcher with the display that fits where stderr goes."""
    if common.quiet:
        return Watcher(counts, Nothing())
    if is_terminal():
        return Watcher(counts, Bar(counts.total, what=what, colours=common.click_color))
    return Watcher(counts, Lines())


def is_terminal() -> bool:
    """Tell whether stderr is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in {"dumb", "unknown"}
