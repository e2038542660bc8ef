"""The root of the command line: the subcommands by name, loaded when they are asked for.

Owns the list that `pixmesh --help` shows, without importing a single subcommand.
"""

import importlib
from typing import Final

import click

from .options import Common, common

COMMANDS: Final = {
    "run": "process files and folders, wait, exit",
    "watch": "the drop folder: the same, for ever",
    "up": "a mesh on this machine: broker and node in one",
    "broker": "the matchmaker of a mesh",
    "node": "let this machine work for a mesh",
    "ticket": "what lets another machine join: new, list, revoke",
    "top": "the dashboard: the mesh live",
    "status": "who is in the mesh, and what it is doing",
    "why": "the whole story of one picture",
    "nodes": "the machines of a mesh: list, approve, drain, resume, forget",
    "folders": "watched folders: list, pause, resume",
    "jobs": "what became of pictures: list, show, retry, cancel",
    "ops": "what can be done to a picture",
    "models": "the weights that some of that needs: list, pull, check",
    "doctor": "what is wrong with this set-up, and the fix",
    "config": "the settings, and where each came from",
    "service": "run at boot: print, install, remove",
    "demo": "draw some pictures and run them: the first thing to try",
    "bench": "measurements, with their method",
}


class LazyGroup(click.Group):
    """A group whose subcommands are modules of `tui.commands`, imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's shape
        """Name the subcommands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".commands.{cmd_name}", __package__)
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand, or say which one is nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(_no_such_command(args[0]), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the subcommands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _no_such_command(word: str) -> str:
    import difflib

    close = difflib.get_close_matches(word.lower(), COMMANDS, n=1, cutoff=0.5)
    if close:
        return f"there is no command {word!r}; did you mean {close[0]!r}?"
    return f"there is no command {word!r}; the commands are {', '.join(COMMANDS)}"


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"pixmesh {version('pixmesh')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Try "pixmesh demo", then: pixmesh run "grayscale | canny" photos -o out',
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@common
@click.pass_context
def root(ctx: click.Context, common: Common) -> None:
    """Work on pictures with every machine of your network."""
    ctx.obj = common
