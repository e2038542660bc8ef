"""One of the outputs that a watched folder makes of each picture: where, by which recipe.

Owns the batch that makes it, kept open, in a thread of its own.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..owner.files import FileBatch
from ..owner.job import FileIdentity
from .decision import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is made: ``recipe`` and ``output`` are canonical texts; ``label`` may be empty."""

    label: str
    out: Path
    recipe: str
    output: str
    extension_for: Callable[[str], str | None]

    def wish(self, identity: FileIdentity) -> Wish:
        """Return what is asked for of a file."""
        return Wish(identity, self.recipe, self.output)


class Target:
    """An output and its batch. ``broken`` is told what ended the batch before its time."""

    def __init__(
        self, output: Output, batch: FileBatch, broken: Callable[[Exception], None]
    ) -> None:
        self.output = output
        self.batch = batch
        self._broken = broken
        self._thread = threading.Thread(target=self._run, name="pixmesh-target", daemon=True)

    def start(self) -> None:
        """Begin to make what it is fed."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether outcomes may still come."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Begin nothing more; what runs is finished."""
        self.batch.stop()

    def join(self) -> None:
        """Return when it has ended."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self.batch.run()
        except Exception as error:  # noqa: BLE001  # a thread's edge: the watcher is told
            self._broken(error)
