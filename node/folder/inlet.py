"""The folder IN as a watcher meets it, wherever it is: on a disk, on a share, in a cloud.

Owns the shape of that meeting, and nothing else. What is known of a file, and what is to be
done about it, is decided elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from ..owner.inputs import Picture
from ..owner.job import FileIdentity


class Found(Struct, frozen=True):  # made by the hundred thousand: in C
    """A file in IN: its path from there, with ``/``, and what tells whether it changed."""

    relative: str
    identity: FileIdentity


class Kind(Enum):
    """What a look into a file says."""

    WHOLE = "a picture, complete"
    UNPROVED = "a picture, of a kind whose end cannot be seen"
    PARTIAL = "a picture, not complete yet"
    OTHER = "no picture"
    GONE = "gone, or changed since"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look into a file says, and why it is not complete."""

    kind: Kind
    reason: str = ""


class Unavailable(Exception):
    """IN cannot be read now; its text says why, for people. What was known stays known."""


class Inlet(Protocol):
    """IN. Nothing in it is changed, but by ``move``.

    ``root`` names it in the ledger. Every method may wait for a disk or a network, and raises
    Unavailable where the whole of IN cannot be read.
    """

    @property
    def root(self) -> Path:
        """IN's own name: absolute, links resolved; of a URL, see ``places``."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it is a disk of this machine: looks are cheap, and inodes mean something."""
        ...

    @property
    def appears_whole(self) -> bool:
        """Whether files show only when they are complete, as objects of a cloud do."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...

    def check(self) -> None:
        """Raise Unavailable unless IN is what it was when it was opened."""
        ...

    def sweep(self) -> Iterator[Found]:
        """Yield every file that may be a picture by its name; each folder once."""
        ...

    def walk(self, relative: str) -> Iterator[Found]:
        """Yield the same for one folder in it; nothing where it is none, or left out."""
        ...

    def look(self, relative: str) -> FileIdentity | None:
        """Return what the file is now; None where there is none, or its name leaves it out."""
        ...

    def judge(self, relative: str, identity: FileIdentity) -> Verdict:
        """Look into a file: whether it is a picture, and all of it is there."""
        ...

    def is_gone(self, source: Path) -> bool:
        """Tell whether a file, by its own name, is of IN and is not there any more. Any thread."""
        ...

    def fetch(self, relative: str, identity: FileIdentity) -> Picture:
        """Return the file as a picture to be read here. Any thread.

        Raises OSError where it cannot be read, SourceChanged where it is no longer that file.
        """
        ...

    def release(self, picture: Picture) -> None:
        """Let go of what ``fetch`` made; a file of IN itself stays. Any thread."""
        ...

    def move(self, relative: str, identity: FileIdentity, to: Path) -> None:
        """Move a file below the folder ``to``, keeping its path; never over another.

        Raises OSError, SourceChanged.
        """
        ...
