"""`pixmesh jobs`: pictures set aside, and letting them be tried again."""

import click

from ..options import Common, common


@click.group("jobs")
def command() -> None:
    """What became of pictures."""


@command.command("retry")
@click.argument("job")
@common
def retry(job: str, common: Common) -> None:
    """Release a quarantined picture, by its name or the first letters of its job's id.

    It is tried when it is asked for again: run the same command once more.
    """
    from ...node.net.reach import order
    from ..meshes import broker_of

    common.say(order(*broker_of(common.config()), "retry", job))
