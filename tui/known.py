"""What the ledger knows of what a person names: a picture, an output, or a job.

Owns how names are understood. The broker is not asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..node.folder.places import as_path, is_url
from ..node.owner.folder_records import Arrival
from ..node.owner.ledger import Ledger
from ..node.owner.row import Row
from ..node.state import StateFolder
from .story import Told


@dataclass(frozen=True, slots=True)
class Known:
    """All outputs of one name, and the file itself while it is not submitted."""

    about: str
    rows: tuple[Row, ...] = ()
    arrivals: tuple[Arrival, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.arrivals)


@contextmanager
def opened_ledger() -> Iterator[Ledger | None]:
    """Open this user's ledger; there is none before the first run."""
    path = StateFolder.open().ledger
    if not path.exists():
        yield None
        return
    with Ledger(path) as ledger:
        yield ledger


def find(ledger: Ledger, about: str) -> Known:
    """Return what is known of a picture or an output; else of the jobs whose id begins so."""
    rows: dict[Path, Row] = {}
    arrivals: dict[tuple[Path | None, Path], Arrival] = {}
    for path in paths(about):
        rows |= {row.destination: row for row in ledger.rows_of_source(path)}
        rows |= ledger.rows([path])
        arrivals |= {(one.out, one.source): one for one in ledger.folders.arrivals(path)}
    if not rows and not arrivals:
        rows = {row.destination: row for row in ledger.rows_of_id(about)}
    return Known(about, tuple(rows.values()), tuple(arrivals.values()))


def meant(known: Known, under: str = "") -> Known:
    """Return of all that has a name what is meant to change: what comes out below a folder.

    Of files that came to watched folders, the one whose OUT that is, if there is one. Without a
    folder, a name that is an output's means that output alone: it may have been dropped into
    another watched folder since.
    """
    named = set(paths(under or known.about))
    exactly = tuple(one for one in known.arrivals if under and one.out in named)
    if exactly:
        return Known(known.about, (), exactly)
    rows = tuple(one for one in known.rows if not named.isdisjoint(_places(one.destination)))
    if under:
        arrivals = tuple(
            one
            for one in known.arrivals
            if one.out is not None and not named.isdisjoint(_places(one.out))
        )
        return Known(known.about, rows, arrivals)
    outputs = tuple(one for one in rows if one.destination in named)
    return Known(known.about, outputs) if outputs else known


def _places(path: Path) -> tuple[Path, ...]:
    """Return a path, and every folder that it is in."""
    return path, *path.parents


def paths(name: str) -> tuple[Path, ...]:
    """Return the paths that may be meant: as it is written, and as it really is."""
    if is_url(name):
        return (as_path(name),)
    path = Path(name).absolute()
    return tuple(dict.fromkeys((path, path.resolve())))


def told(ledger: Ledger, known: Known) -> list[Told]:
    """Return the rows with their history."""
    return [Told(row, tuple(ledger.history(row.destination))) for row in known.rows]
