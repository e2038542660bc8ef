"""`pixmesh config show`: the settings as they are here and now, and where each came from."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import Common, common

if TYPE_CHECKING:
    from ..config_view import Place


@click.group("config")
@common
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """What pixmesh is told beforehand."""
    ctx.obj = common


@command.command("show")
@click.option("--origin", is_flag=True, help="With each: flag, environment, file or default.")
@common
def show(origin: bool, common: Common) -> None:
    """Show each setting with its value, as TOML that can stand in a pixmesh.toml."""
    import json

    from ..config_view import as_data, as_toml

    config = common.config()
    places = _places(common.config_file)
    if common.json:
        click.echo(json.dumps(as_data(config, places)))
        return
    click.echo(as_toml(config, origins=origin))
    common.say("\nfiles, the later one wins:")
    for place in places:
        common.say(f"  {place.in_words()}")


def _places(file: Path | None) -> "list[Place]":
    """Return the files that are read, or would be, the weakest first."""
    from ...node import config
    from ..config_view import Place

    here = Path.cwd()
    named = config.named_file(file)
    if named is not None:
        by = "--config" if file else config.VARIABLE
        return [Place(f"the only one, named by {by}", named, True, here)]
    user, project = config.user_file(), config.project_file(here)
    return [
        Place("the user's", user, user.is_file(), here),
        Place("the project's", project, project is not None, here),
    ]
