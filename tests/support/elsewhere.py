"""Another machine, as far as its state folder goes; and the tickets by which it joins."""

from pathlib import Path

import pytest

from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.unit.tui.command import Finished, pixmesh


class Elsewhere:
    """A machine on loopback, with a state folder of its own."""

    def __init__(self, mesh: RealMesh, folder: Path) -> None:
        self.mesh = mesh
        self.state = folder
        folder.mkdir(mode=0o700)

    def run(self, *words: str) -> Finished:
        return pixmesh(*words, folder=self.mesh.folder, PIXMESH_STATE=str(self.state))

    def start(self, *words: str) -> Member:
        """Start a command there and return at once."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PIXMESH_STATE", str(self.state))
            return self.mesh.start(*words)

    def node(self, name: str, *words: str) -> Member:
        member = self.start("node", "--name", name, "--slots", "1", *words)
        return self.mesh.ready(member, f"pixmesh node {name}: ")


def ticket(mesh: RealMesh, *words: str) -> str:
    made = pixmesh("ticket", "new", *words, folder=mesh.folder)
    assert made.code == 0, made.err
    return made.out.split()[-1]
