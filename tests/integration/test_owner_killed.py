"""The owner dies in the middle of a run; the same command goes on where it was."""

import json
from pathlib import Path

import psutil
import pytest

from pixmesh.tests.integration.runs import SHORT, SOAK_MARKS, Run, histories
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh

PICTURES = pytest.mark.parametrize(
    "pictures", [pytest.param(SHORT, id="short"), pytest.param(1500, id="soak", marks=SOAK_MARKS)]
)


def whole(out: Path) -> dict[str, tuple[int, int]]:
    """Return what tells each finished output from one written anew."""
    found = {path.name: path.stat() for path in out.glob("[!.]*")} if out.is_dir() else {}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}


@PICTURES
@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "broker"])
def test_the_same_command_continues_and_does_nothing_twice(
    mesh: RealMesh, pictures: int, embedded: bool
) -> None:
    job = Run(mesh, pictures)
    where = ["--local", "--slots", "2"] if embedded else []
    if not embedded:
        mesh.broker()
        mesh.nodes("one", "two", slots=1)
    first = job.begin(*where)
    eventually(lambda: len(whole(job.out)) >= pictures // 4, 120, "nothing was ever done")
    family = first.children()
    first.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert len(family) == (4 if embedded else 0)
    done, submitted = set(histories("done")), histories("submitted")
    before = whole(job.out)
    assert done <= set(before)
    assert len(before) < pictures, "the run was over before it was killed"

    second = job.begin(*where, "--json")
    job.check(second)
    after = whole(job.out)
    assert {name: after[name] for name in before} == before
    again = histories("submitted")
    assert {name for name in before if again[name] > submitted[name]} == set()
    assert json.loads(second.data())["failed"] == []
