"""`pixmesh demo`: draw some pictures and run them, for who has none at hand."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import Common, common

if TYPE_CHECKING:
    from ..batch import Request

_RECIPE = "grayscale | blur ksize=5 | canny low=40 high=120"
_FOLDER = Path("pixmesh-demo")


@click.command("demo")
@click.option(
    "-o",
    "--out",
    default=_FOLDER,
    type=click.Path(path_type=Path),
    show_default=True,
    metavar="FOLDER",
    help="Where the demo's in and out go.",
)
@click.option("--count", default=24, type=click.IntRange(1, 1000), show_default=True, metavar="N")
@click.option("--slots", metavar="N", help="How many slots the embedded mesh has.")
@common
def command(out: Path, count: int, slots: str | None, common: Common) -> None:
    """Draw pictures, find their edges with an embedded mesh, and say where to look."""
    from .. import batch

    request = _request(common, out, slots)
    _draw(request, out / "in", count)
    with batch.planned(request) as plans:
        code = batch.carried_out(request, plans)
    if code == 0:
        common.say(_next_steps(out))
    click.get_current_context().exit(code)


def _request(common: Common, out: Path, slots: str | None) -> "Request":
    from .. import work
    from ..batch import Request

    config = common.config(slots=slots)
    output = work.read_output(form=None, quality=None, max_pixels=config.max_pixels)
    recipe = work.read_recipe(_RECIPE, {})
    return Request(
        common=common,
        config=config,
        wanted=(work.Wanted(recipe, out / "out"),),
        inputs=(str(out / "in"),),
        out=out / "out",
        output=output,
        local=True,
    )


def _draw(request: "Request", folder: Path, count: int) -> None:
    from .. import gallery
    from ..pace import Counts, counted
    from ..progress import watching

    folder.mkdir(parents=True, exist_ok=True)
    chosen = gallery.drawings(count)
    request.common.say(f"drawing {counted(count, 'picture')} into {folder}")
    counts = Counts(count)
    with watching(counts, request.common, what="drawing"):
        for drawing in gallery.draw_into(folder, chosen, threads=request.config.slots):
            counts.done += 1
            counts.pixels += drawing.size[0] * drawing.size[1]


def _next_steps(out: Path) -> str:
    return "\n".join(
        (
            f"the pictures are in {out / 'in'}, their edges in {out / 'out'}",
            "next, with pictures of your own:",
            '  pixmesh run "resize width=1024" PHOTOS -o SMALL',
            "  pixmesh ops      what else can be done",
        )
    )
