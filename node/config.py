"""What pixmesh is told beforehand: every setting, its default, and where its value is from.

A flag wins over the environment (``PIXMESH_*``), that over the project's ``pixmesh.toml``,
that over the user's ``config.toml``, that over the default. The project's file is the
nearest one from the current folder upwards; the search ends at the home folder, and a
file that another user owns is refused, because it could point at a foreign mesh.
``--config F`` (or ``PIXMESH_CONFIG``) names the only file that is read.

All mistakes are reported together, each with where it was set. What a value means is no
business of this module.
"""

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import platformdirs

from ..broker.names import host_name
from . import settings
from .anchor import anchored_text
from .errors import ConfigError
from .folder.order import Order, read_order

PROJECT_FILE: Final = "pixmesh.toml"
VARIABLE: Final = "PIXMESH_CONFIG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting with its default."""

    broker: str | None = None
    """The broker's HOST[:PORT]; None looks for this user's running broker."""

    slots: int = field(default_factory=settings.cores)
    """How many tasks this machine works on at a time; the cores it may use."""

    name: str = field(default_factory=host_name)
    """What this machine is called in the mesh; its host name."""

    max_load: float = 0.9
    """A node takes nothing new while others use more of the CPU than this (0 to 1)."""

    drain: float = 60.0
    """Seconds that a node which is told to end may still work on what it has."""

    bind: tuple[str, ...] = ()
    """Interfaces and addresses that the broker listens at; none means all that lead to a LAN."""

    port: int = 7710
    """The broker's control port; its relay is the next one."""

    wait: float = 30.0
    """Seconds that ``run`` waits for a node that can do the work."""

    max_pixels: int = 256_000_000
    """Pictures of more pixels are refused from their header, before anything is decoded."""

    recipes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Recipes by name, for ``pixmesh run NAME``; files that they name are beside the settings."""

    watch: tuple[Order, ...] = ()
    """The folders that ``pixmesh watch`` and ``pixmesh up`` watch, from ``[[watch]]`` tables."""

    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    """Where each value was set, in words; what is missing here is a default."""

    def origin(self, name: str) -> str:
        """Say where the value of a setting is from; recipes are ``recipes.NAME``."""
        return self.origins.get(name, "default")


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    "broker": settings.read_address,
    "slots": settings.read_slots,
    "name": settings.read_name,
    "max_load": settings.read_share,
    "drain": settings.read_seconds,
    "bind": settings.read_words,
    "port": settings.read_port,
    "wait": settings.read_seconds,
    "max_pixels": settings.read_pixels,
}


def load(
    flags: Mapping[str, object] | None = None,
    *,
    file: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> Config:
    """Put the settings together; a flag of None was not given.

    Raises ConfigError naming every mistake in every place.
    """
    reading = _Reading()
    for path in _files(file, environ, folder or Path.cwd()):
        reading.take_file(path)
    for name in _READERS:
        variable = f"PIXMESH_{name.upper()}"
        if environ.get(variable):
            reading.take(name, environ[variable], f"environment {variable}")
    for name, value in (flags or {}).items():
        if value is not None:
            reading.take(name, value, f"flag {_flag(name)}")
    return reading.config()


def user_file() -> Path:
    """Return where the user's own settings are, whether the file exists or not."""
    return Path(platformdirs.user_config_dir("pixmesh", appauthor=False)) / "config.toml"


def project_file(folder: Path) -> Path | None:
    """Return the nearest pixmesh.toml from a folder upwards, the home folder being the last."""
    home = Path.home()
    for place in (folder, *folder.parents):
        if (place / PROJECT_FILE).is_file():
            return place / PROJECT_FILE
        if place == home:
            break
    return None


def named_file(file: Path | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the only file to read, where a flag or the environment names one."""
    return file or (Path(environ[VARIABLE]).expanduser() if environ.get(VARIABLE) else None)


def _files(file: Path | None, environ: Mapping[str, str], folder: Path) -> Iterator[Path]:
    """Yield the files to read, the weakest first."""
    named = named_file(file, environ)
    if named is not None:
        yield named
        return
    if user_file().is_file():
        yield user_file()
    project = project_file(folder)
    if project is not None:
        yield project


class _Reading:
    """Values, origins and mistakes as they come in, the weakest place first."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}
        self._recipes: dict[str, str] = {}
        self._orders: list[Order] = []
        self._origins: dict[str, str] = {}
        self._mistakes: list[str] = []

    def take(self, name: str, value: object, origin: str) -> None:
        try:
            self._values[name] = _READERS[name](value)
        except ValueError as error:
            self._mistakes.append(f"{name.replace('_', '-')}: {error} ({origin})")
        else:
            self._origins[name] = origin

    def take_file(self, path: Path) -> None:
        try:
            tables = _read_toml(path)
        except ConfigError as error:
            self._mistakes.append(str(error))
            return
        for key, value in tables.items():
            name = key.replace("-", "_")
            if name == "recipes":
                self._take_recipes(value, path)
            elif name == "watch":
                self._take_orders(value, path)
            elif name in _READERS:
                self.take(name, value, f"file {path}")
            else:
                self._mistakes.append(f"{key}: no such setting{_nearest(name)} (file {path})")

    def _take_recipes(self, table: object, path: Path) -> None:
        if not isinstance(table, dict):
            self._mistakes.append(f"recipes: must be a table [recipes] (file {path})")
            return
        for name, text in table.items():
            if isinstance(text, str):
                self._recipes[name] = anchored_text(text, path.absolute().parent)
                self._origins[f"recipes.{name}"] = f"file {path}"
            else:
                self._mistakes.append(f"recipes.{name}: must be a text (file {path})")

    def _take_orders(self, tables: object, path: Path) -> None:
        """Take the [[watch]] tables of a file, in place of a weaker file's."""
        if not isinstance(tables, list):
            self._mistakes.append(f"watch: must be tables [[watch]] (file {path})")
            return
        self._orders.clear()
        self._origins["watch"] = f"file {path}"
        for number, table in enumerate(tables, start=1):
            try:
                self._orders.append(read_order(table, folder=path.absolute().parent))
            except (ValueError, AttributeError) as error:
                self._mistakes.append(f"watch {number}: {error} (file {path})")

    def config(self) -> Config:
        if self._mistakes:
            raise ConfigError(
                "\n".join(self._mistakes), remedy="correct the settings in the places named"
            )
        values: dict[str, Any] = self._values
        return dataclasses.replace(
            Config(),
            **values,
            recipes=MappingProxyType(self._recipes),
            watch=tuple(self._orders),
            origins=MappingProxyType(self._origins),
        )


def _read_toml(path: Path) -> dict[str, object]:
    try:
        _check_owner(path)
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def _check_owner(path: Path) -> None:
    if os.name == "posix" and path.stat().st_uid not in {0, os.geteuid()}:
        raise ConfigError(f"{path}: belongs to another user, and is not trusted")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, [*_READERS, "recipes", "watch"], n=1)
    return f"; did you mean {close[0].replace('_', '-')}?" if close else ""
