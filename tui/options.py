"""The options that every subcommand takes, before or after its name, and what follows from them.

Owns colours, verbosity and how settings are put together for a command. What a subcommand
does with them is its own business.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from ..node.config import Config

Function = TypeVar("Function", bound=Callable[..., Any])
Color = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What was said in the common options."""

    broker: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    color: Color | None = None
    config_file: Path | None = None

    def over(self, other: "Common | None") -> "Common":
        """Return what is said here, and by `other` where nothing is said here."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
        return replace(other or Common(), **said)

    @property
    def click_color(self) -> bool | None:
        """Colours for click: True, False, or None for "where it is a terminal"."""
        if self.color in {"always", "never"}:
            return self.color == "always"
        return False if os.environ.get("NO_COLOR") else None

    def config(self, **flags: object) -> "Config":
        """Put the settings together under the flags of a command."""
        from ..node import config

        return config.load({"broker": self.broker, **flags}, file=self.config_file)

    def say(self, text: str) -> None:
        """Talk to a person: on stderr, and not when -q was given."""
        if not self.quiet:
            self.warn(text)

    def report(self, told: str) -> None:
        """Tell what came of an order: as data with --json, else to a person."""
        if self.json:
            import json

            click.echo(json.dumps({"schema": 1, "told": told}))
        else:
            self.say(told)

    def warn(self, text: str) -> None:
        """Tell a person what must not be missed: on stderr, with -q as well."""
        from ..broker.plain import plain_lines

        click.echo(plain_lines(text), err=True)


def common(function: Function) -> Function:
    """Add the common options to a command, which gets them as `common`."""

    @functools.wraps(function)
    def wrapped(*arguments: object, **values: Any) -> object:
        context = click.get_current_context()
        own = Common(**{f.name: values.pop(f"common_{f.name}") for f in fields(Common)})
        chosen = own.over(context.parent.obj if context.parent else None)
        context.color = chosen.click_color
        _log(chosen)
        return function(*arguments, common=chosen, **values)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]  # the same function to its caller


def _log(chosen: Common) -> None:
    import logging

    from ..broker.plain import log_plainly

    level = {0: logging.WARNING, 1: logging.INFO}.get(chosen.verbose, logging.DEBUG)
    log_plainly("%(asctime)s %(levelname)s %(name)s: %(message)s", level)


_OPTIONS = (
    click.option("--broker", "common_broker", metavar="HOST[:PORT]", help="The mesh's broker."),
    click.option("--json", "common_json", is_flag=True, help="Data on stdout, as JSON."),
    click.option("-q", "--quiet", "common_quiet", is_flag=True, help="Say only what went wrong."),
    click.option("-v", "--verbose", "common_verbose", count=True, help="Say more; -vv, all."),
    click.option(
        "--color",
        "common_color",
        type=click.Choice(["auto", "always", "never"]),
        help="Colours: auto (where it is a terminal), always, never.",
    ),
    click.option(
        "--config",
        "common_config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="F",
        help="Read settings from this file only.",
    ),
)
