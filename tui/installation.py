"""How the same pixmesh is installed elsewhere: from where this one came."""

import json
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..node.net.way import Way

USES: Final = 10
"""How many machines the ticket is good for."""


def joining(way: "Way") -> str:
    """Return what to paste on another machine: how to install it, and a new ticket."""
    from ..broker.messages import TicketTerms
    from ..node.net.reach import new_ticket

    made = new_ticket(way, TicketTerms(uses=USES))
    return f"{how_to_install()}\npixmesh node {made.text}"


def how_to_install() -> str:
    """Return the command that installs this very version on another machine."""
    try:
        return command_for(distribution("pixmesh"))
    except PackageNotFoundError:
        return "uv tool install .   # in a copy of this clone"


def command_for(installed: Distribution) -> str:
    """Return the command for an installed pixmesh, by what its installer noted (PEP 610)."""
    noted = installed.read_text("direct_url.json")
    origin = json.loads(noted) if noted else {}
    version = installed.version
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        return f"uv tool install {vcs['vcs']}+{origin['url']}@{vcs['commit_id']}"
    if "dir_info" in origin:
        return f"uv tool install .   # pixmesh {version}, in a copy of this clone"
    if "archive_info" in origin:
        return f"uv tool install {origin['url']}"
    return f"uv tool install pixmesh=={version}"
