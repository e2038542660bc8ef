"""What a person wants to be started at boot, checked now rather than then.

Owns reading the role and its options, which settings a service sees, and which of those
of this shell it will not see. Starts and writes nothing.
"""

import dataclasses
import getpass
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from ..node import config, weights
from ..node.anchor import relative_files
from ..node.boot.program import ABOUT, Host, Program
from ..node.config import Config
from ..node.errors import UsageError
from ..ops.errors import RecipeError
from ..ops.recipe import parse
from .options import Common

NODE: Final = "node"
_TICKET: Final = re.compile(r"(?:^|=)xm[0-9]+-")
_CARRIED: Final = ("PIXMESH_STATE", weights.VARIABLE, config.VARIABLE)
_CARRIED_FOR_ONESELF: Final = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
_APART: Final = frozenset({"recipes", "origins"})


def role_and_words(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Take the role off what follows ``service install``; it may be left out."""
    if not words or words[0].startswith("-"):
        return NODE, tuple(words)
    role, *rest = words
    if role in ABOUT:
        return role, tuple(rest)
    if _TICKET.search(role):
        raise _no_tickets()
    raise UsageError(
        f"there is no role {role!r} that a machine could start",
        remedy=f"one of {', '.join(ABOUT)}; options of it follow, such as: {NODE} -- --slots 4",
    )


def program(words: Sequence[str], common: Common, *, user: str | None, host: Host) -> Program:
    """Return what is to be started. Raises UsageError for what could not work then."""
    role, own = role_and_words(words)
    own = (*_common_words(common), *own)
    said = _said(role, own)
    environment = _environment(os.environ, for_oneself=user is None)
    settings = _settings(said, environment, host)
    return Program(
        role=role,
        words=own,
        environment=environment,
        drain=0.0 if role == "broker" else settings.drain,
        user=user,
    )


def user_of(system: bool, named: str | None) -> str | None:
    """Return as whom a service of the machine runs; None for one of who asks."""
    if not system:
        if named is not None:
            raise UsageError("--user is for --system", remedy="add --system, or leave --user out")
        return None
    user = named or os.environ.get("SUDO_USER") or getpass.getuser()
    if user == "root" and named is None:
        raise UsageError(
            "as whom should it run? A node computes what others send, which is not for root",
            remedy="add --user NAME: a user who has no rights but his own",
        )
    return user


def unseen(wanted: Program, host: Host) -> list[str]:
    """Say which settings hold in this shell and folder, and will not in the service."""
    said = _said(wanted.role, wanted.words)
    here = config.load(file=said.get("common_config_file"))
    there = _settings(said, wanted.environment, host)
    flags = {name for name, value in said.items() if value is not None}
    return [
        f"{name.replace('_', '-')} = {getattr(here, name)} ({here.origin(name)})"
        for name in (field.name for field in dataclasses.fields(Config))
        if name not in flags | _APART and getattr(here, name) != getattr(there, name)
    ]


def _common_words(common: Common) -> list[str]:
    words = ["--broker", common.broker] if common.broker else []
    if common.config_file:
        words += ["--config", str(common.config_file.absolute())]
    return words


def _said(role: str, words: Sequence[str]) -> dict[str, Any]:
    """Return the role's options as its command reads them. Raises UsageError, click's too."""
    from .group import root

    if any(map(_TICKET.search, words)):
        raise _no_tickets()
    parent = click.get_current_context(silent=True)
    command = root.get_command(parent or click.Context(root), role)
    if command is None:
        raise UsageError(f"there is no command {role!r}", remedy="one of: up, broker, node")
    said = command.make_context(f"pixmesh {role}", list(words)).params
    if said.get("ticket") or said.get("ticket_file"):
        raise _no_tickets()
    _refuse_relative(said)
    return said


def _refuse_relative(said: Mapping[str, Any]) -> None:
    for recipe, _, _ in said.get("watch") or ():
        _refuse_relative_files(recipe)
    for value in said.values():
        if isinstance(value, Path) and not value.is_absolute():
            raise UsageError(
                f"{value}: a service does not start in this folder",
                remedy=f"write the whole path: {value.absolute()}",
            )


def _refuse_relative_files(recipe: str) -> None:
    """Refuse a recipe that names files from this folder on; one of the settings has whole paths."""
    try:
        files = relative_files(parse(recipe))
    except RecipeError:
        return  # it may be the name of one of the settings
    if files:
        raise UsageError(
            f"{files[0]}: a service does not start in this folder",
            remedy=f"write the whole path: {Path(files[0]).absolute()}",
        )


def _settings(said: Mapping[str, Any], environment: Mapping[str, str], host: Host) -> Config:
    """Return the settings that the service will see. Raises ConfigError."""
    names = {field.name for field in dataclasses.fields(Config)} - _APART
    flags = {name: value for name, value in said.items() if name in names}
    return config.load(
        flags, file=said.get("common_config_file"), environ=environment, folder=host.home
    )


def _environment(environ: Mapping[str, str], *, for_oneself: bool) -> dict[str, str]:
    """Return the variables that name folders and files, which the service must share."""
    names = _CARRIED + (_CARRIED_FOR_ONESELF if for_oneself else ())
    found = {name: environ[name] for name in names if environ.get(name)}
    return {name: str(Path(text).expanduser().absolute()) for name, text in found.items()}


def _no_tickets() -> UsageError:
    return UsageError(
        "a ticket does not belong in a service: it is valid for a short time, and anybody can"
        " read a service's file",
        remedy="join once with 'pixmesh node TICKET' and end it (Ctrl-C);"
        " then install the service without one",
    )
