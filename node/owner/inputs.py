"""Which of the files that a person names, or that lie in folders, are pictures.

Owns the walk through folders and the first look at a file: its name, its first bytes, its
identity. It knows nothing of outputs, recipes or decoding: a broken picture is a picture
here, and fails later with its reason.

    a file named by the person   always taken: what it is not, its header will say
    a file in a folder           taken if its extension or its first bytes say picture,
                                 else counted by kind
    temp, hidden, system names   counted, never opened
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..errors import UsageError
from .job import FileIdentity
from .walk import FolderKey, Walk, folder_key

_EXTENSIONS: Final = """
    .jpg .jpeg .jpe .jfif .png .apng .webp .tif .tiff .bmp .dib .gif .avif .heic .heif .hif
    .jp2 .j2k .jpx .jxl .ppm .pgm .pbm .pnm .pam .pfm .exr .hdr .ras .sr
    .cr2 .cr3 .crw .nef .nrw .arw .sr2 .srf .dng .orf .pef .raf .rw2 .srw
"""
EXTENSIONS: Final = frozenset(_EXTENSIONS.split())
TEMPORARY: Final = (".part", ".tmp", ".crdownload", ".download", "~")
SYSTEM: Final = frozenset(
    {
        *("@eadir", "thumbs.db", "ehthumbs.db", "desktop.ini"),
        *("$recycle.bin", "#recycle", "system volume information", "lost+found"),
    }
)
FIRST_BYTES: Final = 32

HIDDEN_KIND: Final = "temporary, hidden or system"
SPECIAL_KIND: Final = "not a regular file"
BROKEN_LINK_KIND: Final = "broken link"
NO_EXTENSION_KIND: Final = "no extension"

_MAGIC: Final = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|II[*+U]\0|IIR[OS]|MM\0[*+]|MMOR|RIFF....WEBP"
    rb"|....ftyp(?:avif|avis|hei[cmsx]|hev[cmx]|mif1|msf1)"
    rb"|\0\0\0\x0cJXL \r\n\x87\n|\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"
    rb"|BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}|P[1-6]\s+[0-9#]|v/1\x01|\#\?RADIANCE",
    re.DOTALL,
)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
_RECIPE_WORD: Final = re.compile(r"\||[a-z][a-z0-9_-]*|[a-z][a-z0-9_]*=[^/\\]*")


@dataclass(frozen=True, slots=True)
class Origin:
    """A picture where people know it: a path, or a URL as a path."""

    path: Path
    identity: FileIdentity


@dataclass(frozen=True, slots=True)
class Picture:
    """A file taken for a picture, and where it was found.

    ``path`` is absolute. ``root`` is the INPUT folder it lies in, or the folder of a file
    that was named itself; ``relative`` is the path from there, with the system's separators.
    ``origin`` is set where ``path`` is only a copy, made to be read here.
    """

    path: Path
    root: Path
    relative: str
    named: bool
    identity: FileIdentity
    origin: Origin | None = None

    @property
    def source(self) -> Origin:
        """What it is a copy of, if it is one; else itself. This is what the ledger knows."""
        return self.origin or Origin(self.path, self.identity)


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was asked for and cannot be read: a stable code, and why."""

    path: Path
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What there is to do, what cannot be read, and what was left out, by kind."""

    pictures: tuple[Picture, ...]
    folders: tuple[Path, ...] = ()
    refused: tuple[Refused, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def total_bytes(self) -> int:
        """The size of all pictures together."""
        return sum(picture.identity.size for picture in self.pictures)


def find_inputs(inputs: Sequence[str | Path], *, out: Path | None = None) -> Inputs:
    """Find the pictures among files and folders, each once, in a stable order.

    The folder ``out`` is not walked, so outputs never become inputs.
    Raises UsageError for an INPUT that does not exist.
    """
    key = folder_key(out) if out is not None else None
    search = _Search(avoid=frozenset([key] if key else []))
    for given in inputs:
        search.add(Path(given))
    return search.found()


def looks_like_picture(first_bytes: bytes) -> bool:
    """Tell from a file's first bytes (32 suffice) whether it says to be a picture."""
    return _MAGIC.match(first_bytes) is not None


def is_left_out(name: str) -> bool:
    """Tell whether a name is that of a temporary, hidden or system file or folder."""
    folded = name.lower()
    return folded.startswith(".") or folded.endswith(TEMPORARY) or folded in SYSTEM


