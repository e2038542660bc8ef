"""What people ask of a run while it goes on, by `pixmesh jobs cancel` in another terminal.

Owns the thread that looks into the ledger for it: it reads one number, and more only after
another process has written. What is done about it is the batch's business.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from ..node.errors import PixmeshError
from ..node.owner.folder_records import Asked, Wish
from .beside import Beside

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.5


class Records(Protocol):
    """What is looked at."""

    def version(self) -> int:
        """Return a number that changes when another process writes."""
        ...

    def asked(self) -> list[Asked]:
        """Return what is asked of this owner's outputs."""
        ...

    def answered(self, asked: Sequence[Asked]) -> None:
        """Take away what was asked."""
        ...


class Listener(Beside):
    """Has outputs taken back that people cancel. ``take_back`` is called by its thread."""

    def __init__(self, records: Records, take_back: Callable[[Sequence[Path]], None]) -> None:
        super().__init__("listener")
        self._records = records
        self._take_back = take_back
        self._version: int | None = None

    def look(self) -> None:
        """Do what is asked since the last look."""
        version = self._records.version()
        if version == self._version:
            return
        asked = [one for one in self._records.asked() if one.wish is Wish.CANCEL]
        if outputs := [one.destination for one in asked if one.destination is not None]:
            self._take_back(outputs)
            self._records.answered(asked)
        self._version = version

    def look_on(self) -> None:
        """Look now and then."""
        while not self._ended.wait(LOOK_EVERY):
            try:
                self.look()
            except PixmeshError as error:  # the batch needs the ledger too, and says so itself
                log.info("nobody can be heard: %s", error.what)
