"""`pixmesh nodes`: the machines of a mesh, and what people may tell them."""

import click

from ..options import Common, common


@click.group("nodes")
def command() -> None:
    """List the nodes; let one rest, or work again."""


@command.command("list")
@common
def listed(common: Common) -> None:
    """Show each node: state, slots, load, and why it does not work."""
    import msgspec

    from ...node.net.reach import ask_status
    from ..mesh_view import nodes_in_words
    from ..meshes import broker_of

    nodes = ask_status(*broker_of(common.config())).nodes
    if common.json:
        click.echo(msgspec.json.encode({"schema": 1, "nodes": nodes}))
    else:
        click.echo("\n".join(nodes_in_words(nodes)))


@command.command("drain")
@click.argument("name")
@common
def drain(name: str, common: Common) -> None:
    """Give a node nothing new; it finishes what it has, and stays."""
    _tell(common, "drain", name)


@command.command("resume")
@click.argument("name")
@common
def resume(name: str, common: Common) -> None:
    """Let a node work again that was drained or quarantined."""
    _tell(common, "resume", name)


def _tell(common: Common, what: str, name: str) -> None:
    from ...node.net.reach import order
    from ..meshes import broker_of

    common.say(order(*broker_of(common.config()), what, name))
