"""`pixmesh folders`: the watched folders of a mesh, and having one rest."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ...node.errors import UsageError
from ..options import Common, common

if TYPE_CHECKING:
    from ...broker.views import FolderView


@click.group("folders")
@common
@click.pass_context
def command(ctx: click.Context, common: Common) -> None:
    """List the watched folders; have one rest, or go on. FOLDER is its IN, its OUT or its id."""
    ctx.obj = common


@command.command("list")
@common
def listed(common: Common) -> None:
    """Show each watched folder: its id, how far its files are, and why it is paused."""
    import msgspec

    from ...node.net.reach import ask_status
    from ..mesh_view import folders_in_words
    from ..meshes import way_to_broker

    folders = ask_status(way_to_broker(common.config())).folders
    if common.json:
        click.echo(msgspec.json.encode({"schema": 1, "folders": folders}))
    else:
        click.echo("\n".join(folders_in_words(folders, ids=True)))


@command.command("pause")
@click.argument("folder")
@common
def pause(folder: str, common: Common) -> None:
    """Have a folder take nothing new on, until it is resumed or its watcher starts again."""
    _tell(common, "pause", folder)


@command.command("resume")
@click.argument("folder")
@common
def resume(folder: str, common: Common) -> None:
    """Have a folder go on that was paused."""
    _tell(common, "unpause", folder)


def _tell(common: Common, what: str, about: str) -> None:
    from ...node.net.reach import ask_status, order
    from ..meshes import way_to_broker

    way = way_to_broker(common.config())
    common.report(order(way, what, called(about, ask_status(way).folders).id))


def called(about: str, folders: "Sequence[FolderView]") -> "FolderView":
    """Return the folder of that id, IN or OUT. Raises UsageError."""
    from ...broker.names import listed as in_a_line

    meant = _meant(about, folders)
    if len(meant) == 1:
        return meant[0]
    known = in_a_line((f"{one.id} ({one.source} -> {one.out})" for one in meant or folders), "none")
    if meant:
        raise UsageError(
            f"{about} is IN or OUT of {len(meant)} watched folders",
            remedy=f"name one by its id: {known}",
        )
    raise UsageError(f"no folder {about!r} is watched", remedy=f"watched are: {known}")


def _meant(about: str, folders: "Sequence[FolderView]") -> "list[FolderView]":
    """Return the folders that have this id; or else this IN or OUT, as told or from here."""
    from ...node.owner.names import fitted

    names = {about, fitted(os.path.realpath(about))}
    by_id = [one for one in folders if one.id == about]
    return by_id or [one for one in folders if {one.source, one.out} & names]
