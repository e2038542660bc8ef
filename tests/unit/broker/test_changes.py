"""What is told of a mesh from one moment to the next makes the next of the one."""

import operator
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from pixmesh.broker.changes import Change, apply, change, read
from pixmesh.broker.chronicle import MOST
from pixmesh.broker.messages import Load
from pixmesh.broker.views import (
    BatchView,
    FolderView,
    Happened,
    LostView,
    MemberView,
    NodeView,
    PictureView,
    Snapshot,
    WaitingView,
)

from .shapes import built

One = TypeVar("One", bound=Struct)
IDS = st.sampled_from("abcdef")
_by_id = operator.attrgetter("id")


def named(shape: type[One]) -> st.SearchStrategy[tuple[One, ...]]:
    """A few of that shape, each with an id of its own."""
    some = st.builds(lambda one, name: structs.replace(one, id=name), built(shape), IDS)
    return st.lists(some, max_size=4, unique_by=_by_id).map(tuple)


def few(shape: type[One]) -> st.SearchStrategy[tuple[One, ...]]:
    return st.lists(built(shape), max_size=2).map(tuple)


def happened(count: int) -> tuple[Happened, ...]:
    """What a chronicle knows after so many things happened."""
    first = max(0, count - MOST)
    return tuple(Happened(one + 1, one / 2, "told", "pi4", "") for one in range(first, count))


def moments(counts: st.SearchStrategy[int]) -> st.SearchStrategy[Snapshot]:
    """One broker at any moment; ``counts`` says how much has happened."""
    return st.builds(
        Snapshot,
        schema=st.just(1),
        broker=st.just("here"),
        version=st.just("1"),
        relay=st.just(7711),
        uptime=st.floats(0, 1e9),
        wall=st.floats(0, 1e9),
        owners=st.integers(0, 9),
        limited_by=st.text(max_size=5),
        malformed=st.integers(0, 9),
        refused=st.integers(0, 9),
        nodes=named(NodeView),
        batches=named(BatchView),
        folders=named(FolderView),
        quarantined=few(PictureView),
        members=few(MemberView),
        waiting=few(WaitingView),
        lost=few(LostView),
        happened=counts.map(happened),
    )


def sorted_by_id(snapshot: Snapshot) -> Snapshot:
    """What is named has no order."""

    def in_order(many: Sequence[One]) -> tuple[One, ...]:
        return tuple(sorted(many, key=_by_id))

    return structs.replace(
        snapshot,
        nodes=in_order(snapshot.nodes),
        batches=in_order(snapshot.batches),
        folders=in_order(snapshot.folders),
    )


def over_the_wire(new: Change) -> Change:
    return read(msgspec.msgpack.encode(new))


@given(moments(st.integers(0, MOST + 9)), moments(st.integers(0, MOST + 9)), st.integers(0, MOST))
def test_the_later_moment_is_made_of_the_earlier_one_and_the_change(
    before: Snapshot, after: Snapshot, more: int
) -> None:
    so_far = before.happened[-1].number if before.happened else 0
    after = structs.replace(after, happened=happened(so_far + more))
    new = over_the_wire(change(before, after, 7))
    assert new.number == 7
    assert sorted_by_id(apply(before, new)) == sorted_by_id(after)


@given(moments(st.integers(0, MOST + 9)))
def test_where_nothing_is_new_little_is_told_and_nothing_changes(snapshot: Snapshot) -> None:
    new = change(snapshot, snapshot, 1)
    assert apply(snapshot, over_the_wire(new)) == snapshot
    assert new == Change(
        number=1,
        uptime=snapshot.uptime,
        wall=snapshot.wall,
        owners=snapshot.owners,
        limited_by=snapshot.limited_by,
        malformed=snapshot.malformed,
        refused=snapshot.refused,
    )


# ---- how much is told -------------------------------------------------------------------


def crowd(nodes: int) -> Snapshot:
    """A large mesh, with a long past."""
    load = Load(cpu=0.5)
    return Snapshot(
        schema=1,
        broker="here",
        version="1",
        uptime=1.0,
        nodes=tuple(
            NodeView(f"n{one}", "idle", 8, 0, 0, load, 0, 0, 0.1, "", id=f"{one:016}")
            for one in range(nodes)
        ),
        batches=(),
        owners=1,
        limited_by="",
        members=tuple(MemberView(f"n{one}", ("node",), "AAAA", "") for one in range(nodes)),
        happened=happened(MOST),
    )


def size(before: Snapshot, after: Snapshot) -> int:
    return len(msgspec.msgpack.encode(change(before, after, 2**40)))


def test_of_a_thousand_nodes_only_those_that_differ_are_told() -> None:
    mesh = crowd(1000)
    assert size(mesh, mesh) < 100
    first = structs.replace(mesh.nodes[0], state="working")
    one = structs.replace(mesh, nodes=(first, *mesh.nodes[1:]))
    assert 100 < size(mesh, one) < 600
    assert size(mesh, structs.replace(mesh, nodes=mesh.nodes[1:])) < 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:-1],
        lambda _: b"",
        lambda _: msgspec.msgpack.encode({"number": "seven"}),
    ],
)
def test_what_is_no_change_is_told_apart(spoil: Callable[[bytes], bytes]) -> None:
    mesh = crowd(1)
    with pytest.raises(msgspec.DecodeError):
        read(spoil(msgspec.msgpack.encode(change(mesh, mesh, 1))))
