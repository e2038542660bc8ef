"""`pixmesh broker`: the matchmaker of a mesh, until it is told to end."""

from typing import TYPE_CHECKING

import click

from ...node.errors import UsageError
from ..options import Common, common

if TYPE_CHECKING:
    from ...broker.service import Listening


@click.command("broker")
@click.option(
    "--bind",
    metavar="ADDRESS|INTERFACE",
    help="Where to listen, several with commas; every interface that leads to a LAN.",
)
@click.option("--port", metavar="P", help="The control port (7710); the relay is P+1.")
@common
def command(bind: str | None, port: str | None, common: Common) -> None:
    """Match those who have pictures with those who have time."""
    from ...broker.lifetime import CannotServe
    from ...broker.service import BrokerOptions, serve
    from ...node.platform import raise_descriptor_limit
    from ...node.state import StateFolder

    config = common.config(bind=bind, port=port)
    state = StateFolder.open()
    options = BrokerOptions(
        runtime=state.runtime,
        keys=state.keys,
        announce=state.broker_file,
        roll=state.roll,
        bind=config.bind,
        port=config.port,
    )
    raise_descriptor_limit()
    try:
        serve(options, ready=lambda listening: _tell(common, listening))
    except CannotServe as error:
        raise UsageError(str(error)) from error


def _tell(common: Common, listening: "Listening") -> None:
    common.say(f"pixmesh broker at {listening.address}; others join by: pixmesh ticket new")
    if listening.skipped:
        common.say(f"not listening on {listening.skipped}; --bind NAME does")
