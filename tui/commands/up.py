"""`pixmesh up`: a mesh on this machine, and the line by which others join it."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..options import Common, common
from ..pace import counted

if TYPE_CHECKING:
    from ...broker.service import Listening
    from ...node.state import StateFolder
    from ...node.upkeep import Upkeep


@click.command("up")
@click.option("--bind", metavar="ADDRESS|INTERFACE", help="Where to listen; every LAN.")
@click.option("--port", metavar="P", help="The control port (7710); the relay is P+1.")
@click.option("--slots", metavar="N", help="How many tasks at a time; the cores.")
@click.option("--name", metavar="NAME", help="What this node is called; the host name.")
@click.option("--max-load", metavar="X", help="Nothing new while others use more of the CPU (0.9).")
@click.option("--drain", metavar="S", help="Seconds to finish what it has when told to end (60).")
@click.option(
    "--watch",
    nargs=3,
    multiple=True,
    metavar="RECIPE IN OUT",
    help="A drop folder besides; [[watch]] tables of pixmesh.toml are others.",
)
@click.option("--no-dashboard", is_flag=True, help="No dashboard, on a terminal too.")
@common
def command(
    common: Common,
    watch: tuple[tuple[str, str, str], ...],
    no_dashboard: bool,
    **flags: str | None,
) -> None:
    """Start a broker and this machine's node, and print how another machine joins.

    On a terminal the dashboard opens; leaving it asks whether all is to go on. Without it,
    Ctrl-C finishes what runs, then ends all; once more ends it now.
    """
    from ...node.anchor import anchored
    from ...node.folder.order import read_order
    from ...node.owner.references import References
    from ...node.state import StateFolder
    from ...node.upkeep import Upkeep
    from ..work import read_recipe

    config = common.config(**flags)
    state = StateFolder.open()
    references, here = References(max_pixels=config.max_pixels), Path.cwd()
    orders = []
    for text, source, out in watch:
        recipe = read_recipe(text, config.recipes)
        references.read(recipe)  # what cannot be read is said now
        whole = anchored(recipe, here).canonical()
        orders.append(read_order({"recipe": whole, "in": source, "out": out}))
    upkeep = Upkeep(
        state,
        config,
        listening=lambda where: _tell(common, state, where),
        ready=lambda name, _: common.say(
            f"node {name} is ready: {counted(config.slots, 'slot')}. Ctrl-C drains and ends"
        ),
        say=common.say,
        folders=(*config.watch, *orders),
    )
    with ExitStack() as stack:
        if _is_for_a_person(common) and not no_dashboard:
            _give_a_screen(upkeep, stack)
        upkeep.run()


def _is_for_a_person(common: Common) -> bool:
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return not (common.json or common.quiet) and all(one.isatty() for one in streams)


def _give_a_screen(upkeep: "Upkeep", stack: ExitStack) -> None:
    """Have the dashboard opened, as a process of its own: should it break, the mesh does not."""
    from ..curtain import hung

    curtain = stack.enter_context(hung())

    def screen() -> "subprocess.Popen[bytes]":
        curtain.fall()
        words = [sys.executable, "-P", "-m", "pixmesh.tui.cli", "top", "--of-up", str(os.getpid())]
        return subprocess.Popen(words, stderr=curtain.terminal)

    upkeep.screen, upkeep.screen_left = screen, curtain.rise


def _tell(common: Common, state: "StateFolder", listening: "Listening") -> None:
    from ...node.net.reach import running_broker
    from ..installation import USES, joining

    places = [one for one in (listening.address, *listening.others) if "%" not in one]
    common.say(f"broker at {', '.join(places)}")
    if listening.skipped:
        common.say(f"not listening on {listening.skipped}; --bind NAME does")
    way = running_broker(state)
    if way is None:
        return
    lines = joining(way)
    common.say(f"on another machine (the ticket is good for {USES} machines, 1 hour):")
    click.echo(lines)
