"""A run that kills itself with SIGKILL at one step of its commits; a process of its own.

python killed.py IN OUT LEDGER STEP
"""

import os
import signal
import sys
from pathlib import Path

from pixmesh.node.owner.disk import RealDisk
from pixmesh.node.owner.files import FileBatch
from pixmesh.node.owner.job import Content
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.row import Ready

from .fakes import FakeMesh, appraise, plan_of


class Fuse:
    def __init__(self, step: int) -> None:
        self.left = step

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyDisk(RealDisk):
    """Ends the process before, or after, one of its steps."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def write(self, temp: Path, content: Content, *, modified_ns: int | None) -> None:
        self._fuse.burn()
        super().write(temp, content, modified_ns=modified_ns)
        self._fuse.burn()

    def sync_file(self, path: Path) -> None:
        super().sync_file(path)
        self._fuse.burn()

    def rename(self, temp: Path, final: Path, *, replace: bool) -> None:
        self._fuse.burn()
        super().rename(temp, final, replace=replace)
        self._fuse.burn()


class DeadlyLedger(Ledger):
    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path)
        self._fuse = fuse

    def committing(self, outputs: list[Ready]) -> set[Path]:  # type: ignore[override]
        moved = super().committing(outputs)
        self._fuse.burn()
        return moved

    def done(self, destinations: list[Path]) -> set[Path]:  # type: ignore[override]
        self._fuse.burn()
        moved = super().done(destinations)
        self._fuse.burn()
        return moved


def main(source: Path, out: Path, ledger_path: Path, step: int) -> None:
    fuse = Fuse(step)
    with DeadlyLedger(ledger_path, fuse) as ledger, FakeMesh() as mesh:
        FileBatch(
            plan=plan_of(source, out=out, ledger=ledger),
            appraise=appraise,
            ledger=ledger,
            disk=DeadlyDisk(fuse),
            submit=mesh.submit,
            cancel=mesh.cancel,
        ).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
