"""Opening the dashboard in this terminal, and leaving the terminal as it was, however that ends."""

import contextlib
import logging
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import click
import psutil

from ...node.errors import PixmeshError
from ..cli import TERMINATED
from ..view.glyphs import fitting
from .app import Dashboard
from .sources import Doer, Pictures, Source

log = logging.getLogger(__name__)

KEPT: Final = 20
"""Log lines that are shown when the screen is left."""


def opened(
    source: Source,
    *,
    doer: Doer | None,
    pictures: Pictures | None,
    note: Callable[[], str] = str,
    up: int | None = None,
) -> str:
    """Show the mesh until it is left; return how. Raises PixmeshError where the screen broke.

    ``note`` returns what is to be said in the heading. ``up`` is the process that this is the
    screen of, if it is one's: it ends with that.
    """
    app = Dashboard(
        source=source,
        glyphs=fitting(os.environ, sys.stdout.encoding or ""),
        doer=doer,
        pictures=pictures,
        note=note,
        of_up=up is not None,
    )
    with _quiet_log(), _ended_by_sigterm(app):
        if up is not None:
            threading.Thread(target=_end_with, args=(app, up), name="lifeline", daemon=True).start()
        left = app.run(mouse=True)
    source.stop()
    if app.return_code == TERMINATED:
        click.get_current_context().exit(TERMINATED)
    if app.return_code:
        raise PixmeshError(
            "the dashboard broke; what it said is above", remedy="'pixmesh status' shows the same"
        )
    return left or ""


def _end_with(app: Dashboard, up: int) -> None:
    """Leave the screen when a process has ended, however that ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(up).wait()
    log.warning("'pixmesh up' has ended: so do its broker and node")
    app.call_later(app.exit)


@contextmanager
def _ended_by_sigterm(app: Dashboard) -> Iterator[None]:
    """Let SIGTERM leave the screen first."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        app.call_later(app.exit, return_code=TERMINATED)

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep log lines off the screen; the last ones are written when it is left."""
    root = logging.getLogger()
    before = list(root.handlers)
    kept = _Kept(before[0].formatter if before else None)
    root.handlers[:] = [kept]
    try:
        yield
    finally:
        root.handlers[:] = before
        for line in kept.lines:
            click.echo(line, err=True)


class _Kept(logging.Handler):
    """Keeps the last lines."""

    def __init__(self, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.lines: deque[str] = deque(maxlen=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.lines.append(self.format(record))
