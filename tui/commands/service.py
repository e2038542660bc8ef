"""`pixmesh service print|install|remove`: a role that this machine starts by itself."""

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from ..options import Common, common

if TYPE_CHECKING:
    from ...node.boot.program import Program
    from ...node.boot.registration import Call, Registration

SCHEMA: Final = 1
_WORDS: Final = {"ignore_unknown_options": True}
_WHAT: Final = """

The role is up, broker or node (the default); options of it may follow after --, such as:
pixmesh service install node -- --slots 4. It starts in the home folder: write whole paths.
"""


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[ROLE] [-- OPTIONS]"),
        click.option("--system", is_flag=True, help="A service of the machine, not of yours."),
        click.option("--user", metavar="NAME", help="As whom that one runs; who used sudo."),
    ):
        function = option(function)
    return common(function)


@click.group("service")
@common
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """Let this machine run pixmesh by itself: systemd, launchd or Task Scheduler."""
    ctx.obj = common


@command.command("print", context_settings=_WORDS, help=f"Show the service's file.{_WHAT}")
@_options
def show(words: tuple[str, ...], system: bool, user: str | None, common: Common) -> None:
    """Write the file to stdout, and say what would be done with it."""
    import json

    wanted, registration = _registration(words, system, user, common)
    if common.json:
        click.echo(json.dumps(_as_data(registration)))
        return
    click.echo(registration.content, nl=False)
    common.say(f"\nit would be: {registration.file}")
    common.say("then:")
    for call in registration.begin:
        common.say(f"  {shlex.join(call.words)}")
    _warn_of_unseen(wanted, common)


@command.command("install", context_settings=_WORDS, help=f"Start it now and at boot.{_WHAT}")
@_options
def install(words: tuple[str, ...], system: bool, user: str | None, common: Common) -> None:
    """Write the file, start the service, and say how to look after it."""
    from ...node.boot import installer

    wanted, registration = _registration(words, system, user, common)
    changed, told = installer.install(registration)
    common.say(f"{'wrote' if changed else 'was there already:'} {registration.file}")
    for call in told:
        common.say(f"ran   {shlex.join(call.words)}")
    common.say(f"pixmesh {wanted.role} was started, and starts by itself from now on")
    for hint in registration.hints:
        common.say(hint)
    _warn_of_unseen(wanted, common)


@command.command("remove", help="Stop it and take it away; ROLE is up, broker or node.")
@click.argument("role", default="node", type=click.Choice(["up", "broker", "node"]))
@click.option("--system", is_flag=True, help="The machine's, not yours.")
@common
def remove(role: str, system: bool, common: Common) -> None:
    """Stop the service, disable it, delete its file."""
    from ...node.boot import installer
    from ...node.boot.program import Host, Program

    user = "root" if system else None
    registration = installer.registration_here(Program(role=role, user=user), Host.here())
    if role != "broker" and registration.file.exists():
        common.say(f"ending pixmesh {role}: what it has is finished first")
    if installer.remove(registration):
        common.say(f"removed {registration.file}")
    else:
        common.say(f"nothing to remove: there is no {registration.file}")


def _registration(
    words: tuple[str, ...], system: bool, user: str | None, common: Common
) -> "tuple[Program, Registration]":
    from ...node.boot.installer import registration_here
    from ...node.boot.program import Host
    from .. import boot

    name = boot.user_of(system, user)
    host = Host.here(name)
    wanted = boot.program(words, common, user=name, host=host)
    return wanted, registration_here(wanted, host)


def _warn_of_unseen(wanted: "Program", common: Common) -> None:
    from ...node.boot.program import Host
    from .. import boot

    lost = boot.unseen(wanted, Host.here(wanted.user))
    if lost:
        common.warn("it will not see these settings of this shell and folder:")
        for line in lost:
            common.warn(f"  {line}")
        common.warn(
            "say them after --, name their file with --config, or put them into config.toml"
        )


def _as_data(registration: "Registration") -> dict[str, object]:
    def words(calls: "tuple[Call, ...]") -> list[list[str]]:
        return [list(call.words) for call in calls]

    return {
        "schema": SCHEMA,
        "file": str(registration.file),
        "content": _text(registration.content),
        "install": words(tuple(registration.begin)),
        "remove": words((*registration.end, *registration.forget)),
    }


def _text(content: bytes) -> str:
    return content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8")
