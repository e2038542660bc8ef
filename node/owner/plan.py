"""What a run would do, decided before anything is done: also what ``--dry-run`` shows.

Owns the decision for each picture: to do, known as done, in the way of something, worked
on by another. It looks at names, the ledger and OUT's folders, opens no picture (unless it
takes that to tell a touched file from a changed one), and changes nothing.

    the output                                             is
    not there                                              done
    there, and known as the same picture and recipe        skipped as known
    there, else, by on_exists: stop                        a conflict: nothing starts
                               skip, replace, number       skipped, replaced, given a number
    half committed by an owner that died                   finished
    under way at an owner that lives                       a conflict: nothing starts
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from ..errors import SourceChanged, UsageError
from .commit import Disk, Recovery, decide
from .inputs import Inputs, Picture, Refused
from .names import Name, destinations, name_key, numbered
from .row import Row, State
from .source import FileSource

NAMED_IN_ERRORS: Final = 5
ON_EXISTS_CHOICES: Final = "--on-exists skip, replace or number"


class OnExists(StrEnum):
    """What to do about an output that is there and is not known to be the same."""

    STOP = "stop"
    SKIP = "skip"
    REPLACE = "replace"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Entry:
    """One output to make. ``digest`` is the picture's, where the ledger has it.

    ``before`` is the output as it was made last: where the picture turns out to be the same,
    it is not made again; and its file may be replaced, as long as nobody else changed it.
    ``refused`` says what is in its way, if something is: then it fails.
    """

    picture: Picture
    destination: Path
    digest: bytes | None = None
    replace: bool = False
    before: Row | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A commit that was cut off and can be finished."""

    entry: Entry
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done, and what is not, and why.

    ``known`` outputs are done already, ``existing`` ones are skipped because something is
    there, ``later`` ones are left by ``first``. ``stale`` are temp files of dead owners.
    ``skipped`` counts what is no picture, by kind.
    """

    out: Path
    recipe: str
    output: str
    entries: tuple[Entry, ...]
    unfinished: tuple[Unfinished, ...] = ()
    stale: tuple[Path, ...] = ()
    known: int = 0
    existing: int = 0
    later: int = 0
    conflicts: tuple[Path, ...] = ()
    busy: tuple[Path, ...] = ()
    refused: tuple[Refused, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    disk_free: int = 0

    @property
    def total_bytes(self) -> int:
        """The size of the pictures to do."""
        return sum(entry.picture.identity.size for entry in self.entries)

    def disk_needed(self, growth: float = 1.0) -> int:
        """Estimate the bytes that the outputs take: ``growth`` times the pictures' own."""
        return round(self.total_bytes * growth)

    def check(self) -> None:
        """Raise UsageError if nothing may start."""
        if self.busy:
            raise UsageError(
                f"{_named(self.busy)} being made by another pixmesh",
                remedy="wait until it is done, or stop it",
            )
        if self.conflicts:
            raise UsageError(
                f"{_named(self.conflicts)} already there, and not known as the output of this"
                " picture and recipe",
                remedy=f"choose another OUT, or {ON_EXISTS_CHOICES}",
            )


class Known(Protocol):
    """What a plan asks the ledger."""

    @property
    def owner(self) -> str:
        """The name of this process in the rows."""
        ...

    def rows(self, destinations: Iterable[Path]) -> dict[Path, Row]:
        """Return the rows of those destinations that have one."""
        ...

    def is_alive(self, owner: str) -> bool:
        """Tell whether the process of that name still runs."""
        ...


