"""A drop folder with a real watcher: what is dropped, what has to come of it, what the ledger says.

Pictures are small, drawn by code, each another; the recipe is `grayscale`.
"""

import os
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pixmesh.node.state import StateFolder
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.support.photos import Pixels, drawn

SETTLE = 0.3
PATIENCE = 60.0
RECIPE = "grayscale"


@dataclass(slots=True)
class Drop:
    """IN and OUT of one test, and its watchers."""

    mesh: RealMesh

    @property
    def source(self) -> Path:
        return self.mesh.folder / "in"

    @property
    def out(self) -> Path:
        return self.mesh.folder / "out"

    def watch(
        self, *words: str, recipe: str = RECIPE, local: bool = True, lines: str = ""
    ) -> Member:
        """Start a watcher; return when it watches."""
        return self.mesh.ready(
            self.start(*words, recipe=recipe, local=local, lines=lines), "watching"
        )

    def start(
        self, *words: str, recipe: str = RECIPE, local: bool = True, lines: str = ""
    ) -> Member:
        """Start a watcher and return at once."""
        self.source.mkdir(exist_ok=True)
        where = ["--slots", "1"] if local else []
        settle = ["--settle", f"{SETTLE}s"]
        return self.mesh.start(
            "watch", recipe, "in", "-o", "out", *where, *settle, *words, lines=lines
        )

    def put(self, relative: str, seed: int = 0, *, folder: Path | None = None) -> Path:
        """Write a picture whole, under its name at once; another seed is another picture."""
        path = (folder or self.source) / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(seed, path.suffix))
        return path

    def expect(self, *names: str, says: Member | None = None) -> None:
        """Wait until these outputs are there, and the ledger has their outcomes."""
        wanted = [self.out / name for name in names]
        try:
            eventually(lambda: all(map(Path.exists, wanted)), PATIENCE)
            eventually(lambda: set(wanted) <= done(), PATIENCE)
        except AssertionError as error:
            said = says.said() if says else ""
            raise AssertionError(f"{error}; there is {self.there()}; it said: {said}") from None

    def there(self) -> list[str]:
        """Return the outputs that are there."""
        found = (path for path in self.out.rglob("*") if path.is_file())
        inside = (path.relative_to(self.out).as_posix() for path in found)
        return sorted(name for name in inside if not name.startswith((".", "_failed/")))

    def failed(self) -> list[str]:
        """Return the notes of failure that are there."""
        notes = self.out / "_failed"
        return sorted(path.relative_to(notes).as_posix() for path in notes.rglob("*.json"))

    def check(self, name: str, seed: int) -> None:
        """The output is that picture's."""
        assert self.is_right(name, seed), name

    def is_right(self, name: str, seed: int) -> bool:
        """Tell whether an output is there, and that picture's."""
        found = cv2.imread(str(self.out / name), cv2.IMREAD_UNCHANGED)
        return found is not None and np.array_equal(found, right(seed))

    def attempts(self, name: str) -> int:
        """Return how many attempts the ledger says that an output took; 0 is a copy."""
        ((attempts,),) = ask("SELECT attempts FROM outputs WHERE destination = ?", self.out / name)
        assert isinstance(attempts, int)
        return attempts

    def outcomes(self) -> Counter[str]:
        """Count the outcomes of each output that the ledger's history knows."""
        found = ask("SELECT destination FROM history WHERE state IN ('done', 'failed')")
        paths = [Path(os.fsdecode(bytes(path))) for (path,) in found]  # type: ignore[call-overload]
        return Counter(path.relative_to(self.out).as_posix() for path in paths)


def done() -> set[Path]:
    """Return the outputs that the ledger says are done."""
    found = ask("SELECT destination FROM outputs WHERE state = 'done'")
    return {Path(os.fsdecode(bytes(path))) for (path,) in found}  # type: ignore[call-overload]


def encoded(seed: int, suffix: str = ".png") -> bytes:
    """Return a picture as a file's bytes: lossless, whatever it is called, but for JPEG."""
    kind = suffix if suffix.lower() in {".jpg", ".png", ".webp", ".tif", ".bmp"} else ".png"
    return bytes(cv2.imencode(kind, drawn(seed, 48, 32))[1].tobytes())


def right(seed: int) -> Pixels:
    """Return what OpenCV alone makes of a picture."""
    return cv2.cvtColor(drawn(seed, 48, 32), cv2.COLOR_BGR2GRAY)


def ask(query: str, *paths: Path) -> list[tuple[object, ...]]:
    """Ask the ledger of this test's state folder."""
    with closing(sqlite3.connect(StateFolder.open().ledger)) as ledger:
        return ledger.execute(query, [str(path).encode() for path in paths]).fetchall()
