"""`pixmesh why FILE|JOB`: the whole story of one picture, from the ledger and the broker."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...node.errors import MeshUnreachable, UsageError
from ..options import Common, common

if TYPE_CHECKING:
    from ...broker.why import Story
    from ..story import Told


@click.command("why")
@click.argument("about", metavar="FILE|JOB")
@common
def command(about: str, common: Common) -> None:
    """Tell what became of a picture: what it waits for, where it was tried, how it ended.

    FILE is the picture or its output; JOB the first letters of a job's id.
    """
    import msgspec

    from ..story import as_data, in_words

    told = _told(about)
    stories = _stories(about, told, common)
    if not told and not stories:
        raise UsageError(
            f"nothing is known of {about}",
            remedy="name a picture that was run from here, its output, or a job's id"
            " (4 letters or more); 'pixmesh status' shows what is under way",
        )
    if common.json:
        click.echo(msgspec.json.encode(as_data(told, stories)))
    else:
        click.echo(in_words(told, stories))


def _told(about: str) -> "list[Told]":
    """Return what the ledger says of every output that may be meant."""
    from ...node.owner.ledger import Ledger
    from ...node.state import StateFolder
    from ..story import Told

    path = StateFolder.open().ledger
    if not path.exists():
        return []
    with Ledger(path) as ledger:
        file = Path(about).absolute()
        rows = {row.destination: row for row in ledger.rows_of_source(file)}
        rows.update(ledger.rows([file, file.resolve()]))
        rows.update({row.destination: row for row in ledger.rows_of_source(file.resolve())})
        rows.update({row.destination: row for row in ledger.rows_of_id(about)})
        return [Told(row, tuple(ledger.history(row.destination))) for row in rows.values()]


def _stories(about: str, told: "list[Told]", common: Common) -> "list[Story]":
    """Return what the broker says of the same; nothing where none runs."""
    from ...node.net.reach import ask_why
    from ..meshes import broker_of

    ids = [one.row.job.hex() for one in told if one.row.job is not None] or [Path(about).name]
    try:
        address, keys = broker_of(common.config())
        found = [story for each in ids for story in ask_why(address, keys, each)]
    except MeshUnreachable as error:
        common.say(f"the broker was not asked: {error.what}")
        return []
    return list({story.id: story for story in found}.values())
