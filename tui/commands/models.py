"""`pixmesh models`: the weights that operations need, on this machine."""

from typing import TYPE_CHECKING, Final

import click

from ...node.errors import PixmeshError
from ..options import Common, common

if TYPE_CHECKING:
    from pathlib import Path

    from ...node.weights import WeightsCache
    from ...ops.weights import Weights

_HEAD: Final = ("MODEL", "MB", "LICENCE", "WHERE", "WHAT IT DOES")
ABSENT: Final = "not here"


@click.group("models")
@common
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """List, fetch or check the weights that cut-outs, captions and faces need."""
    ctx.obj = common


@command.command("list")
@common
def listed(common: Common) -> None:
    """Show which there are, and where they are on this machine."""
    import msgspec

    from ...node.weights import WeightsCache
    from ..table import table

    cache = WeightsCache.open()
    found = [(one, cache.where(one.name)) for one in cache.table.values()]
    if common.json:
        models = [_as_data(one, place) for one, place in found]
        click.echo(
            msgspec.json.encode({"schema": 1, "folder": str(cache.folder), "models": models})
        )
        return
    rows = [
        (one.name, f"{one.size / 1e6:.1f}", one.licence, str(place or ABSENT), one.help)
        for one, place in found
    ]
    click.echo("\n".join(table(_HEAD, rows)))


@command.command("pull")
@click.argument("names", nargs=-1, required=True, metavar="MODEL...")
@common
def pull(names: tuple[str, ...], common: Common) -> None:
    """Fetch weights that are not here yet, or the rest of them; each file is verified."""
    from ...node.weights import WeightsCache
    from ..fetching import fetching

    cache = WeightsCache.open()
    for name in names:
        cache.weights(name)  # one that makes no sense stops all
    for name in names:
        with fetching(common) as tell:
            place = cache.pull(name, tell)
        common.report(f"{name} is in {place}")


@command.command("check")
@click.argument("names", nargs=-1, metavar="[MODEL...]")
@common
def check(names: tuple[str, ...], common: Common) -> None:
    """Read every file again, and say which is not as it should be."""
    import msgspec

    from ...node.weights import WeightsCache

    cache = WeightsCache.open()
    chosen = names or tuple(cache.table)
    found = {name: _mistakes(cache, name) for name in chosen}
    if common.json:
        click.echo(msgspec.json.encode({"schema": 1, "mistakes": found}))
    else:
        for name, mistakes in found.items():
            fine = f"{name} is {'as it should be' if cache.where(name) else ABSENT}"
            for said in mistakes or [fine]:
                click.echo(said)
    wrong = [name for name, mistakes in found.items() if mistakes]
    if wrong:
        raise PixmeshError(
            f"not as they should be: {', '.join(wrong)}",
            remedy="take those files away, then 'pixmesh models pull' fetches them anew",
        )


def _mistakes(cache: "WeightsCache", name: str) -> list[str]:
    """Return what is wrong with the files of a model, wherever there are any."""
    files = [one.name for one in cache.weights(name).files]
    places = [one for one in cache.places(name) if any((one / file).exists() for file in files)]
    return [said for place in places for said in cache.wrong(name, place, anew=True)]


def _as_data(one: "Weights", place: "Path | None") -> dict[str, object]:
    return {
        "name": one.name,
        "help": one.help,
        "licence": one.licence,
        "source": one.source,
        "size": one.size,
        "files": list(one.files),
        "where": str(place) if place is not None else None,
    }
