"""A run killed with SIGKILL at any step of a commit is continued by the same command."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.row import State

from .fakes import FakeMesh, batch_of, blurred, picture, plan_of

# Three pictures: at most 2+1+2 steps of the disk each, and 3 of the ledger per group.
STEPS = range(1, 25)


def run_until_killed(tmp_path: Path, step: int) -> int:
    command = [sys.executable, "-m", "pixmesh.tests.unit.owner.killed"]
    paths = [str(tmp_path / name) for name in ("in", "out", "ledger")]
    return subprocess.run([*command, *paths, str(step)], check=False).returncode


def outputs(out: Path) -> dict[str, bytes]:
    if not out.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.parametrize("step", STEPS)
def test_the_same_command_continues(tmp_path: Path, step: int) -> None:
    wanted = {}
    for name in ["a.jpg", "b.jpg", "c.jpg"]:
        wanted[name] = blurred(picture(tmp_path / "in" / name).read_bytes())
    assert run_until_killed(tmp_path, step) in {-signal.SIGKILL, 0}
    out = tmp_path / "out"
    for name, data in outputs(out).items():
        assert name.endswith(".part") or wanted[name] == data
    with Ledger(tmp_path / "ledger") as ledger:
        before = ledger.rows(out / name for name in wanted)
        done = {path.name for path, row in before.items() if row.state is State.DONE}
        plan = plan_of(tmp_path / "in", out=out, ledger=ledger)
        finished = {one.row.destination.name for one in plan.unfinished}
        with FakeMesh() as mesh:
            summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
        assert not {*mesh.names} & (done | finished), "computed twice"
        assert (summary.done + summary.skipped, summary.failed) == (3, ())
        for name in wanted:
            states = [change.state for change in ledger.history(out / name)]
            assert states.count(State.DONE) == 1
            assert states[-1] is State.DONE
    assert outputs(out) == wanted


def test_the_kills_cover_every_step(tmp_path: Path) -> None:
    for name in ["a.jpg", "b.jpg", "c.jpg"]:
        picture(tmp_path / "in" / name)
    assert run_until_killed(tmp_path, STEPS[-1] + 1) == 0
