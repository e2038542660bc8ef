"""IN as a URL: listed instead of told of, and fetched to be read here.

Owns which keys are files of IN. What is fetched lies in the process's own spool until it is
released.
"""

import contextlib
import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ...errors import SourceChanged
from ...owner.inputs import (
    EXTENSIONS,
    FIRST_BYTES,
    Origin,
    Picture,
    is_left_out,
    looks_like_picture,
)
from ...owner.job import FileIdentity
from ...owner.names import numbered
from ..inlet import Found, Kind, Unavailable, Verdict
from ..places import shown
from .identity import identity_of
from .store import Store

T = TypeVar("T")


class CloudInlet:
    """A place that fsspec reaches; implements inlet.Inlet. ``wants`` is asked for paths."""

    is_local = False

    def __init__(self, store: Store, spool: Path, wants: Callable[[str], bool]) -> None:
        self._store = store
        self._spool = spool
        self._wants = wants
        self._is_well = False
        self.root = store.root
        self.appears_whole = store.holds_objects

    def check(self) -> None:
        """Raise Unavailable unless it can be reached; asked only after it could not."""
        if not self._is_well:
            if not self._of_all(lambda: self._store.exists(self._store.holder())):
                raise Unavailable(f"{shown(self.root)} is not there")
            self._is_well = True

    def close(self) -> None:
        """End the connection."""
        self._store.close()

    def sweep(self) -> Iterator[Found]:
        """Yield every file that may be a picture by its name."""
        found: Mapping[str, Mapping[str, Any]] = self._of_all(
            lambda: self._store.do(lambda files: files.find(self._store.path(""), detail=True))
        )
        for name, info in found.items():
            relative = self._store.inside(name)
            if info.get("type") != "directory" and self._is_wanted(relative):
                yield Found(relative, identity_of(info))

    def walk(self, relative: str) -> Iterator[Found]:  # noqa: ARG002  # nobody tells of folders
        """Yield nothing: a sweep finds all."""
        return iter(())

    def look(self, relative: str) -> FileIdentity | None:
        """Return what the file is now."""
        if not self._is_wanted(relative):
            return None
        try:
            info = self._do(lambda files: files.info(self._store.path(relative)))
        except FileNotFoundError:
            return None
        return identity_of(info)

    def judge(self, relative: str, identity: FileIdentity) -> Verdict:
        """Look into a file: by its name, else by its first bytes.

        An object that changed since it was listed is noticed when it is fetched.
        """
        if not self.appears_whole and self.look(relative) != identity:
            return Verdict(Kind.GONE)
        is_named_so = Path(relative).suffix.lower() in EXTENSIONS
        if not is_named_so and not (identity.size and self._starts_like_one(relative)):
            return Verdict(Kind.OTHER)
        return Verdict(Kind.WHOLE if self.appears_whole else Kind.UNPROVED)

    def is_gone(self, source: Path) -> bool:
        """Tell whether a file is of IN and is not there any more."""
        relative = self._store.relative(source)
        return relative is not None and not self._exists(self._store.path(relative))

    def fetch(self, relative: str, identity: FileIdentity) -> Picture:
        """Bring a file here."""
        copy = self._spool / (secrets.token_hex(8) + Path(relative).suffix)
        try:
            self._do(lambda files: files.get_file(self._store.path(relative), str(copy)))
            self._refuse_change(relative, identity)
            here = FileIdentity.of(copy)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        return Picture(
            path=copy,
            root=self.root,
            relative=str(Path(relative)),
            named=False,
            identity=here,
            origin=Origin(self.root / relative, identity),
        )

    def release(self, picture: Picture) -> None:
        """Remove what was fetched."""
        picture.path.unlink(missing_ok=True)

    def move(self, relative: str, identity: FileIdentity, to: Path) -> None:
        """Move a file elsewhere in the same store; never over another."""
        self._refuse_change(relative, identity)
        wanted, source = self._store.at(to / relative), self._store.path(relative)
        for number in itertools.count(1):
            final = wanted if number == 1 else numbered(wanted, number)
            with contextlib.suppress(FileExistsError):
                self._rename(source, final)
                return

    def _rename(self, source: str, final: str) -> None:
        self._of_one(lambda: self._store.rename(source, final, replace=False))

    def _refuse_change(self, relative: str, identity: FileIdentity) -> None:
        if self.look(relative) != identity:
            raise SourceChanged(f"{shown(self.root / relative)} changed since it was looked at")

    def _exists(self, path: str) -> bool:
        return self._of_all(lambda: self._store.exists(path))

    def _is_wanted(self, relative: str) -> bool:
        parts = relative.split("/")
        if any(part in {"", ".", ".."} or is_left_out(part) for part in parts):
            return False
        return "\0" not in relative and "\\" not in relative and self._wants(relative)

    def _starts_like_one(self, relative: str) -> bool:
        try:
            first = self._do(
                lambda files: files.cat_file(self._store.path(relative), start=0, end=FIRST_BYTES)
            )
        except (FileNotFoundError, PermissionError):
            return False
        return looks_like_picture(first)

    def _do(self, work: Callable[[Any], T]) -> T:
        """Do something with one file."""
        return self._of_one(lambda: self._store.do(work))

    def _of_one(self, work: Callable[[], T]) -> T:
        """Do something far away; what is wrong with one file only is raised as it is."""
        try:
            return work()
        except (FileNotFoundError, FileExistsError, PermissionError):
            raise
        except OSError as error:
            raise self._away(error) from None

    def _of_all(self, work: Callable[[], T]) -> T:
        """Do something far away, without which nothing else can be done there."""
        try:
            return work()
        except OSError as error:
            raise self._away(error) from None

    def _away(self, error: OSError) -> Unavailable:
        self._is_well = False
        return Unavailable(f"{shown(self.root)} cannot be reached: {error.strerror or error}")


def open_inlet(url: str, spool: Path, *, wants: Callable[[str], bool]) -> CloudInlet:
    """Open IN. Raises UsageError where it cannot be, or is not there."""
    from ...errors import UsageError

    try:
        inlet = CloudInlet(Store(url), spool, wants)
        inlet.check()
    except (OSError, Unavailable) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"IN {url} cannot be opened: {why}",
            remedy="see that it is there, and that the credentials are where fsspec looks for them",
        ) from None
    return inlet
