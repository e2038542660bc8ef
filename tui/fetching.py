"""Shows how far a download is: a bar on a terminal, a line at its beginning elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .options import Common
from .progress import is_terminal

if TYPE_CHECKING:
    from ..node.weights import Progress


@contextmanager
def fetching(common: Common) -> "Iterator[Progress]":
    """Return one to tell of each file how much of it is here, until the block ends."""
    if common.quiet or common.json:
        yield lambda _name, _here, _size: None
    elif is_terminal():
        with _bars(common) as bars:
            yield bars
    else:
        yield _lines(common)


def _lines(common: Common) -> "Progress":
    told: set[str] = set()

    def tell(name: str, _here: int, size: int) -> None:
        if name not in told:
            told.add(name)
            common.say(f"fetching {name}, {size / 1e6:.1f} MB")

    return tell


@contextmanager
def _bars(common: Common) -> "Iterator[Progress]":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True, no_color=common.click_color is False, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(
        *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=console
    ) as progress:

        def tell(name: str, here: int, size: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=size)
            progress.update(tasks[name], completed=here)

        yield tell
