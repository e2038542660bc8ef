"""`pixmesh node`: this machine's slots work for a mesh, until they are told to end."""

import click

from ...node.errors import UsageError
from ..options import Common, common


@click.command("node")
@click.argument("ticket", required=False)
@click.option("--slots", metavar="N", help="How many tasks at a time; the cores.")
@click.option("--name", metavar="NAME", help="What this node is called; the host name.")
@common
def command(ticket: str | None, slots: str | None, name: str | None, common: Common) -> None:
    """Let this machine work for a mesh; SIGTERM finishes what runs first."""
    if ticket is not None:
        raise UsageError(
            "joining with a ticket is not built yet",
            remedy="start the node on the broker's machine, as the same user, without a ticket",
        )
    from ...node.agent import NodeOptions, serve
    from ...node.state import StateFolder

    config = common.config(slots=slots, name=name)
    serve(
        NodeOptions(
            state=StateFolder.open(),
            broker=config.broker,
            slots=config.slots,
            name=config.name,
            max_load=config.max_load,
        ),
        ready=lambda address: common.say(
            f"pixmesh node {config.name}: {config.slots} slots for the broker at {address}"
        ),
    )
