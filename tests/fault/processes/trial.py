"""A run of marked pictures through a real mesh, and the judgement over what all members say.

Pictures are small and distinct; the first pixel of each says what it does to its slot
(``faulty``). Every process keeps a history; the checker reads those, the ledger and the files.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from pixmesh.node.state import StateFolder
from pixmesh.tests.fault import checker
from pixmesh.tests.integration.runs import running
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh

SEGFAULT, EXIT, KILLED, HANGS, HOLDS, MEMORY, FAILS = range(1, 8)
WELL = 100
PATIENCE = 120.0


@dataclass(slots=True)
class Trial:
    """One command over so many pictures; ``nap`` is the seconds that each takes."""

    mesh: RealMesh
    histories: Path
    name: str = "in"
    sources: list[Path] = field(default_factory=list)

    def pictures(
        self, count: int, marks: Mapping[int, int] | None = None, *, side: int = 24
    ) -> "Trial":
        """Draw pictures; ``marks`` say which of them do what."""
        folder = self.mesh.folder / self.name
        folder.mkdir()
        random = np.random.default_rng(len(self.name) + count)
        for number in range(count):
            pixels = random.integers(WELL, 256, (side, side), np.uint8)
            pixels[0, 0] = (marks or {}).get(number, WELL)
            path = folder / f"p{number:04}.png"
            path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
            self.sources.append(path)
        return self

    @property
    def out(self) -> Path:
        return self.mesh.folder / f"{self.name}-out"

    def begin(self, *words: str, nap: float = 0.1, before: str = "", lines: str = "") -> Member:
        """Start the command; what comes ``before`` may change no pixel."""
        recipe = f"{before}faulty nap={nap}"
        where = [self.name, "-o", str(self.out)]
        return self.mesh.start("run", recipe, *where, *words, lines=lines)

    def done(self) -> int:
        """Count the outputs that are there."""
        return len(list(self.out.glob("[!.]*"))) if self.out.is_dir() else 0

    # ---- judgement ------------------------------------------------------------------

    def judge(self, run: Member, *, failed: Mapping[int, str] | None = None) -> None:
        """Wait for its end; all that was asked is done, but for what has to fail, and why."""
        wrong = dict(failed or {})
        eventually(lambda: run.ended, PATIENCE, f"never finished: {run.said()}")
        assert run.code() == (5 if wrong else 0), run.said()
        self.check()
        states = self.states()
        for number, source in enumerate(self.sources):
            state, code = states[str(self.out / source.name)]
            assert (state, code) == (("failed", wrong[number]) if number in wrong else ("done", ""))
            assert number not in wrong or source.name in run.said()

    def check(self) -> None:
        """Let the checker judge the histories, this run's part of the ledger, and its files."""
        checker.check_history(self.facts())
        wanted = [str(self.out / source.name) for source in self.sources]
        checker.check_ledger(self.ledger(), wanted)
        files = {str(path): _digest(path) for path in self.out.iterdir()}
        done = [path for path, (state, _) in self.states().items() if state == "done"]
        checker.check_files(files, done=done, right={path: self._right(path) for path in wanted})

    def _right(self, output: str) -> bytes:
        """Return the digest that OpenCV alone gives an output: its pixels, written once more."""
        pixels = cv2.imread(str(self.mesh.folder / self.name / Path(output).name), -1)
        assert pixels is not None
        return checker.digest(pixels.tobytes())

    def facts(self, *what: str) -> list[checker.Fact]:
        """Return what all members noted, in order; of the kinds named, if any are."""
        lines = [
            json.loads(line)
            for path in self.histories.glob("*.jsonl")
            for line in path.read_bytes().splitlines(keepends=True)
            if line.endswith(b"\n")
        ]
        found = [fact for fact in lines if not what or fact["what"] in what]
        return sorted(found, key=lambda fact: float(fact["at"]))

    def seconds_until(self, since: float, fact: Callable[[checker.Fact], bool]) -> float:
        """Return how long after ``since`` a member first noted such a fact, by its own clock.

        It shares this process's clock. How soon a test gets to look does not count.
        """

        def first() -> list[float]:
            return [float(str(one["at"])) - since for one in self.facts() if fact(one)][:1]

        return eventually(first, PATIENCE / 2, "nobody noted it")[0]

    def ledger(self) -> list[tuple[str, str]]:
        """Return the states that this run's outputs came into, in order.

        Another owner that goes on with a commit has ``taken over``; its own, twice, is none.
        """
        query = "SELECT destination, state, owner FROM history ORDER BY number"
        last: dict[str, tuple[str, str]] = {}
        found = []
        for path, state, owner in self._query(query):
            before, whose = last.get(path, ("", owner))
            last[path] = (state, owner)
            taken_over = state == before == "committing" and whose != owner
            found.append((path, "taken over" if taken_over else state))
        return [(path, state) for path, state in found if self._mine(path)]

    def states(self) -> dict[str, tuple[str, str]]:
        """Return the state and the error code of each of this run's outputs."""
        query = "SELECT destination, state, code FROM outputs"
        rows = [(path, (state, code)) for path, state, code in self._query(query)]
        return {path: state for path, state in rows if self._mine(path)}

    def _query(self, query: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(StateFolder.open().ledger)) as ledger:
            return [(row[0].decode(), *row[1:]) for row in ledger.execute(query)]

    def _mine(self, path: str) -> bool:
        return path.startswith(f"{self.out}/")

    def tries(self) -> dict[str, int]:
        """Return how often each task was given to a node."""
        given: dict[str, int] = {}
        for fact in self.facts("assigned"):
            given[str(fact["task"])] = given.get(str(fact["task"]), 0) + 1
        return given


def _digest(path: Path) -> bytes | None:
    """Return the digest of a picture's pixels; a file that is none has none."""
    pixels = cv2.imread(str(path), -1)
    return (
        hashlib.blake2b(pixels.tobytes(), digest_size=32).digest() if pixels is not None else None
    )


def at_work(node: Member, slots: int) -> list[int]:
    """Wait until so many slots of a node run a task; return the attempts."""
    return running(node, slots)


def began_at(node: Member, known: set[int]) -> Callable[[checker.Fact], bool]:
    """Tell that a node gave one of its slots an attempt that is new."""
    return lambda fact: (
        fact["what"] == "given"
        and str(fact["member"]).endswith(f"-{node.pid}")
        and fact["attempt"] not in known
    )
