"""A broker whose gate does as a test says: for each knock it looks into a file.

Empty or none: as always. "dies": the gate's thread ends. "fails": looking a key up raises.
"""

from pathlib import Path

from pixmesh.tests.support.meshes import Member, RealMesh

LINES = """
from pathlib import Path
from pixmesh.broker.admission import Admission
admits, file = Admission.admits, Path({file!r})
def knock(self, key):
    match file.read_text():
        case "dies": raise SystemExit
        case "fails": raise ValueError("as the test says")
    return admits(self, key)
Admission.admits = knock
"""


class Gatekeeper(RealMesh):
    """Starts brokers whose gate can be told to fail. ``members`` are another mesh's."""

    @classmethod
    def of(cls, mesh: RealMesh) -> "Gatekeeper":
        """Share another mesh's folder and members."""
        keeper = cls(mesh.folder, mesh.members)
        keeper.tell("")
        return keeper

    @property
    def file(self) -> Path:
        """Where the gate looks."""
        return self.folder / "gate"

    def tell(self, what: str) -> None:
        """Have the gate do this from now on."""
        self.file.write_text(what)

    def broker(self, port: int = 0) -> Member:
        """Start a broker whose gate looks there."""
        lines = LINES.format(file=str(self.file))
        broker = self.start("broker", "--port", str(port), lines=lines)
        return self.ready(broker, "pixmesh broker at ")
