"""A `pixmesh run` of distinct pictures that takes a while, and what has to come of it."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pixmesh.node.state import StateFolder
from pixmesh.tests.integration import exact
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.support.photos import Pixels, distinct, skimage_files

PAUSE = 0.005
SOAK_MARKS = (pytest.mark.soak, pytest.mark.timeout(2400))


@dataclass(slots=True)
class Run:
    """One command and its pictures; each takes ``times`` blurs of ``ksize``, 50 ms or more."""

    mesh: RealMesh
    pictures: int
    ksize: int = 101
    times: int = 6
    sources: list[Path] = field(init=False)

    def __post_init__(self) -> None:
        photos = [path for path in skimage_files() if path.stem not in {"retina", "rocket"}]
        photos = photos[: self.pictures]
        copies = -(-self.pictures // len(photos))
        folder = self.mesh.folder / "in"
        written = distinct(photos, copies, folder)
        self.sources = written[: self.pictures]
        for path in written[self.pictures :]:
            path.unlink()

    @property
    def out(self) -> Path:
        return self.mesh.folder / "out"

    @property
    def pairs(self) -> list[tuple[Path, Path]]:
        return exact.outputs_of(self.sources, self.out)

    def begin(self, *words: str) -> Member:
        recipe = exact.blurred(self.ksize, self.times)
        return self.mesh.start("run", recipe, "in", "-o", "out", "--format", "png", *words)

    def done(self) -> int:
        """Count the outputs that are there."""
        return len(list(self.out.glob("[!.]*"))) if self.out.is_dir() else 0

    def check(self, run: Member) -> None:
        """Every output is there, whole and right, made once; and nothing else is."""
        assert self._code(run) == 0, run.said()
        assert sorted(path.name for path in self.out.iterdir()) == sorted(
            out.name for _, out in self.pairs
        )
        assert exact.wrong(self.pairs, self._expected) == []
        assert set(histories("done").values()) == {1}

    def _code(self, run: Member) -> int:
        eventually(lambda: run.ended, 60 + self.pictures / 2, f"never finished: {run.said()}")
        return run.code()

    def _expected(self, path: Path) -> Pixels:
        return exact.blurred_expected(path, self.ksize, self.times)


def histories(state: str) -> Counter[str]:
    """Count how often the ledger saw each output come into a state."""
    with closing(sqlite3.connect(StateFolder.open().ledger)) as ledger:
        found = ledger.execute("SELECT destination FROM history WHERE state = ?", (state,))
        return Counter(Path(destination.decode()).name for (destination,) in found)


def running(node: Member, at_least: int, patience: float = 60) -> list[int]:
    """Wait until a node's slots run so many tasks; return their attempts."""

    def attempts() -> list[int]:
        found = node.running()
        return found if len(found) >= at_least else []

    return eventually(attempts, patience, f"it never ran {at_least} tasks", longest_pause=0.01)


def seconds_until(predicate: Callable[[], bool], deadline: float = 30) -> float:
    """Return how long it took to come true, to some 5 ms; what it raises is raised.

    Who looks without any pause takes a core from those who are looked at.
    """
    began = time.monotonic()
    waiting = threading.Event()
    while not predicate():
        assert time.monotonic() - began < deadline, f"not true within {deadline} s"
        waiting.wait(PAUSE)
    return time.monotonic() - began
