"""What can go wrong for a member, and what to do about it.

    PixmeshError                what happened, and the remedy; exit code 1
    ├── UsageError              a request that cannot be carried out as written; 2
    │   └── ConfigError         a setting with a wrong value, and where it was set
    ├── MeshUnreachable         no broker answers; every address tried is named; 3
    ├── NotAuthorised           the broker does not know this key; 4
    ├── OtherVersion            what answers speaks another protocol; 1
    ├── CannotRun               no node of this mesh can do this operation; 6
    ├── JobFailed               one picture's outcome is an error (never ends a loop)
    └── SourceChanged           a picture changed while it was being read

Mistakes in a recipe and unreadable pictures are ``pixmesh.ops.errors``: they are found
without a mesh.
"""

from typing import ClassVar


class PixmeshError(Exception):
    """An error that says what happened and what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}" if self.remedy else self.what


class UsageError(PixmeshError):
    """The request cannot be carried out as it is written."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting has a wrong value; the message names where it was set."""


class MeshUnreachable(PixmeshError):
    """No broker answers at any of the addresses named."""

    exit_code = 3


class NotAuthorised(PixmeshError):
    """The broker refuses this member's key."""

    exit_code = 4


class OtherVersion(PixmeshError):
    """The broker speaks another version of the protocol."""


class CannotRun(PixmeshError):
    """No node of this mesh can do what is asked."""

    exit_code = 6


class JobFailed(PixmeshError):
    """One picture's outcome is an error; ``code`` is stable, the text is for people."""

    def __init__(self, what: str, *, code: str, remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.code = code


class SourceChanged(PixmeshError):
    """A picture's file changed between two reads, so its job no longer describes it."""
