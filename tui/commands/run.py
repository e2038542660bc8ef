"""`pixmesh run RECIPE INPUT... -o OUT`: process files and folders, wait, exit."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..options import Common, common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..batch import Request

_CHOICES = ("skip", "replace", "number")
_HELP = """Process pictures: files, and folders with all that is in them.

RECIPE is one argument, such as "grayscale | blur ksize=5 | canny low=100 high=200", or a
name from pixmesh.toml; "pixmesh ops" lists what there is. OUT mirrors the folders.
The same command again continues where it was; what is done is not done again.
A recipe that gives data needs no OUT: it is printed, a JSON object a line.
"""


@click.command("run", help=_HELP)
@click.argument("words", nargs=-1, metavar="RECIPE INPUT...")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The folder OUT.")
@click.option("--to", multiple=True, metavar="NAME=RECIPE", help="Instead of RECIPE: OUT/NAME.")
@click.option("--format", "form", metavar="F", help="Write this format: png, jpeg, webp, tiff, …")
@click.option("--quality", type=int, metavar="Q", help="1 to 100, where the format has it.")
@click.option("--on-exists", type=click.Choice(_CHOICES), help="What to do about unknown outputs.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--first", type=click.IntRange(min=0), metavar="N", help="Do N, the rest later.")
@click.option("--local", is_flag=True, help="An embedded mesh on this machine.")
@click.option("--slots", metavar="N", help="How many slots it has; implies --local.")
@click.option("--wait", metavar="S", help="Give up after S seconds without a node (30).")
@click.option("--max-pixels", metavar="N", help="Refuse larger pictures, such as 100M (256M).")
@click.option("--keep-times", is_flag=True, help="Outputs keep the pictures' times.")
@common
def command(common: Common, **said: Any) -> None:
    """Plan, work, and say what came of it."""
    from .. import batch

    if said["out"] is None and not said["to"] and _gives_data(common, said["words"]):
        click.get_current_context().exit(_tell_data(common, **said))
    request = _request(common, **said)
    with batch.planned(request) as plans:
        if said["dry_run"]:
            batch.foretell(request, plans)
            return
        click.get_current_context().exit(batch.carried_out(request, plans))


def _gives_data(common: Common, words: "Sequence[str]") -> bool:
    from .. import work

    return len(words) > 1 and work.read_recipe(words[0], common.config().recipes).gives_data


def _tell_data(common: Common, **said: Any) -> int:
    """Print what is found in each picture, a JSON object a line."""
    from .. import data_lines

    config = common.config(slots=said["slots"], wait=said["wait"], max_pixels=said["max_pixels"])
    recipe, *inputs = said["words"]
    local = said["local"] or said["slots"] is not None
    return data_lines.tell(common, config, recipe, inputs, local=local)


def _request(common: Common, **said: Any) -> "Request":
    from ...node.owner.references import References
    from .. import work
    from ..batch import Request

    config = common.config(slots=said["slots"], wait=said["wait"], max_pixels=said["max_pixels"])
    wanted, inputs = work.wanted(said["words"], said["to"], out=said["out"], recipes=config.recipes)
    references = References(max_pixels=config.max_pixels)
    output = work.read_output(
        form=said["form"], quality=said["quality"], max_pixels=config.max_pixels
    )
    return Request(
        common=common,
        config=config,
        wanted=tuple(one.with_recipe(references.read(one.recipe)) for one in wanted),
        inputs=tuple(inputs),
        out=said["out"],
        output=output,
        on_exists=said["on_exists"] or "stop",
        first=said["first"],
        local=said["local"] or said["slots"] is not None,
        keep_times=said["keep_times"],
        references=references,
    )
