"""People's wishes taken to whom they concern: `pixmesh jobs retry` and `pixmesh jobs cancel`.

Owns the order of things: first everything that was named is found and decided on, then it is
done; one name that makes no sense stops all. What may be asked, `wishes` decides.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..node.errors import MeshUnreachable, PixmeshError, UsageError
from ..node.folder.places import is_remote
from ..node.owner.folder_records import Arrival, Wish
from ..node.owner.ledger import Ledger
from ..node.owner.row import Row
from .jobs_view import path_shown
from .known import Known, find, meant
from .wishes import (
    SAME_COMMAND,
    Answer,
    Refusal,
    Way,
    cancel_arrival,
    cancel_output,
    retry_arrival,
    retry_output,
)

QUARANTINED: Final = "quarantined"
ASKED: Final = "is being cancelled"
ENDED: Final = "is cancelled"
KEPT_OUT: Final = "is not to be taken on: its watcher is told"
AT_ONCE: Final = "is tried again now"
NOT_WATCHED: Final = f"is not watched: {SAME_COMMAND} to try it"
TOO_LATE: Final = "had its outcome before this was heard: see pixmesh jobs show"
PAGE: Final = 500

Release = Callable[[str], str]
"""Have the broker let go of a quarantined picture; returns what came of it."""


@dataclass(slots=True)
class Asking:
    """One command's wishes. ``release`` raises MeshUnreachable where no broker is there."""

    ledger: Ledger
    release: Release
    warn: Callable[[str], None]

    # ---- cancel ---------------------------------------------------------------------

    def cancel(self, names: Sequence[str], *, under: str = "") -> list[Answer]:
        """Cancel what is named, of it only what comes out below a folder, if one is named.

        Raises UsageError where something cannot be cancelled.
        """
        asked: list[Row] = []
        left: list[Row] = []
        came: list[Arrival] = []
        for name in names:
            known = self._known(name, under)
            ways = {row: self._how_to_cancel(row) for row in known.rows}
            files = {one: self._how_to_keep_out(one) for one in known.arrivals}
            _demand_one(name, [*ways.values(), *files.values()], "cannot be cancelled")
            asked += [row for row, way in ways.items() if way is Way.OWNER]
            left += [row for row, way in ways.items() if way is Way.US]
            came += [one for one, way in files.items() if way is Way.OWNER]
        heard = self.ledger.folders.ask([row.destination for row in asked], Wish.CANCEL)
        ended = self.ledger.cancel_left(left)
        for row in left:
            if row.temp is not None and row.destination in ended:
                row.temp.unlink(missing_ok=True)
        self.ledger.folders.ask_of_arrivals(came, Wish.CANCEL)
        return [
            *(_answer(one, ASKED if one.destination in heard else TOO_LATE) for one in asked),
            *(_answer(one, ENDED if one.destination in ended else TOO_LATE) for one in left),
            *(_of_arrival(one) for one in came),
        ]

    def _how_to_cancel(self, row: Row) -> Way | Refusal:
        return cancel_output(row, is_alive=self.ledger.is_alive(row.owner))

    def _how_to_keep_out(self, arrival: Arrival) -> Way | Refusal:
        return cancel_arrival(arrival, is_watched=arrival.out in self._watched())

    # ---- retry ----------------------------------------------------------------------

    def retry(self, names: Sequence[str]) -> tuple[list[Answer], list[str]]:
        """Have what is named tried again; return answers, and what the broker said of others.

        Raises UsageError where something cannot be tried again.
        """
        rows: list[Row] = []
        unknown: list[str] = []
        for name in names:
            known = meant(_one_job(find(self.ledger, name)))
            if not known:
                unknown.append(name)
                continue
            ways = {row: self._how_to_retry(row) for row in known.rows}
            refusals = [retry_arrival(one) for one in known.arrivals]
            _demand_one(name, [*ways.values(), *refusals], "cannot be tried again")
            rows += [row for row, way in ways.items() if way is Way.OWNER]
        told = [release_unknown(self.release, name) for name in unknown]
        return self._retried(rows), told

    def retry_failed(self, rows: Iterator[Row]) -> list[Answer]:
        """Have all of these tried again, however many there are."""
        answers: list[Answer] = []
        page: list[Row] = []
        for row in rows:
            page.append(row)
            if len(page) == PAGE:
                answers += self._retried(page)
                page = []
        return answers + self._retried(page)

    def _how_to_retry(self, row: Row) -> Way | Refusal:
        there = is_remote(row.destination) or row.destination.exists()
        return retry_output(row, is_alive=self.ledger.is_alive(row.owner), is_there=there)

    def _retried(self, rows: Sequence[Row]) -> list[Answer]:
        if not rows:
            return []
        # Asked for first, the picture could come back while it is still set aside.
        for job in {row.job for row in rows if row.code == QUARANTINED and row.job is not None}:
            self._let_go(job.hex())
        heard = self.ledger.folders.ask([row.destination for row in rows], Wish.RETRY)
        watched = self._watched()
        answers = []
        for row in rows:
            is_here = not watched.isdisjoint(row.destination.parents)
            what = AT_ONCE if is_here else NOT_WATCHED
            answers.append(_answer(row, what if row.destination in heard else TOO_LATE))
        return answers

    def _let_go(self, job: str) -> None:
        try:
            self.release(job)
        except MeshUnreachable as error:
            self.warn(f"the broker was not asked: {error.what}")
        except UsageError:
            return  # it is not set aside there any more
        except PixmeshError as error:
            self.warn(f"the broker does not let it go: {error.what}")

    # ---- both -----------------------------------------------------------------------

    def _known(self, name: str, under: str) -> Known:
        known = meant(_one_job(find(self.ledger, name)), under)
        if not known:
            raise unknown_to_us(name, also=f" below {under}" if under else "")
        return known

    def _watched(self) -> set[Path | None]:
        """Return the OUTs that an owner watches that lives."""
        folders = self.ledger.folders.all()
        return {one.out for one in folders if self.ledger.is_alive(one.owner)}


