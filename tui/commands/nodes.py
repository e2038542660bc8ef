"""`pixmesh nodes`: the machines of a mesh, and what people may tell them."""

from typing import TYPE_CHECKING

import click

from ...node.errors import UsageError
from ..options import Common, common

if TYPE_CHECKING:
    from ...broker.views import WaitingView


@click.group("nodes")
@common
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """List the machines; let one in, let one rest, or let one go."""
    ctx.obj = common


@command.command("list")
@common
def listed(common: Common) -> None:
    """Show each node, why it does not work, and the machines that joined or ask to."""
    import msgspec

    from ...node.net.reach import ask_status
    from ..mesh_view import asking_in, members_in_words, nodes_in_words
    from ..meshes import way_to_broker

    mesh = ask_status(way_to_broker(common.config()))
    if common.json:
        facts = {"nodes": mesh.nodes, "members": mesh.members, "waiting": mesh.waiting}
        click.echo(msgspec.json.encode({"schema": 1, **facts}))
        return
    lines = nodes_in_words(mesh.nodes) + members_in_words(mesh.members, mesh.nodes)
    click.echo("\n".join(lines + asking_in(mesh.waiting)))


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


@command.command("approve")
@click.argument("who")
@click.option("-y", "--yes", is_flag=True, help="Do not ask whether the fingerprints match.")
@common
def approve(who: str, yes: bool, common: Common) -> None:
    """Let a machine in that asks for it, by its name or by the fingerprint that it shows."""
    from ...node.net.reach import ask_status
    from ..meshes import way_to_broker

    way = way_to_broker(common.config())
    waiting = [one for one in ask_status(way).waiting if who in {one.name, one.fingerprint}]
    if len(waiting) == 1 and who != waiting[0].fingerprint and not yes:
        _demand_match(waiting[0])
    _tell(common, "approve", who)


def _demand_match(one: "WaitingView") -> None:
    """Ask a person to compare: anybody on the LAN can ask in under any name."""
    import sys

    if not sys.stdin.isatty():
        raise UsageError(
            f"{one.name} at {one.address} asks in; its screen must show {one.fingerprint}",
            remedy=f"if it does: pixmesh nodes approve {one.fingerprint}",
        )
    click.confirm(
        f"does the screen of {one.name} ({one.address}) show {one.fingerprint}?",
        abort=True,
        err=True,
    )


@command.command("forget")
@click.argument("who")
@common
def forget(who: str, common: Common) -> None:
    """Let a machine in no longer: it is cut off at once, and its work goes elsewhere."""
    _tell(common, "forget", who)


def _tell(common: Common, what: str, name: str) -> None:
    from ...node.net.reach import order
    from ..meshes import way_to_broker

    common.report(order(way_to_broker(common.config()), what, name))
