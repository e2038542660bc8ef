"""A role of pixmesh as a program that a machine starts by itself, and where that is for whom.

Owns what every service manager must be told. How each of them is told is in its own file.
"""

import getpass
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ..errors import UsageError

AFTER_THE_DRAIN: Final = 15
"""Seconds to end in, beside those for what a node still works on."""

ABOUT: Final[Mapping[str, str]] = {
    "up": "a broker and this machine's node",
    "broker": "the matchmaker of a mesh",
    "node": "this machine works on pictures for its mesh",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is started: a role with its options, and what it needs around it.

    ``drain`` is how many seconds it may go on working when it is told to end. ``user`` None
    means the service manager of who asks; a name means the machine's, and runs it as that user.
    """

    role: str
    words: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    drain: float = 0.0
    user: str | None = None
    python: str = sys.executable

    @property
    def command(self) -> tuple[str, ...]:
        """The command, which imports nothing of the folder that it is started in."""
        return (self.python, "-P", "-m", "pixmesh.tui.cli", self.role, *self.words)

    @property
    def about(self) -> str:
        """What it is, in a line."""
        return f"pixmesh {self.role}: {ABOUT[self.role]}"

    @property
    def patience(self) -> int:
        """Seconds from being told to end until it is killed; always more than the drain."""
        return math.ceil(self.drain) + AFTER_THE_DRAIN


@dataclass(frozen=True, slots=True)
class Host:
    """Where things are on this machine, for the user whose program it is."""

    user: str
    uid: int
    home: Path
    config: Path

    @classmethod
    def here(cls, user: str | None = None) -> "Host":
        """Return this machine, for who asks or for a user of the machine.

        Raises UsageError when there is no such user.
        """
        if sys.platform == "win32":
            name = f"{os.environ.get('USERDOMAIN', '.')}\\{user or getpass.getuser()}"
            return cls(name, 0, Path.home(), Path(os.environ.get("LOCALAPPDATA", Path.home())))
        if user is None:
            return cls(getpass.getuser(), os.getuid(), Path.home(), _config_folder())
        import pwd

        try:
            entry = pwd.getpwnam(user)
        except KeyError as error:
            raise UsageError(
                f"there is no user {user!r} on this machine", remedy="name another with --user"
            ) from error
        return cls(user, entry.pw_uid, Path(entry.pw_dir), Path(entry.pw_dir) / ".config")


def _config_folder() -> Path:
    named = os.environ.get("XDG_CONFIG_HOME")
    return Path(named) if named else Path.home() / ".config"
