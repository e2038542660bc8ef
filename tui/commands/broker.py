"""`pixmesh broker`: the matchmaker of a mesh, until it is told to end."""

import click

from ...node.errors import UsageError
from ..options import Common, common

LOOPBACK = "127.0.0.1"


@click.command("broker")
@click.option(
    "--bind",
    default=LOOPBACK,
    show_default=True,
    metavar="ADDRESS|INTERFACE",
    help="Where to listen; this machine only, for now.",
)
@click.option("--port", metavar="P", help="The control port (7710); the relay is P+1.")
@common
def command(bind: str, port: str | None, common: Common) -> None:
    """Match those who have pictures with those who have time."""
    from ...broker.doors import BindRefused
    from ...broker.service import AlreadyRunning, BrokerOptions, serve
    from ...node.state import StateFolder

    config = common.config(port=port)
    state = StateFolder.open()
    options = BrokerOptions(
        runtime=state.runtime,
        keys=state.keys,
        announce=state.broker_file,
        host=_address_of(bind),
        port=config.port,
    )
    try:
        serve(options, ready=lambda address: _tell(common, address))
    except (BindRefused, AlreadyRunning) as error:
        raise UsageError(str(error)) from error


def _tell(common: Common, address: str) -> None:
    common.say(f"pixmesh broker at {address}; nodes on this machine: pixmesh node")


def _address_of(bind: str) -> str:
    """Return the address of an interface; anything else is an address already."""
    import psutil

    addresses = psutil.net_if_addrs().get(bind)
    if addresses is None:
        return bind
    import socket

    for family in (socket.AF_INET, socket.AF_INET6):
        for found in addresses:
            if found.family == family:
                return str(found.address)
    raise UsageError(f"the interface {bind} has no IP address", remedy="name another with --bind")