def release_unknown(release: Release, name: str) -> str:
    """Release what only the broker may know. Raises UsageError where nobody knows it."""
    try:
        return release(name)
    except MeshUnreachable as error:
        raise unknown_to_us(name, also=f", and the broker was not asked: {error.what}") from error


def unknown_to_us(name: str, *, also: str = "") -> UsageError:
    """Say that the ledger does not know a name."""
    return UsageError(
        f"nothing is known of {name}{also}",
        remedy="name a picture that was run from here, its output, or a job's id (4 letters or"
        " more); 'pixmesh jobs list' shows what there is",
    )


def _one_job(known: Known) -> Known:
    """Return it, if a job's id that was shortened means one job."""
    jobs = sorted({row.job.hex() for row in known.rows if row.job is not None})
    by_id = [job for job in jobs if job.startswith(known.about.lower())]
    if len(by_id) > 1:
        raise UsageError(
            f"{known.about} is the beginning of {len(by_id)} jobs' ids",
            remedy=f"write more letters: {', '.join(one[:16] for one in by_id[:5])}",
        )
    return known


def _demand_one(name: str, ways: Sequence[Way | Refusal], what: str) -> None:
    """Raise UsageError where nothing of a name can be done."""
    if any(isinstance(way, Way) for way in ways):
        return
    refusals = [way for way in dict.fromkeys(ways) if isinstance(way, Refusal)]
    raise UsageError(
        f"{name} {what}: it {' and '.join(one.why for one in refusals)}",
        remedy="; ".join(dict.fromkeys(one.remedy for one in refusals)),
    )


def _answer(row: Row, what: str) -> Answer:
    return Answer(
        source=path_shown(row.source),
        destination=path_shown(row.destination),
        job=row.job.hex() if row.job is not None else None,
        what=what,
    )


def _of_arrival(arrival: Arrival) -> Answer:
    source = path_shown(arrival.source)
    return Answer(source=source, destination="", job=None, what=KEPT_OUT)
