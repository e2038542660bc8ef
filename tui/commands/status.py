"""`pixmesh status`: who is in the mesh and what it is doing, for people and as JSON."""

import re
import time
from typing import TYPE_CHECKING

import click

from ...node.errors import CannotRun, UsageError
from ..options import Common, common

if TYPE_CHECKING:
    from ...broker.views import Snapshot
    from ...node.config import Config

_ASK_AGAIN = 0.2
_CAN_WORK = {"idle", "working"}


@click.command("status")
@click.option("--wait", metavar="nodes=N", help="Until N nodes can work; at most 30 s.")
@common
def command(wait: str | None, common: Common) -> None:
    """Show the mesh: nodes, their load, and what is under way."""
    import msgspec

    from ..mesh_view import in_words

    nodes = _nodes_in(wait)
    config = common.config()
    snapshot = _ask(config) if nodes is None else _wait_for(nodes, config)
    if common.json:
        click.echo(msgspec.json.encode(snapshot))
    else:
        click.echo(in_words(snapshot))


def _ask(config: "Config") -> "Snapshot":
    from ...node.net.reach import ask_status
    from ..meshes import way_to_broker

    return ask_status(way_to_broker(config))


def _nodes_in(wait: str | None) -> int | None:
    if wait is None:
        return None
    found = re.fullmatch(r"nodes=([0-9]{1,4})", wait)
    if not found:
        raise UsageError(f"--wait {wait!r} is not nodes=N", remedy="such as --wait nodes=3")
    return int(found.group(1))


def _wait_for(nodes: int, config: "Config") -> "Snapshot":
    deadline = time.monotonic() + config.wait
    while True:
        snapshot = _ask(config)
        ready = sum(node.state in _CAN_WORK for node in snapshot.nodes)
        if ready >= nodes:
            return snapshot
        if time.monotonic() >= deadline:
            raise CannotRun(
                f"{ready} of {nodes} nodes can work after {config.wait:g} s",
                remedy="start more with: pixmesh node",
            )
        time.sleep(_ASK_AGAIN)
