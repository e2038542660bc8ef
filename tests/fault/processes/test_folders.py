"""Row 20, the folder's half: a watcher killed again and again loses nothing and repeats nothing.

A second process looks at OUT all the while: what shows under a final name is whole, at once.
"""

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pixmesh.tests.integration.drops import Drop, ask
from pixmesh.tests.integration.test_watch import expect_end, pause
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh

READER = """
import hashlib, json, os, sys
folder, seen = sys.argv[1], {}
while os.read(0, 1) == b"?":
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name.startswith(".") or not name.endswith(".png"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        seen.setdefault(name, [])
        if digest not in seen[name]:
            seen[name].append(digest)
    os.write(1, b".")
os.write(1, json.dumps(seen).encode())
"""


class Witness:
    """A process that reads every output as soon as it shows, over and over."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", READER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def look(self) -> None:
        """Have it read all that is there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"?")
        self._process.stdin.flush()
        assert self._process.stdout.read(1) == b"."

    def told(self) -> dict[str, list[str]]:
        """Return the digests of all that it ever saw under each name."""
        out, _ = self._process.communicate(b"!", timeout=60)
        return dict(json.loads(out))

    def end(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@contextmanager
def witness(folder: Path) -> Iterator[Witness]:
    one = Witness(folder)
    try:
        yield one
    finally:
        one.end()


def check_killed(drop: Drop, *, pictures: int, kills: int, seed: int) -> None:
    """Drop pictures while the watcher is killed at random moments; judge what comes of it."""
    lots = random.Random(seed)
    names = [f"{number:03}.png" for number in range(pictures)]
    left = list(enumerate(names))
    with witness(drop.out) as looks:
        for life in range(kills):
            watcher = drop.start()
            for number, name in left[: -(-pictures // kills)]:
                drop.put(name, number)
            left = left[-(-pictures // kills) :]
            for _ in range(lots.randrange(4, 40)):
                looks.look()
                pause(0.05)
            family = watcher.children()
            watcher.kill()
            assert psutil.wait_procs(family, timeout=10)[1] == [], life
        last = drop.watch()

        def all_are_there() -> bool:
            looks.look()
            return set(drop.there()) == set(names)

        eventually(all_are_there, 120, last.said())
        eventually(lambda: len(done()) == pictures, 20, last.said())
        looks.look()  # the last ones came after the look before
        seen = looks.told()
    expect_end(last)
    assert [name for number, name in enumerate(names) if not drop.is_right(name, number)] == []
    assert set(done().values()) == {1}, "an outcome came twice"
    assert {name for name, digests in seen.items() if len(digests) > 1} == set()
    assert {name: digests[0] for name, digests in seen.items()} == {
        name: hashlib.sha256((drop.out / name).read_bytes()).hexdigest() for name in names
    }
    assert not [path for path in drop.out.rglob("*.part") if path.is_file()]


def done() -> dict[str, int]:
    """Count the outcomes of each output."""
    query = "SELECT destination, count(*) FROM history WHERE state IN ('done', 'failed')"
    return {str(path): int(str(count)) for path, count in ask(f"{query} GROUP BY destination")}


def test_row20_P_a_watcher_killed_again_and_again_loses_nothing_and_repeats_nothing(
    mesh: RealMesh,
) -> None:
    check_killed(Drop(mesh), pictures=60, kills=4, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_row20_P_a_watcher_killed_20_times_during_500_pictures(mesh: RealMesh, seed: int) -> None:
    check_killed(Drop(mesh), pictures=500, kills=20, seed=seed)