def make_plan(
    *,
    inputs: Inputs,
    out: Path,
    recipe: str,
    output: str,
    extension_for: Callable[[str], str | None],
    ledger: Known,
    disk: Disk,
    on_exists: OnExists = OnExists.STOP,
    first: int | None = None,
) -> Plan:
    """Decide what a run does about each picture.

    ``recipe`` and ``output`` are canonical texts. Raises UsageError where an output would
    be written over an input, or OUT is no folder; conflicts are left to ``Plan.check``.
    """
    out = Path(os.path.realpath(out))
    _check_out(out, inputs)
    fold_case = folds_case(out)
    sources = [Name(one.root, one.relative, one.named) for one in inputs.pictures]
    names = destinations(sources, extension_for=extension_for, fold_case=fold_case)
    pairs = [(one, out / name) for one, name in zip(inputs.pictures, names, strict=True)]
    _refuse_inputs_as_outputs(pairs, fold_case=fold_case)
    deciding = _Deciding(
        recipe=recipe,
        output=output,
        ledger=ledger,
        disk=disk,
        on_exists=on_exists,
        names=_Names(fold_case=fold_case),
    )
    deciding.decide(pairs)
    return deciding.plan(out=out, inputs=inputs, first=first)


def folds_case(folder: Path) -> bool:
    """Tell whether the file system of a folder, there already or not, takes ``A`` for ``a``."""
    for one in (folder, *folder.parents):
        other = one.with_name(one.name.swapcase()) if one.name else one
        if other != one and one.exists():
            try:
                return other.samefile(one)
            except OSError:
                return False
    return sys.platform in {"win32", "darwin"}


class _Names:
    """Which names are taken in the folders of OUT; each folder is listed once."""

    def __init__(self, *, fold_case: bool) -> None:
        self._fold_case = fold_case
        self._listings: dict[str, frozenset[str]] = {}

    def exists(self, path: Path) -> bool:
        folder, name = os.path.split(path)
        listing = self._listings.get(folder)
        if listing is None:
            listing = self._listings[folder] = frozenset(map(self._key, _listed(folder)))
        return self._key(name) in listing

    def _key(self, name: str) -> str:
        return name_key(name, fold_case=self._fold_case)


class _Deciding:
    """The decisions so far."""

    def __init__(
        self,
        *,
        recipe: str,
        output: str,
        ledger: Known,
        disk: Disk,
        on_exists: OnExists,
        names: _Names,
    ) -> None:
        self._wanted = (recipe, output)
        self._ledger = ledger
        self._disk = disk
        self._on_exists = on_exists
        self._names = names
        self._alive: dict[str, bool] = {ledger.owner: False}  # its rows are for it to redo
        self._entries: list[Entry] = []
        self._unfinished: list[Unfinished] = []
        self._stale: list[Path] = []
        self._conflicts: list[Path] = []
        self._busy: list[Path] = []
        self._planned: set[Path] = set()
        self._known = 0
        self._existing = 0

    def plan(self, *, out: Path, inputs: Inputs, first: int | None) -> Plan:
        now = self._entries if first is None else self._entries[:first]
        return Plan(
            out=out,
            recipe=self._wanted[0],
            output=self._wanted[1],
            entries=tuple(now),
            unfinished=tuple(self._unfinished),
            stale=tuple(self._stale),
            known=self._known,
            existing=self._existing,
            later=len(self._entries) - len(now),
            conflicts=tuple(self._conflicts),
            busy=tuple(self._busy),
            refused=inputs.refused,
            skipped=inputs.skipped,
            disk_free=_disk_free(out),
        )

    def decide(self, pairs: list[tuple[Picture, Path]]) -> None:
        rows = self._ledger.rows(destination for _, destination in pairs)
        self._planned.update(destination for _, destination in pairs)
        for picture, destination in pairs:
            self._decide(picture, destination, rows.get(destination))

    def _decide(self, picture: Picture, destination: Path, row: Row | None) -> None:
        exists = self._names.exists(destination)
        entry = Entry(picture, destination, _digest(picture, row))
        if row is not None and row.state in {State.SUBMITTED, State.COMMITTING}:
            if self._is_alive(row.owner):
                self._busy.append(destination)
                return
            if self._can_finish(picture, row, exists=exists):
                self._unfinished.append(Unfinished(entry, row))
                return
            if row.temp is not None:
                self._stale.append(row.temp)
        if not exists:
            self._entries.append(entry)
        elif row is not None and row.state is State.DONE and self._same(picture, row):
            self._known += 1
        else:
            self._decide_existing(entry)

    def _decide_existing(self, entry: Entry) -> None:
        match self._on_exists:
            case OnExists.STOP:
                self._conflicts.append(entry.destination)
            case OnExists.SKIP:
                self._existing += 1
            case OnExists.REPLACE:
                self._entries.append(
                    Entry(entry.picture, entry.destination, entry.digest, replace=True)
                )
            case OnExists.NUMBER:
                self._number(entry)

    def _number(self, entry: Entry) -> None:
        number = 2
        while (one := Path(numbered(str(entry.destination), number))) in self._planned or (
            self._names.exists(one) and not self._is_known(entry.picture, one)
        ):
            number += 1
        self._planned.add(one)
        self._decide(entry.picture, one, self._ledger.rows([one]).get(one))

    def _is_known(self, picture: Picture, destination: Path) -> bool:
        row = self._ledger.rows([destination]).get(destination)
        return row is not None and row.state is State.DONE and self._same(picture, row)

    def _same(self, picture: Picture, row: Row) -> bool:
        """Tell whether a row is about this picture and this recipe."""
        if (row.recipe, row.output) != self._wanted:
            return False
        if row.source == picture.path and row.identity == picture.identity:
            return True
        if row.digest is None or row.identity.size != picture.identity.size:
            return False
        try:
            return FileSource(picture.path, identity=picture.identity).digest == row.digest
        except (OSError, SourceChanged):
            return False

    def _can_finish(self, picture: Picture, row: Row, *, exists: bool) -> bool:
        if row.state is not State.COMMITTING or not self._same(picture, row):
            return False
        recovery = decide(row, self._disk)
        if recovery is Recovery.RENAME:
            return not exists or self._on_exists is OnExists.REPLACE
        return recovery is Recovery.DONE

    def _is_alive(self, owner: str) -> bool:
        if owner not in self._alive:
            self._alive[owner] = self._ledger.is_alive(owner)
        return self._alive[owner]


