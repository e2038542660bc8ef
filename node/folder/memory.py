"""What the ledger knows of a watched folder, and is told of it.

Owns which of its rows are about files of IN as they are now. Knows nothing of what happens
meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..owner.folder_records import Arrival, ArrivalState, Asked
from ..owner.job import FileIdentity
from ..owner.ledger import Ledger
from ..owner.row import Row, State
from .decision import is_settled
from .stages import Stage
from .target import Output

KEPT_DAYS: Final = 90
_ARRIVING: Final = {Stage.SETTLING: ArrivalState.SEEN, Stage.WAITING: ArrivalState.WAITING}


@dataclass(slots=True)
class Memory:
    """The ledger's part of one folder. ``root`` is IN's own name, ``out`` OUT's."""

    ledger: Ledger
    root: Path
    out: Path
    outputs: Sequence[Output]
    _version: int = -1
    _noted: set[str] = field(default_factory=set)

    def begin(self) -> None:
        """Tell that this process watches the folder."""
        self.ledger.folders.watched(
            self.out, self.root, "; ".join(one.recipe for one in self.outputs)
        )

    def end(self) -> None:
        """Tell that nobody does."""
        self.ledger.folders.unwatched(self.out)

    def relative(self, source: Path) -> str | None:
        """Return a source's path from IN, with ``/``; None where it lies elsewhere."""
        try:
            return source.relative_to(self.root).as_posix()
        except ValueError:
            return None

    def settled(self) -> Iterator[tuple[str, FileIdentity, Stage]]:
        """Yield the files of which nothing is to be done while they stay as they are."""
        found: dict[str, tuple[FileIdentity, int, bool]] = {}
        for row in self.ledger.rows_under(self.out):
            relative = self.relative(row.source)
            if relative is None or not self._is_settled(row):
                continue
            identity, count, failed = found.get(relative, (row.identity, 0, False))
            if identity == row.identity:
                failed = failed or row.state is not State.DONE
                found[relative] = (identity, count + 1, failed)
        for relative, (identity, count, failed) in found.items():
            if count == len(self.outputs):
                yield relative, identity, Stage.FAILED if failed else Stage.WRITTEN

    def _is_settled(self, row: Row) -> bool:
        return any(
            is_settled(row, one.wish(row.identity))
            for one in self.outputs
            if one.out in row.destination.parents
        )

    def note(self, changes: Sequence[tuple[str, Stage | None, str]]) -> None:
        """Take in which files came, and which are on their way or gone."""
        came = {
            relative: Arrival(self.root / relative, _ARRIVING[stage], reason)
            for relative, stage, reason in changes
            if stage in _ARRIVING
        }
        left = [one for one, stage, _ in changes if stage not in _ARRIVING and one in self._noted]
        if came:
            self.ledger.folders.arriving(self.out, list(came.values()))
            self._noted.update(came)
        if left:
            self.ledger.folders.arrived(self.out, [self.root / relative for relative in left])
            self._noted.difference_update(left)

    def asked(self) -> list[Asked]:
        """Return what people ask of the folder's files since this was last asked."""
        version = self.ledger.folders.version()
        if version == self._version:
            return []
        self._version = version
        return self.ledger.folders.taken(self.out)

    def prune(self, wall: float, *, is_gone: Callable[[Path], bool]) -> int:
        """Forget what is older than anyone asks after; return how many rows went."""
        return self.ledger.folders.prune(wall - KEPT_DAYS * 86_400, is_gone)
