"""The commit: how a result becomes a file, whole or not at all, exactly once.

Owns the order of the steps and what a restart makes of a commit that was cut off. The
steps touch the disk and the ledger through two small protocols only, so a simulated disk
that loses what was not synced can drive them. It knows nothing of jobs under way.

    1  write     the temp file, in the destination's folder
       sync      its bytes
    2  record    `committing`: final name, temp, digest
    3  place     rename temp to final
       anchor    sync the folder
    4  conclude  `done`, or `failed`
    5  settle    the on-done hook; the caller then lets go of the result

A group of results takes each step together: they share the ledger's transactions and the
folders' syncs. One that fails leaves the group, and takes its temp file with it.
"""

import enum
import errno
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ..errors import PixmeshError
from .job import Content, JobId
from .row import Failed, Ready, Row

log = logging.getLogger(__name__)

TAKEN_OVER: Final = "taken-over"
EXISTS: Final = "exists"
UNWRITABLE: Final = "unwritable"
UNNAMEABLE: Final = "unnameable"
_NAMES: Final = frozenset(
    {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.EISDIR, errno.ENOTDIR}
)
"""Errors that are one output's own; others, a full disk say, are those of OUT as a whole."""


class Disk(Protocol):
    """What a commit does to files. All raise OSError, but for ``digest`` and ``remove``."""

    def write(self, temp: Path, content: Content, *, modified_ns: int | None) -> None:
        """Write a new file, its folder too where there is none."""
        ...

    def sync_file(self, path: Path) -> None:
        """Make a file's bytes survive the loss of power."""
        ...

    def rename(self, temp: Path, final: Path, *, replace: bool) -> None:
        """Give a file its final name; FileExistsError where that is taken, unless replaced."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Make a folder's names survive the loss of power."""
        ...

    def digest(self, path: Path) -> bytes | None:
        """Return the digest of a file, or None where there is none to read."""
        ...

    def content(self, path: Path) -> Content:
        """Return what a file holds, to be written once more. Raises OSError."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file if it is there and can be removed."""
        ...


class Record(Protocol):
    """What a commit tells the ledger; each returns the destinations that moved on."""

    def committing(self, outputs: Sequence[Ready]) -> set[Path]:
        """These are about to get their final names."""
        ...

    def done(self, destinations: Sequence[Path]) -> set[Path]:
        """These stand under their final names."""
        ...

    def failed(self, outputs: Sequence[Failed]) -> set[Path]:
        """These will not appear."""
        ...

    def take_over(self, row: Row) -> bool:
        """A dead owner's unfinished commit is this owner's, unless another was faster."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One output to commit. ``replace`` lets it take the place of what is there."""

    destination: Path
    temp: Path
    job: JobId
    content: Content
    digest: bytes
    node: str
    attempts: int
    seconds: float
    replace: bool = False
    modified_ns: int | None = None

    @property
    def ready(self) -> Ready:
        """What the ledger keeps of it."""
        return Ready(
            destination=self.destination,
            job=self.job,
            result=self.digest,
            node=self.node,
            attempts=self.attempts,
            seconds=self.seconds,
        )


class Recovery(enum.Enum):
    """What is to be done about a commit that was cut off."""

    DONE = "done"
    RENAME = "rename"
    RESUBMIT = "resubmit"


def recover(*, final: bytes | None, temp: bytes | None, wanted: bytes | None) -> Recovery:
    """Decide by the digests of what lies under the final and the temp name."""
    if wanted is not None and final == wanted:
        return Recovery.DONE
    if wanted is not None and temp == wanted:
        return Recovery.RENAME
    return Recovery.RESUBMIT


def temp_for(destination: Path, token: str) -> Path:
    """Name the temp file of an output: short, so that a long final name fits as well."""
    return destination.parent / f".pixmesh-{token}.part"