def _digest(picture: Picture, row: Row | None) -> bytes | None:
    if row is None or row.source != picture.path or row.identity != picture.identity:
        return None
    return row.digest


def _check_out(out: Path, inputs: Inputs) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"OUT {out} is a file, not a folder", remedy="name a folder with -o")
    if out in inputs.folders:
        raise UsageError(
            f"OUT {out} is itself an INPUT folder: the outputs would become inputs",
            remedy=f"choose another folder, such as -o {out.with_name(f'{out.name}-out')}",
        )


def _refuse_inputs_as_outputs(pairs: list[tuple[Picture, Path]], *, fold_case: bool) -> None:
    real = _RealPaths(fold_case=fold_case)
    inputs = {real.key(picture.path) for picture, _ in pairs}
    over = tuple(destination for _, destination in pairs if real.key(destination) in inputs)
    if over:
        raise UsageError(
            f"{_named(over)} both an input and an output; an input is never written over",
            remedy="choose another OUT",
        )


class _RealPaths:
    """What two paths have in common when they are one file's; each folder is resolved once."""

    def __init__(self, *, fold_case: bool) -> None:
        self._fold_case = fold_case
        self._real: dict[str, str] = {}

    def key(self, path: Path) -> str:
        folder, name = os.path.split(path)
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = os.path.realpath(folder)
        return name_key(f"{real}{os.sep}{name}", fold_case=self._fold_case)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # names are enough, for 100,000 of them
    except OSError:
        return []


def _disk_free(out: Path) -> int:
    import shutil

    for folder in (out, *out.parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return 0


def _named(paths: tuple[Path, ...]) -> str:
    """Name the first few, with the verb that fits: "a.jpg is", "a.jpg, b.jpg and 7 more are"."""
    names = ", ".join(str(path) for path in paths[:NAMED_IN_ERRORS])
    if len(paths) > NAMED_IN_ERRORS:
        names += f" and {len(paths) - NAMED_IN_ERRORS} more"
    return f"{names} {'is' if len(paths) == 1 else 'are'}"
