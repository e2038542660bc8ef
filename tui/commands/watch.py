"""`pixmesh watch RECIPE IN -o OUT`: the drop folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..options import Common, common

if TYPE_CHECKING:
    from ...node.config import Config
    from ...node.folder.order import Order

_CHOICES = ("skip", "replace", "number")
_HELP = """Work on what is dropped into the folder IN, for ever.

RECIPE is one argument, such as "grayscale | canny", or a name from pixmesh.toml. OUT mirrors
IN. A file is taken when it is finished: unchanged for a while, and complete. Pictures that
fail are named in OUT/_failed. Without RECIPE and IN, the [[watch]] folders of pixmesh.toml.
"""


@click.command("watch", help=_HELP)
@click.argument("words", nargs=-1, metavar="[RECIPE] [IN]")
@click.option("-o", "--out", metavar="OUT", help="The folder OUT.")
@click.option("--to", multiple=True, metavar="NAME=RECIPE", help="Instead of RECIPE: OUT/NAME.")
@click.option("--format", metavar="F", help="Write this format: png, jpeg, webp, tiff, …")
@click.option("--quality", type=int, metavar="Q", help="1 to 100, where the format has it.")
@click.option("--on-exists", type=click.Choice(_CHOICES), help="What to do about unknown outputs.")
@click.option("--on-done", metavar="keep|move=DIR", help="What to do with finished originals.")
@click.option("--settle", metavar="S", help="A file is finished when unchanged for S seconds (2).")
@click.option("--poll", metavar="S", help="Look every S seconds, and expect no events.")
@click.option("--include", multiple=True, metavar="GLOB", help='Only these, such as "raw/**".')
@click.option("--exclude", multiple=True, metavar="GLOB", help="Not these.")
@click.option("--keep-times", is_flag=True, help="Outputs keep the pictures' times.")
@click.option("--local", is_flag=True, help="An embedded mesh on this machine.")
@click.option("--slots", metavar="N", help="How many slots it has; implies --local.")
@click.option("--wait", metavar="S", help="Give up after S seconds without a broker (30).")
@click.option("--max-pixels", metavar="N", help="Refuse larger pictures, such as 100M (256M).")
@common
def command(common: Common, **said: Any) -> None:
    """Watch until told to end."""
    from .. import watching

    config = common.config(slots=said["slots"], wait=said["wait"], max_pixels=said["max_pixels"])
    orders = _orders(config, **said)
    local = said["local"] or said["slots"] is not None
    click.get_current_context().exit(watching.watch(common, config, orders, local=local))


def _orders(config: "Config", **said: Any) -> "tuple[Order, ...]":
    from ...node.errors import UsageError

    if not said["words"] and not said["to"] and said["out"] is None:
        if not config.watch:
            raise UsageError(
                "there is no folder to watch",
                remedy='name one: pixmesh watch "grayscale | canny" drop -o out;'
                " or write [[watch]] tables into pixmesh.toml",
            )
        return config.watch
    return (_order(config, **said),)


def _order(config: "Config", **said: Any) -> "Order":
    from .. import work

    wanted, inputs = work.wanted(
        said["words"],
        said["to"],
        out=None if said["out"] is None else Path(said["out"]),
        recipes=config.recipes,
    )
    return work.order(wanted, inputs, said)
