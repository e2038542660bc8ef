"""The state folder: where this user's keys, ledger and running broker are on this machine.

Owns the layout of the folder and that nobody else can look into it: whoever can read it
can join the mesh, so it is made 0700 and refused when it is not. It knows nothing of what
the files in it contain.

    PIXMESH_STATE, or platformdirs' user state folder "pixmesh"
    ├── keys/            this user's keys, one file per role and name
    ├── ledger.sqlite3   jobs and outcomes
    ├── broker.json      where this user's running broker can be reached
    ├── members.json     who joined this user's broker from elsewhere, and its tickets
    ├── mesh.json        the mesh of another machine that this one has joined
    └── run/             sockets (elsewhere when this path is too long for a socket)
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from .errors import ConfigError

VARIABLE: Final = "PIXMESH_STATE"
SOCKET_PATH_BYTES: Final = 103  # what sockaddr_un holds on macOS; Linux has 4 more
SOCKET_NAME_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class StateFolder:
    """A folder that exists and that only this user can look into."""

    root: Path

    @classmethod
    def open(cls, environ: Mapping[str, str] = os.environ) -> "StateFolder":
        """Find the folder, make what is missing, and check that it is private.

        Raises ConfigError when it cannot be made, or when others can read it.
        """
        state = cls(chosen(environ))
        for folder in (state.root, state.keys, state.runtime):
            _make_private(folder)
        return state

    @property
    def ledger(self) -> Path:
        """The database of jobs and outcomes."""
        return self.root / "ledger.sqlite3"

    @property
    def keys(self) -> Path:
        """The folder of this user's keys."""
        return self.root / "keys"

    @property
    def broker_file(self) -> Path:
        """Where this user's running broker writes its address, as JSON."""
        return self.root / "broker.json"

    @property
    def roll(self) -> Path:
        """Who joined this user's broker from elsewhere."""
        return self.root / "members.json"

    @property
    def membership(self) -> Path:
        """The mesh of another machine that this one has joined."""
        return self.root / "mesh.json"

    @property
    def runtime(self) -> Path:
        """The folder for sockets; its path leaves room for a name of 24 bytes."""
        here = self.root / "run"
        if _fits_a_socket(here):
            return here
        name = hashlib.blake2b(os.fsencode(self.root), digest_size=6).hexdigest()
        base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        return Path(base) / f"pixmesh-{name}"


def chosen(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the state folder is or would be; nothing is made or checked."""
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE]).expanduser().absolute()
    return Path(platformdirs.user_state_dir("pixmesh", appauthor=False))


def _fits_a_socket(folder: Path) -> bool:
    return len(os.fsencode(folder)) + 1 + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES


def _make_private(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ConfigError(
            f"the state folder {folder} cannot be made: {error.strerror}",
            remedy=f"set {VARIABLE} to a folder that you can write",
        ) from error
    if os.name == "posix":
        _check_private(folder, found)


def _check_private(folder: Path, found: os.stat_result) -> None:
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(
            f"the state folder {folder} is not a folder",
            remedy=f"move it away, or set {VARIABLE} to a folder of your own",
        )
    if found.st_uid != os.geteuid():
        raise ConfigError(
            f"the state folder {folder} belongs to another user (uid {found.st_uid})",
            remedy=f"set {VARIABLE} to a folder of your own",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigError(
            f"the state folder {folder} can be read by others "
            f"(mode {stat.S_IMODE(found.st_mode):04o}); it holds the keys of your mesh",
            remedy=f"chmod 700 {folder}",
        )
