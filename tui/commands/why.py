"""`pixmesh why FILE|JOB`: the whole story of one picture, from the ledger and the broker."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...node.errors import MeshUnreachable, UsageError
from ..options import Common, common

if TYPE_CHECKING:
    from ...broker.views import Story
    from ..known import Known


@click.command("why")
@click.argument("about", metavar="FILE|JOB")
@common
def command(about: str, common: Common) -> None:
    """Tell what became of a picture: what it waits for, where it was tried, how it ended.

    FILE is the picture or its output; JOB the first letters of a job's id.
    """
    import msgspec

    from ..known import Known, find, opened_ledger, told
    from ..story import as_data, in_words

    with opened_ledger() as ledger:
        known = find(ledger, about) if ledger is not None else Known(about)
        outputs = told(ledger, known) if ledger is not None else []
    stories = _stories(known, common)
    if not known and not stories:
        raise UsageError(
            f"nothing is known of {about}",
            remedy="name a picture that was run from here, its output, or a job's id"
            " (4 letters or more); 'pixmesh status' shows what is under way",
        )
    if common.json:
        click.echo(msgspec.json.encode(as_data(outputs, stories, known.arrivals)))
    else:
        click.echo(in_words(outputs, stories, known.arrivals))


def _stories(known: "Known", common: Common) -> "list[Story]":
    """Return what the broker says of the same; nothing where none runs."""
    from ...node.net.reach import ask_why
    from ..meshes import way_to_broker

    ids = [row.job.hex() for row in known.rows if row.job is not None] or [Path(known.about).name]
    try:
        way = way_to_broker(common.config())
        found = [story for each in ids for story in ask_why(way, each)]
    except MeshUnreachable as error:
        common.say(f"the broker was not asked: {error.what}")
        return []
    return list({story.id: story for story in found}.values())
