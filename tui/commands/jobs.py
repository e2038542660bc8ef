"""`pixmesh jobs`: what became of pictures, and what people ask of them."""

from typing import TYPE_CHECKING, Final

import click

from ...node.errors import UsageError
from ..options import Common, common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...node.owner.ledger import Ledger
    from ..asking import Asking, Release
    from ..wishes import Answer

STATES: Final = ("seen", "waiting", "submitted", "committing", "done", "failed", "cancelled")
SHOWN: Final = 50


@click.group("jobs")
@common
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """What became of pictures: from this machine's ledger, without the broker."""
    ctx.obj = common


@command.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these.")
@click.option("--under", metavar="FOLDER", help="Only what is, or comes out, below this folder.")
@click.option("--limit", type=click.IntRange(min=0), default=SHOWN, metavar="N", help="At most N.")
@common
def listed(states: tuple[str, ...], under: str | None, limit: int, common: Common) -> None:
    """Show pictures, the latest first, and how many there are of each state."""
    import msgspec

    from ...node.owner.listing import Choice
    from ..jobs_view import as_data, in_words, lines
    from ..known import opened_ledger, paths

    choice = Choice(frozenset(states), paths(under) if under else ())
    with opened_ledger() as ledger:
        if ledger is None:
            chosen, counts = [], {}
        else:
            rows = ledger.listing.outputs(choice, most=limit)
            arrivals = ledger.listing.arrivals(choice, most=limit)
            chosen = lines(rows, arrivals, most=limit)
            counts = ledger.listing.counts(choice)
    if common.json:
        click.echo(msgspec.json.encode(as_data(chosen, counts)))
    else:
        click.echo("\n".join(in_words(chosen, counts)))


@command.command("show")
@click.argument("about", metavar="JOB|FILE")
@common
def show(about: str, common: Common) -> None:
    """Show all that the ledger knows of a picture; 'pixmesh why' asks the broker too."""
    import msgspec

    from ..asking import unknown_to_us
    from ..known import find, opened_ledger, told
    from ..story import as_data, in_words

    with opened_ledger() as ledger:
        known = find(ledger, about) if ledger is not None else None
        if ledger is None or not known:
            raise unknown_to_us(about)
        outputs = told(ledger, known)
    if common.json:
        click.echo(msgspec.json.encode(as_data(outputs, arrivals=known.arrivals)))
    else:
        click.echo(in_words(outputs, arrivals=known.arrivals))


@command.command("retry")
@click.argument("names", nargs=-1, metavar="JOB|FILE...")
@click.option("--failed", is_flag=True, help="All that failed.")
@click.option("--under", metavar="FOLDER", help="With --failed: only below this folder.")
@common
def retry(names: tuple[str, ...], failed: bool, under: str | None, common: Common) -> None:
    """Have pictures tried again that failed or were cancelled.

    Where a watcher has them, it does so now; else run the same command again. A picture that
    is quarantined is released. A name that the ledger does not know is the broker's.
    """
    from ..asking import release_unknown
    from ..known import opened_ledger

    _demand_a_choice(names, failed=failed, under=under)
    with opened_ledger() as ledger:
        if ledger is None:
            told = [release_unknown(_release(common), name) for name in names]
            answers: list[Answer] = []
        elif failed:
            answers, told = _retry_failed(ledger, under, common), []
        else:
            answers, told = _asking(ledger, common).retry(names)
    _tell(common, answers, told, nothing="nothing has failed")


@command.command("cancel")
@click.argument("names", nargs=-1, required=True, metavar="JOB|FILE...")
@click.option("--under", metavar="FOLDER", default="", help="Only what comes out below this.")
@common
def cancel(names: tuple[str, ...], under: str, common: Common) -> None:
    """Take pictures back that are not done: whoever works on them goes on without."""
    from ..asking import unknown_to_us
    from ..known import opened_ledger

    with opened_ledger() as ledger:
        if ledger is None:
            raise unknown_to_us(names[0])
        answers = _asking(ledger, common).cancel(names, under=under)
    _tell(common, answers, [])


def _demand_a_choice(names: "Sequence[str]", *, failed: bool, under: str | None) -> None:
    if failed == bool(names) or (under and not failed):
        raise UsageError(
            "which pictures are to be tried again?",
            remedy="name them, or say --failed, or --failed --under FOLDER",
        )


def _retry_failed(ledger: "Ledger", under: str | None, common: Common) -> "list[Answer]":
    from ...node.owner.listing import Choice
    from ..known import paths

    choice = Choice(frozenset({"failed"}), paths(under) if under else ())
    return _asking(ledger, common).retry_failed(ledger.listing.every(choice))


def _asking(ledger: "Ledger", common: Common) -> "Asking":
    from ..asking import Asking

    return Asking(ledger, _release(common), common.warn)


def _release(common: Common) -> "Release":
    def release(about: str) -> str:
        from ...node.net.reach import order
        from ..meshes import way_to_broker

        return order(way_to_broker(common.config()), "retry", about)

    return release


def _tell(
    common: Common, answers: "Sequence[Answer]", told: "Sequence[str]", *, nothing: str = ""
) -> None:
    from ..wishes import summed

    words = [*summed(answers), *told] or [nothing]
    if common.json:
        import msgspec

        data = {"schema": 1, "told": "\n".join(words), "outputs": list(answers)}
        click.echo(msgspec.json.encode(data))
    else:
        common.say("\n".join(words))
