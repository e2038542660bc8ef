"""`pixmesh ticket`: what lets another machine join."""

import re
from typing import Final

import click

from ...node.errors import UsageError
from ..options import Common, common

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_HEAD: Final = ("TICKET", "USED", "GOOD FOR", "ROLES")


@click.group("ticket")
@common
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """Make, list and revoke what lets other machines join."""
    ctx.obj = common


@command.command("new")
@click.option("--uses", default=1, show_default=True, metavar="N", help="How many machines.")
@click.option("--expires", default="1h", show_default=True, metavar="T", help="30m, 24h, 7d.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(["node", "submit", "admin"]),
    help="What it may do, once for each; node and submit.",
)
@common
def new(uses: int, expires: str, roles: tuple[str, ...], common: Common) -> None:
    """Print the line to paste on the other machine."""
    import msgspec

    from ...broker.messages import TicketTerms
    from ...node.net.reach import new_ticket
    from ..meshes import way_to_broker

    terms = TicketTerms(uses=uses, seconds=_seconds(expires), roles=roles)
    made = new_ticket(way_to_broker(common.config()), terms)
    if common.json:
        click.echo(msgspec.json.encode({"schema": 1, "ticket": made.text, "is": made.view}))
        return
    common.say(
        f"ticket {made.view.id}, good for {uses} {'use' if uses == 1 else 'uses'}, {expires}:"
    )
    click.echo(f"pixmesh node {made.text}")


@command.command("list")
@common
def listed(common: Common) -> None:
    """Show the tickets that are out."""
    import msgspec

    from ...node.net.reach import tickets
    from ..meshes import way_to_broker
    from ..table import table

    out = tickets(way_to_broker(common.config()))
    if common.json:
        click.echo(msgspec.json.encode({"schema": 1, "tickets": out}))
    elif out:
        rows = [
            (one.id, f"{one.used}/{one.uses}", _left(one.seconds, one.revoked), " ".join(one.roles))
            for one in out
        ]
        click.echo("\n".join(table(_HEAD, rows)))
    else:
        common.say("there are no tickets; 'pixmesh ticket new' makes one")


@command.command("revoke")
@click.argument("ticket")
@common
def revoke(ticket: str, common: Common) -> None:
    """Let nobody join by this ticket any more; who joined stays."""
    from ...node.net.reach import order
    from ..meshes import way_to_broker

    common.report(order(way_to_broker(common.config()), "ticket-revoke", ticket))


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not found:
        raise UsageError(f"--expires {text!r} is no time", remedy="such as 30m, 24h, 7d")
    return float(int(found.group(1)) * _UNITS[found.group(2)])


def _left(seconds: float, revoked: bool) -> str:
    from ..pace import clock

    return "revoked" if revoked else clock(seconds) if seconds else "expired"
