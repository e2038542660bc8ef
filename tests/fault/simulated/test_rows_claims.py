"""Row 26 on a virtual clock: a node that claims whatever others are or have gets none of it."""

from collections.abc import Iterator

import pytest
from msgspec import structs

from pixmesh.broker.messages import End, EndItem, HeldTask, Hello, MemberId, Phase, Result, Settled
from pixmesh.ops.digest import digest_of
from pixmesh.tests.support.fakes.mesh import VirtualMesh, results
from pixmesh.tests.support.fakes.node import FakeNode

from .rows import busy, judge, owner_of

LIE = b"not what was asked"


class Liar(FakeNode):
    """Claims to hold, and to have done, everything that it has heard of; works on nothing.

    It knows every owner's tasks and every other node's attempts.
    """

    mesh: VirtualMesh

    def hello(self) -> Hello:
        held = tuple(
            HeldTask(4711 + number, Phase.RUNNING, task, owner, 0.1, 0)
            for number, (owner, task) in enumerate(self._tasks())
        )
        return structs.replace(super().hello(), slots=0, held=held)

    def beat(self) -> None:
        super().beat()
        for number, (owner, task) in enumerate(self._tasks()):
            self.say(Result((_lie(4711 + number, owner, task),)))
        others = [one for one in self.mesh.nodes.values() if one is not self]
        stolen = [held for one in others for held in one.attempts.held.values()]
        for held in stolen:
            for end in End:
                lie = _lie(held.id, held.work.owner, held.item.task.id)
                self.say(Result((structs.replace(lie, end=end, code="lie"),)))
        self.say(Settled(tuple(held.id for held in stolen)))

    def _tasks(self) -> Iterator[tuple[MemberId, bytes]]:
        for owner in self.mesh.owners.values():
            for job in owner.table.entries:
                yield owner.id, job


def _lie(attempt: int, owner: bytes, task: bytes) -> EndItem:
    return EndItem(attempt, task, owner, End.DONE, 0.1, len(LIE), digest_of(LIE), "png", inline=LIE)


def begin_lying(mesh: VirtualMesh) -> Liar:
    liar = Liar("mallory", mesh.net, boot=99, slots=0)
    liar.mesh = mesh
    return liar


@pytest.mark.parametrize("restarts", [0, 3])
def test_row26_S_a_node_that_claims_others_work_changes_no_outcome(restarts: int) -> None:
    """Nor does it to a broker that has just started, and knows nothing of what it claims."""
    mesh = busy()
    begin_lying(mesh)
    for _ in range(restarts):
        mesh.run(1.0)
        mesh.restart_broker(0.5)
    judge(mesh, 20)
    assert LIE not in [one.content.bytes() for one in results(owner_of(mesh))]
    assert {one.node for one in results(owner_of(mesh))} <= {"atlas", "pi"}
