"""Rows of the fault matrix on a virtual clock: what recipes take beside each task's own pixels."""

import pytest

from pixmesh.broker.messages import CHUNK_BYTES, Chunk, Get, Message, ReferenceItem
from pixmesh.tests.support.fakes.mesh import VirtualMesh
from pixmesh.tests.support.fakes.node import FakeNode, Work
from pixmesh.tests.support.fakes.owner import make_job

from .rows import FREEZE, facts, judge, owner_of, tries

SIZE = 5 * CHUNK_BYTES + 7
ITEMS = tuple(ReferenceItem(bytes([n]) * 16, bytes([n]) * 32, SIZE) for n in (1, 2))
TOKENS = {item.token for item in ITEMS}


def busy(jobs: int = 20, *, withholds: int = 0) -> VirtualMesh:
    """Two nodes, and an owner whose jobs take two references besides."""
    mesh = VirtualMesh(1)
    mesh.usual = Work(seconds=0.5)
    for name in ("atlas", "pi"):
        mesh.node(name, slots=2)
    mesh.run(1.0)
    owner = mesh.owner()
    owner.withholds = withholds
    sizes = [100, 100_000]
    owner.submit(
        [make_job(number, seconds=0.5, size=sizes[number % 2]) for number in range(jobs)],
        references=ITEMS,
    )
    return mesh


def shelves(mesh: VirtualMesh) -> list[set[bytes]]:
    return [set(node.shelf.here) for node in mesh.nodes.values() if isinstance(node, FakeNode)]


def test_row19_S_all_is_done_with_the_references_at_each_node() -> None:
    mesh = busy()
    judge(mesh, 20)
    assert shelves(mesh) == [{item.digest for item in ITEMS}] * 2
    assert tries(mesh) == {1}


@pytest.mark.parametrize("withholds", [1, 3, 6])
def test_row19_S_references_that_are_withheld_send_attempts_elsewhere(withholds: int) -> None:
    mesh = busy(withholds=withholds)
    judge(mesh, 20)
    back = [fact for fact in facts(mesh, "ended") if fact.get("code") == "unreachable"]
    assert back
    assert max(tries(mesh)) > 1
    assert owner_of(mesh).withholds == 0


def test_row19_S_references_that_never_come_fail_their_pictures_with_the_reason() -> None:
    mesh = busy(4, withholds=10**6)
    judge(mesh, 4, failed=4)


@pytest.mark.parametrize("kind", [Get, Chunk])
def test_row24_S_pieces_of_references_that_are_lost_are_asked_for_again(kind: type) -> None:
    left = 5

    def loses(message: Message) -> bool:
        nonlocal left
        besides = isinstance(message, Get | Chunk) and message.token in TOKENS
        lost = left > 0 and besides and isinstance(message, kind)
        left -= lost
        return lost

    mesh = busy()
    mesh.net.loses = loses
    judge(mesh, 20)
    assert left == 0


@pytest.mark.parametrize("after", [0.05, 0.3, 1.2])
def test_row08_S_a_broker_that_starts_anew_is_told_of_references(after: float) -> None:
    mesh = busy()
    mesh.run(after)
    mesh.restart_broker()
    judge(mesh, 20)
    assert shelves(mesh) == [{item.digest for item in ITEMS}] * 2


def test_row21_S_an_owner_that_freezes_while_nodes_fetch_gets_all_of_it_done() -> None:
    mesh = busy()
    mesh.run(0.02)
    owner_of(mesh).freeze(FREEZE - 3)
    judge(mesh, 20)