class Committer:
    """Commits groups of results, one group after the other."""

    def __init__(
        self, *, disk: Disk, record: Record, on_done: Callable[[Commit], None] | None = None
    ) -> None:
        self._disk = disk
        self._record = record
        self._on_done = on_done

    def commit(self, results: Sequence[Commit], failed: Sequence[Failed] = ()) -> list[Failed]:
        """Commit a group, and record failures with it; return all that failed.

        Raises PixmeshError where the ledger or a whole folder fails: then what was cut off
        is for a restart to recover.
        """
        group = _Group(results, failed)
        for step in STEPS:
            step(self, group)
        return group.failed

    def _write(self, group: "_Group") -> None:
        for result in group.results():
            try:
                self._disk.write(result.temp, result.content, modified_ns=result.modified_ns)
            except (OSError, PixmeshError) as error:
                self._give_up(group, result, _code(error), _reason(result, error))

    def _sync(self, group: "_Group") -> None:
        for result in group.results():
            try:
                self._disk.sync_file(result.temp)
            except OSError as error:
                self._give_up(group, result, _code(error), _reason(result, error))

    def _commit(self, group: "_Group") -> None:
        results = group.results()
        accepted = self._record.committing([one.ready for one in results]) if results else set()
        for result in results:
            if result.destination not in accepted:
                self._give_up(group, result, TAKEN_OVER, "another pixmesh makes this output")

    def _place(self, group: "_Group") -> None:
        for result in group.results():
            try:
                self._disk.rename(result.temp, result.destination, replace=result.replace)
            except FileExistsError:
                reason = "a file of the output's name appeared meanwhile"
                self._give_up(group, result, EXISTS, reason)
            except OSError as error:
                # Whoever recovers this commit meanwhile has renamed it already.
                if self._disk.digest(result.destination) != result.digest:
                    self._give_up(group, result, _code(error), _reason(result, error))

    def _anchor(self, group: "_Group") -> None:
        for folder in dict.fromkeys(result.destination.parent for result in group.results()):
            _sync_folder(self._disk, folder)

    def _conclude(self, group: "_Group") -> None:
        if destinations := [result.destination for result in group.results()]:
            self._record.done(destinations)
        if group.failed:
            self._record.failed(group.failed)

    def _settle(self, group: "_Group") -> None:
        for result in group.results() if self._on_done else ():
            assert self._on_done is not None  # noqa: S101  # for the type checker
            try:
                self._on_done(result)
            except (OSError, PixmeshError) as error:
                log.warning("after %s was done: %s", result.destination, error)

    def _give_up(self, group: "_Group", result: Commit, code: str, reason: str) -> None:
        self._disk.remove(result.temp)
        group.fail(result, code, reason)


STEPS: Final = (
    Committer._write,  # noqa: SLF001  # the steps are this module's own
    Committer._sync,  # noqa: SLF001
    Committer._commit,  # noqa: SLF001
    Committer._place,  # noqa: SLF001
    Committer._anchor,  # noqa: SLF001
    Committer._conclude,  # noqa: SLF001
    Committer._settle,  # noqa: SLF001
)
"""The order that the promises rest on."""


class _Group:
    """Results that take the steps together, and those that fell out."""

    def __init__(self, results: Sequence[Commit], failed: Sequence[Failed]) -> None:
        self._alive = {result.destination: result for result in results}
        self.failed = list(failed)

    def results(self) -> list[Commit]:
        return list(self._alive.values())

    def fail(self, result: Commit, code: str, reason: str) -> None:
        del self._alive[result.destination]
        self.failed.append(
            Failed(
                destination=result.destination,
                code=code,
                reason=reason,
                node=result.node,
                attempts=result.attempts,
            )
        )


def decide(row: Row, disk: Disk) -> Recovery:
    """Look at the files of a commit that was cut off, and decide."""
    final = disk.digest(row.destination)
    temp = disk.digest(row.temp) if row.temp is not None else None
    return recover(final=final, temp=temp, wanted=row.result)


def finish(row: Row, *, disk: Disk, record: Record, replace: bool) -> bool:
    """Bring a dead owner's commit to its end; False where it has to be done anew.

    Any number of times, by any number of processes at once: the outcome is one.
    """
    recovery = decide(row, disk)
    if recovery is Recovery.RESUBMIT or not record.take_over(row):
        return False
    if recovery is Recovery.RENAME:
        assert row.temp is not None  # noqa: S101  # RENAME is decided by its digest
        try:
            disk.rename(row.temp, row.destination, replace=replace)
        except OSError:
            return False
    _sync_folder(disk, row.destination.parent)
    record.done([row.destination])
    if row.temp is not None:
        disk.remove(row.temp)
    return True


def _sync_folder(disk: Disk, folder: Path) -> None:
    try:
        disk.sync_folder(folder)
    except OSError as error:
        raise PixmeshError(
            f"the folder {folder} cannot be made durable: {error.strerror or error}",
            remedy="look after its disk, then run the same command again: it continues",
        ) from error


def _code(error: OSError | PixmeshError) -> str:
    return UNNAMEABLE if getattr(error, "errno", None) in _NAMES else UNWRITABLE


def _reason(result: Commit, error: OSError | PixmeshError) -> str:
    what = error.strerror or str(error) if isinstance(error, OSError) else error.what
    return f"cannot be written to {result.destination.parent}: {what}"
