"""What the rows of the fault matrix share on a virtual clock: a mesh at work, and its judge."""

from collections.abc import Callable

from pixmesh.tests.fault import checker
from pixmesh.tests.support.fakes.mesh import VirtualMesh, failures, results
from pixmesh.tests.support.fakes.node import Work
from pixmesh.tests.support.fakes.owner import FakeOwner, make_job

DEATH, FREEZE, SLOT = 1.5, 7.0, 1.0


def busy(
    jobs: int = 20,
    *,
    seconds: float = 1.0,
    nodes: tuple[str, ...] = ("atlas", "pi"),
    slots: int = 2,
) -> VirtualMesh:
    """Nodes at work on the jobs of one owner."""
    mesh = VirtualMesh(1)
    mesh.usual = Work(seconds=seconds)
    for name in nodes:
        mesh.node(name, slots=slots)
    mesh.owner().submit([make_job(number, seconds=seconds) for number in range(jobs)])
    mesh.run(0.5)
    return mesh


def owner_of(mesh: VirtualMesh) -> FakeOwner:
    return mesh.owners["owner"]


def facts(mesh: VirtualMesh, what: str) -> list[dict[str, object]]:
    return [fact for fact in mesh.history if fact["what"] == what]


def moved(mesh: VirtualMesh, since: float) -> Callable[[], bool]:
    """Tell whether something was given to a node since then."""
    return lambda: any(float(str(one["at"])) > since for one in facts(mesh, "assigned"))


def judge(mesh: VirtualMesh, jobs: int, *, failed: int = 0) -> None:
    """Let it all end: each job has one outcome, and the checker agrees."""
    mesh.finish(most=600)
    owner = owner_of(mesh)
    checker.TALLY.lost += jobs - len(owner.outcomes)
    assert len(owner.outcomes) == jobs
    assert {len(told) for told in owner.outcomes.values()} == {1}
    assert len(failures(owner)) == failed
    checker.check_history(mesh.history)


def tries(mesh: VirtualMesh) -> set[int]:
    return {one.attempts for one in results(owner_of(mesh))}
