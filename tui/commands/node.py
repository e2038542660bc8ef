"""`pixmesh node`: this machine's slots work for a mesh, until they are told to end."""

import click

from ...node.errors import UsageError
from ..options import Common, common
from ..pace import counted


@click.command("node")
@click.argument("ticket", required=False)
@click.option("--slots", metavar="N", help="How many tasks at a time; the cores.")
@click.option("--name", metavar="NAME", help="What this node is called; the host name.")
@click.option("--max-load", metavar="X", help="Nothing new while others use more of the CPU (0.9).")
@click.option("--drain", metavar="S", help="Seconds to finish what it has when told to end (60).")
@common
def command(ticket: str | None, common: Common, **flags: str | None) -> None:
    """Let this machine work for a mesh; SIGTERM finishes what runs first."""
    if ticket is not None:
        raise UsageError(
            "joining with a ticket is not built yet",
            remedy="start the node on the broker's machine, as the same user, without a ticket",
        )
    from ...node.service import NodeOptions, serve
    from ...node.state import StateFolder
    from ..meshes import broker_address

    config = common.config(**flags)
    state = StateFolder.open()
    address = broker_address(config, state)
    options = NodeOptions(
        address=address,
        keys=state.keys,
        name=config.name,
        slots=config.slots,
        max_load=config.max_load,
        drain=config.drain,
    )
    serve(options, ready=lambda name: common.say(_ready(name, config.slots, address)))


def _ready(name: str, slots: int, address: object) -> str:
    return f"pixmesh node {name}: {counted(slots, 'slot')} for the broker at {address}"
