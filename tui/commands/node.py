"""`pixmesh node`: this machine's slots work for a mesh, until they are told to end."""

from pathlib import Path

import click

from ...node.errors import UsageError
from ..options import Common, common
from ..pace import counted


@click.command("node")
@click.argument("ticket", required=False)
@click.option(
    "--ticket-file",
    metavar="F",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file that holds the ticket.",
)
@click.option("--slots", metavar="N", help="How many tasks at a time; the cores.")
@click.option("--name", metavar="NAME", help="What this node is called; the host name.")
@click.option("--max-load", metavar="X", help="Nothing new while others use more of the CPU (0.9).")
@click.option("--drain", metavar="S", help="Seconds to finish what it has when told to end (60).")
@common
def command(
    ticket: str | None, ticket_file: Path | None, common: Common, **flags: str | None
) -> None:
    """Let this machine work for a mesh; SIGTERM finishes what runs first.

    TICKET is what 'pixmesh up' or 'pixmesh ticket new' prints on the broker's machine. It is
    needed once: later starts find the mesh by themselves.
    """
    from ...node.net.joining import find_way, join
    from ...node.net.reach import way_of
    from ...node.service import NodeOptions, serve
    from ...node.state import StateFolder

    config = common.config(**flags)
    state = StateFolder.open()
    text = _ticket(ticket, ticket_file)
    if text is not None:
        joined = join(state, text, name=config.name, broker=config.broker)
        common.say(f"joined the mesh of {joined.host} as {joined.name}")
        if "node" not in joined.roles:
            common.say("its ticket lets this machine submit, not work as a node: nothing to do")
            return
        way, name = way_of(joined, state), joined.key
    else:
        named = config.name if config.origin("name") != "default" else None
        way, name = find_way(state, name=named, broker=config.broker, say=common.say)
    options = NodeOptions(
        way=way, name=name, slots=config.slots, max_load=config.max_load, drain=config.drain
    )
    serve(options, ready=lambda *here: common.say(_ready(config.slots, *here)))


def _ticket(ticket: str | None, file: Path | None) -> str | None:
    """Return the ticket's text, wherever it was given."""
    if ticket is not None and file is not None:
        raise UsageError("there are two tickets", remedy="give it as TICKET or with --ticket-file")
    if file is None:
        return ticket
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the ticket file {file} cannot be read: {error}") from None


def _ready(slots: int, name: str, address: str) -> str:
    return f"pixmesh node {name}: {counted(slots, 'slot')} for the broker at {address}"
