"""The weights of models on this machine: found where they are, fetched, checked.

    PIXMESH_MODELS, or platformdirs' user cache folder "pixmesh/models"
    ├── u2net/u2net.onnx          one folder a model
    ├── u2net/u2net.onnx.part     a download that was cut off; it goes on where it ended
    ├── .u2net.lock               held by who fetches them
    └── seen.json                 which files were checked, and how they looked then

Files that rembg or Hugging Face have fetched are used where they lie. Nothing is used before its
SHA-256 was found right; a file that looks as it did when it was checked is not read again.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import platformdirs

from ..broker.locks import lock_now
from ..ops.weights import WEIGHTS, Weights, WeightsFile, missing
from .errors import PixmeshError, UsageError

VARIABLE: Final = "PIXMESH_MODELS"
BLOCK: Final = 1 << 20
PATIENCE: Final = 30.0
REST_OF_IT: Final = 206

Progress = Callable[[str, int, int], None]
"""Told of a file's name, how many bytes of it are here, and of how many."""


Fetch = Callable[[WeightsFile, Path, Progress], None]
"""Gets a file, or the rest of it, into a path. Raises PixmeshError, OSError."""


def _unheard(_name: str, _here: int, _size: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file's digest was found to be, and how it looked then."""

    sha256: str
    size: int
    mtime: int


@dataclass(frozen=True, slots=True)
class WeightsCache:
    """A folder of weights; ``home`` is where other programs' folders are looked for."""

    folder: Path
    home: Path
    table: Mapping[str, Weights] = field(default_factory=lambda: WEIGHTS)

    @classmethod
    def open(cls, environ: Mapping[str, str] = os.environ) -> "WeightsCache":
        """Return this user's."""
        chosen = environ.get(VARIABLE)
        usual = platformdirs.user_cache_path("pixmesh", appauthor=False) / "models"
        return cls(Path(chosen).absolute() if chosen else usual, Path.home())

    def weights(self, name: str) -> Weights:
        """Return the entry of a name. Raises UsageError where there is none."""
        if name not in self.table:
            known = ", ".join(self.table)
            raise UsageError(f"there is no model {name!r}", remedy=f"there are {known}")
        return self.table[name]

    def places(self, name: str) -> list[Path]:
        """Return the folders in which all files of a model may be, our own first."""
        elsewhere = [self.home / one for one in self.weights(name).elsewhere]
        return [self.folder / name, *elsewhere]

    def find(self, name: str) -> Path:
        """Return the folder of a model's weights. Raises PictureError where they are not here."""
        place = self.where(name)
        if place is None:
            raise missing(name)
        return place

    def where(self, name: str) -> Path | None:
        """Return the folder in which all files of a model are, as they should be; or None."""
        files = self.weights(name).files
        for place in self.places(name):
            if all((place / one.name).is_file() for one in files) and not self.wrong(name, place):
                return place
        return None

    def wrong(self, name: str, place: Path, *, anew: bool = False) -> list[str]:
        """Return what is wrong with a model's files in a folder; read ``anew`` if that is asked."""
        checked = {} if anew else self._seen()
        mistakes = []
        for one in self.weights(name).files:
            path = place / one.name
            try:
                _demand_right(path, one, self._looked(path, one, checked.get(str(path))))
            except OSError as error:
                mistakes.append(f"{path}: {error.strerror or error}")
            except ValueError as error:
                mistakes.append(str(error))
        return mistakes

    def pull(self, name: str, tell: Progress = _unheard, fetch: Fetch | None = None) -> Path:
        """Fetch what is not here of a model; return its folder. Raises PixmeshError.

        ``fetch`` gets one file, from the web where nothing else is said.
        """
        place = self.where(name)
        if place is not None:
            return place
        place = self.folder / name
        try:
            place.mkdir(parents=True, exist_ok=True)
            with _alone(place):
                for one in self.weights(name).files:
                    self._fetch(one, place, tell, fetch or download)
        except OSError as error:
            raise PixmeshError(
                f"{name} cannot be stored in {place}: {error.strerror or error}",
                remedy=f"make room there, or name another folder in {VARIABLE}",
            ) from None
        return place

    def _fetch(self, one: WeightsFile, place: Path, tell: Progress, fetch: Fetch) -> None:
        path, part = place / one.name, place / f"{one.name}.part"
        with contextlib.suppress(OSError, ValueError):
            _demand_right(path, one, _looked_into(path))
            return
        _demand_room(place, one)
        fetch(one, part, tell)
        found = _looked_into(part)
        try:
            _demand_right(part, one, found)
        except ValueError as error:
            part.unlink()
            raise PixmeshError(
                f"what came is not {one.name}: {error}",
                remedy="try again later; if it stays so, copy the file from another machine",
            ) from None
        part.replace(path)
        self._remember(path, found)

    # ---- what was checked -----------------------------------------------------------

    def _seen(self) -> dict[str, Checked]:
        try:
            return msgspec.json.decode(self._book.read_bytes(), type=dict[str, Checked])
        except (OSError, msgspec.DecodeError):
            return {}  # then all is checked anew

    @property
    def _book(self) -> Path:
        return self.folder / "seen.json"

    def _looked(self, path: Path, one: WeightsFile, before: Checked | None) -> Checked:
        """Return what a file is: read again only where it has the size and looks otherwise."""
        looks = path.stat()
        if looks.st_size != one.size:
            return Checked("", looks.st_size, looks.st_mtime_ns)
        if before is not None and (before.size, before.mtime) == (one.size, looks.st_mtime_ns):
            return before
        found = _looked_into(path)
        self._remember(path, found)
        return found

    def _remember(self, path: Path, look: Checked) -> None:
        """Write down what a file is; where that cannot be, it is read again next time."""
        known = {one: was for one, was in self._seen().items() if Path(one).exists()}
        known[str(path)] = look
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".seen")
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(known))
            Path(name).replace(self._book)


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Keep other processes out of a folder of weights. Raises PixmeshError where one is in it."""
    with place.with_name(f".{place.name}.lock").open("ab") as lock:
        if not lock_now(lock):
            raise PixmeshError(
                f"another pixmesh fetches what is to be in {place}",
                remedy="wait until it has; 'pixmesh models list' shows when",
            )
        yield


def _looked_into(path: Path) -> Checked:
    """Read a file and return what it is. Raises OSError."""
    looks = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Checked(digest, looks.st_size, looks.st_mtime_ns)


def _demand_right(path: Path, one: WeightsFile, found: Checked) -> None:
    """Raise ValueError unless a file is what it should be."""
    if found.size != one.size:
        raise ValueError(f"{path} has {found.size} bytes, and should have {one.size}")
    if found.sha256 != one.sha256:
        raise ValueError(f"{path} has the SHA-256 {found.sha256}, and should have {one.sha256}")


def _demand_room(place: Path, one: WeightsFile) -> None:
    room = shutil.disk_usage(place).free
    if room < one.size:
        raise PixmeshError(
            f"{one.name} takes {one.size / 1e6:.0f} MB, and {place} has room for {room / 1e6:.0f}",
            remedy=f"make room there, or name another folder in {VARIABLE}",
        )


def begun(one: WeightsFile, part: Path) -> int:
    """Return how much of a file is here already; a part that is no beginning of it is removed."""
    here = part.stat().st_size if part.exists() else 0
    if here < one.size:
        return here
    part.unlink()
    return 0


def download(one: WeightsFile, part: Path, tell: Progress) -> None:
    """Fetch a file from the web, or the rest of it where it was cut off.

    Raises PixmeshError, OSError.
    """
    here = begun(one, part)
    try:
        with _answer(one.url, here) as answer, part.open("ab") as file:
            if answer.status != REST_OF_IT:
                file.truncate(0)
            for size in _copied(answer, file, one.size):
                tell(one.name, size, one.size)
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise PixmeshError(
            f"{one.url} cannot be fetched: {_why(error)}",
            remedy="try again: what came stays and it goes on there; without internet, copy"
            f" {one.name} from another machine into {part.parent}",
        ) from None


def _why(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"{error.code} {error.reason}"
    return str(getattr(error, "reason", "") or error)


@contextlib.contextmanager
def _answer(url: str, here: int) -> Iterator[HTTPResponse]:
    """Ask for a file from an offset on."""
    if not url.startswith(("https://", "http://")):
        raise PixmeshError(f"{url} is no address of the web", remedy="report this")
    headers = {"User-Agent": "pixmesh"} | ({"Range": f"bytes={here}-"} if here else {})
    asked = urllib.request.Request(url, headers=headers)  # noqa: S310  # of the web, see above
    with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310
        yield answer


def _copied(answer: HTTPResponse, file: BinaryIO, most: int) -> Iterator[int]:
    """Append what comes to a file; yield its size again and again. It never grows beyond most."""
    while (size := file.tell()) <= most and (block := answer.read(min(BLOCK, most + 1 - size))):
        file.write(block)
        yield file.tell()
    file.flush()
    os.fsync(file.fileno())
    if file.tell() < most:
        raise ConnectionError(f"it was cut off after {file.tell()} of {most} bytes")
