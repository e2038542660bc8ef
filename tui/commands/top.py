"""`pixmesh top`: the dashboard."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ...node.errors import UsageError
from ..options import Common, common

if TYPE_CHECKING:
    from ...node.net.way import Way
    from ..recording import Recorder

FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.command("top")
@click.option("--read-only", is_flag=True, help="Only look.")
@click.option("--record", type=FILE, metavar="F", help="Write what is shown to a file besides.")
@click.option("--replay", type=FILE, metavar="F", help="Show what was recorded, at its pace.")
@click.option("--of-up", type=int, metavar="PID", hidden=True)
@common
def command(
    common: Common, read_only: bool, record: Path | None, replay: Path | None, of_up: int | None
) -> None:
    """Show the mesh live: nodes, jobs, folders, what happens, and what limits it.

    Press ? there for the keys that work. It stays when the broker goes, and says so.
    """
    if record is not None and replay is not None:
        raise UsageError("--record and --replay exclude each other", remedy="choose one")
    _demand_a_terminal()
    if replay is not None:
        _replay(replay)
        return
    if _live(common, read_only=read_only, record=record, of_up=of_up) == "drain":
        click.get_current_context().exit(_left_to_drain())


def _left_to_drain() -> int:
    """Return how `up` hears from its dashboard what is to become of the mesh."""
    from ...node.upkeep import LEFT_TO_DRAIN

    return LEFT_TO_DRAIN


def _demand_a_terminal() -> None:
    if not all(one.isatty() for one in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError(
            "the dashboard takes a terminal", remedy="'pixmesh status' prints the same facts"
        )


def _replay(path: Path) -> None:
    from ..dashboard.opening import opened
    from ..recording import Replay, entries

    opened(Replay(list(entries(path))), doer=None, pictures=None)


def _live(common: Common, *, read_only: bool, record: Path | None, of_up: int | None) -> str:
    from ...node.net.following import Following
    from ..dashboard.opening import opened
    from ..deeds import Deeds
    from ..meshes import way_to_broker
    from ..pictures import LedgerPictures

    config = common.config()

    def find() -> "Way":
        return way_to_broker(config)

    find()  # a mesh that was never there is an error; one that goes is not
    doer = None if read_only else Deeds(find)
    with contextlib.ExitStack() as stack:
        recorder = stack.enter_context(_recorder(record)) if record is not None else None
        source = Following(find, recorder.through) if recorder is not None else Following(find)
        note = (lambda: recorder.note) if recorder is not None else (lambda: "")
        return opened(source, doer=doer, pictures=LedgerPictures(), note=note, up=of_up)


def _recorder(path: Path) -> "Recorder":
    from importlib.metadata import version

    from ..recording import Recorder

    return Recorder(path, version("pixmesh"))