def kind_of(name: str) -> str:
    """Return the word under which a file that is no picture is counted."""
    return Path(name).suffix.lower() or NO_EXTENSION_KIND


class _Search:
    """One search under way: what it found so far."""

    def __init__(self, *, avoid: frozenset[FolderKey]) -> None:
        self._avoid = avoid
        self._pictures: dict[str, Picture] = {}
        self._folders: dict[Path, None] = {}
        self._refused: list[Refused] = []
        self._skipped: Counter[str] = Counter()

    def found(self) -> Inputs:
        return Inputs(
            tuple(self._pictures.values()),
            tuple(self._folders),
            tuple(self._refused),
            dict(self._skipped.most_common()),
        )

    def add(self, given: Path) -> None:
        """Take one INPUT as the person wrote it."""
        try:
            found = given.stat()
        except (OSError, ValueError) as error:
            raise _missing(given, error) from error
        if stat.S_ISDIR(found.st_mode):
            self._walk(Path(os.path.realpath(given)))
        else:
            parent = Path(os.path.realpath(given.parent))
            self._take_named(parent / given.name, found)

    def _take_named(self, path: Path, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            self._refused.append(Refused(path, "not-a-picture", "not a regular file"))
            return
        self._pictures[str(path)] = Picture(
            path, path.parent, path.name, named=True, identity=FileIdentity.seen(found)
        )

    def _walk(self, root: Path) -> None:
        """Take a folder's pictures, sorted by their path."""
        self._folders[root] = None
        pictures: list[Picture] = []
        walk = Walk(root, self._leaves_out, self._refuse, self._avoid)
        for entry, inside in walk.files():
            self._look_at(entry, root, inside, pictures)
        for picture in sorted(pictures, key=lambda picture: picture.relative):
            self._pictures.setdefault(str(picture.path), picture)

    def _leaves_out(self, folder: str) -> bool:
        if is_left_out(folder):
            self._skipped[HIDDEN_KIND] += 1
            return True
        return False

    def _look_at(
        self, entry: os.DirEntry[str], root: Path, relative: str, into: list[Picture]
    ) -> None:
        name = entry.name
        if is_left_out(name):
            self._skipped[HIDDEN_KIND] += 1
            return
        says_picture = os.path.splitext(name)[1].lower() in EXTENSIONS  # noqa: PTH122  # hot
        try:
            # Not entry.stat(): on Windows that has no inode.
            found = os.stat(entry.path)  # noqa: PTH116  # hot
        except OSError as error:
            if says_picture:
                self._refuse(entry.path, error)
            else:
                self._skipped[BROKEN_LINK_KIND if entry.is_symlink() else kind_of(name)] += 1
            return
        if not stat.S_ISREG(found.st_mode):
            self._skipped[SPECIAL_KIND] += 1
        elif says_picture or starts_like_picture(entry.path):
            into.append(Picture(Path(entry.path), root, relative, False, FileIdentity.seen(found)))
        else:
            self._skipped[kind_of(name)] += 1

    def _refuse(self, path: str, error: OSError) -> None:
        reason = f"cannot be read: {error.strerror or error}"
        self._refused.append(Refused(Path(path), "unreadable", reason))


def starts_like_picture(path: str) -> bool:
    """Tell from a file whether it says to be a picture; one that cannot be read does not."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # hot
            return looks_like_picture(file.read(FIRST_BYTES))
    except OSError:
        return False


def _missing(given: Path, error: OSError | ValueError) -> UsageError:
    text = str(given)
    if given.is_symlink():
        return UsageError(f"{text!r} is a link to something that does not exist")
    if not isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return UsageError(
            f"{text!r} cannot be read: {error.strerror}", remedy="check its permissions"
        )
    if _RECIPE_WORD.fullmatch(text):
        return UsageError(
            f"there is no file or folder {text!r}",
            remedy="did you forget the quotes around the recipe?"
            ' It is one argument: "grayscale | blur ksize=5"',
        )
    if _URL.match(text):
        return UsageError(
            f"{text!r} is no file or folder of this machine",
            remedy="fetch it first; 'pixmesh watch' takes folders at s3://, sftp:// and others",
        )
    return UsageError(f"there is no file or folder {text!r}", remedy="check the spelling")
