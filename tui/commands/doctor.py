"""`pixmesh doctor`: what is wrong with this set-up, and the fix."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import Common, common

if TYPE_CHECKING:
    from ...node.doctor.finding import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "red"}


@click.command("doctor")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1, type=click.Path(path_type=Path))
@common
@click.pass_context
def command(ctx: click.Context, folders: tuple[Path, ...], common: Common) -> None:
    """Check this set-up; say of each warning and failure what mends it.

    FOLDER is where pictures are or will be; the current folder if none is given. Ends with 1
    where something fails, else with 0.
    """
    import msgspec

    from ...node.doctor.checkup import examined

    found: list[Finding] = []
    for finding in examined(common.config, folders):
        found.append(finding)
        if not common.json:
            _show(finding)
    if common.json:
        click.echo(msgspec.json.encode({"schema": 1, "checks": found}))
    if any(finding.verdict == "FAIL" for finding in found):
        ctx.exit(1)


def _show(finding: "Finding") -> None:
    word = click.style(f"{finding.verdict:<4}", fg=_COLOURS[finding.verdict])
    click.echo(f"{word}  {finding.name:<12}  {finding.what}")
    if finding.fix:
        click.echo(f"      {finding.fix}")
