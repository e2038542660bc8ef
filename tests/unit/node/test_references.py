"""A node fetches what attempts take besides: checked, once, and no attempt runs without it."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from pixmesh.broker.lifecycle import AILMENTS
from pixmesh.broker.messages import (
    CHUNK_BYTES,
    Assign,
    Chunk,
    End,
    Error,
    Get,
    MemberId,
    Phase,
    ReferenceItem,
    Work,
)
from pixmesh.node import references as rooms
from pixmesh.node.attempts import Attempts
from pixmesh.node.net.connection import Connection
from pixmesh.node.net.transfer import MOST_TRIES, PATIENCE
from pixmesh.node.references import References
from pixmesh.node.spool import reference_path
from pixmesh.ops.digest import digest_of

from .items import OWNER, assign_item

OTHER = b"other..."
DATA = bytes(range(256)) * 1200
DIGEST = digest_of(DATA)
OWNERS = {OWNER: b"token of the one", OTHER: b"token of another"}


@dataclass
class Way:
    """Stands in for a Connection: what was asked of whom."""

    asked: list[tuple[MemberId, Get]] = field(default_factory=list)

    def send_to(self, member: MemberId, get: Get) -> bool:
        self.asked.append((member, get))
        return True


@dataclass
class Node:
    """A node's references, and the owners whose part the test plays."""

    folder: Path
    way: Way = field(default_factory=Way)
    attempts: Attempts = field(default_factory=Attempts)
    notes: list[str] = field(default_factory=list)
    references: References = field(init=False)
    seq: int = 0

    def __post_init__(self) -> None:
        way = cast(Connection, self.way)
        self.references = References(self.folder, self.attempts, way, self.note)
        self.attempts.slot_ready("slot")

    def note(self, what: str, /, **_facts: object) -> None:
        self.notes.append(what)

    def given(self, attempt: int, *, owner: bytes = OWNER, large: bool = False) -> None:
        self.seq += 1
        besides = ReferenceItem(OWNERS[owner], DIGEST, len(DATA))
        work = Work(owner, "match", "", (besides,))
        self.attempts.assigned(Assign(self.seq, (work,), (assign_item(attempt, large=large),)))
        self.references.turn(0.0)

    def send(self, owner: bytes = OWNER, data: bytes = DATA) -> None:
        """Have an owner send all of it."""
        for start in range(0, len(data), CHUNK_BYTES):
            piece = data[start : start + CHUNK_BYTES]
            chunk = Chunk(OWNERS[owner], start)
            self.references.receiver.take(MemberId(owner), chunk, piece, 0.0)
        self.references.turn(0.0)

    def refuse(self, owner: bytes = OWNER) -> None:
        error = Error("gone", "it is not here", token=OWNERS[owner])
        self.references.receiver.refused(MemberId(owner), error)

    @property
    def phases(self) -> dict[int, Phase]:
        return {held.id: held.phase for held in self.attempts.held.values()}

    @property
    def files(self) -> list[str]:
        return sorted(one.name for one in self.folder.iterdir())


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    one = Node(tmp_path)
    yield one
    one.references.close()


def test_no_attempt_is_ready_before_its_reference_is_here(node: Node) -> None:
    node.given(1)
    node.given(2)
    node.given(3, large=True)
    assert set(node.phases.values()) == {Phase.FETCHING}
    assert list(node.attempts.next_fetches()) == []
    assert node.attempts.next_work() == {}
    node.send()
    assert list(node.phases.values()) == [Phase.READY, Phase.READY, Phase.FETCHING]
    assert [held.id for held in node.attempts.next_fetches()] == [3]
    assert reference_path(node.folder, DIGEST).read_bytes() == DATA
    assert node.notes == ["fetched"]
    assert {(member, get.token) for member, get in node.way.asked} == {(OWNER, OWNERS[OWNER])}


def test_one_that_is_here_is_not_fetched_again(node: Node) -> None:
    node.given(1)
    node.send()
    asked = len(node.way.asked)
    node.given(2, owner=OTHER)
    assert node.phases[2] is Phase.READY
    assert len(node.way.asked) == asked


def test_wrong_bytes_are_never_used_and_another_owner_is_asked(node: Node) -> None:
    node.given(1)
    node.given(2, owner=OTHER)
    node.send(data=DATA[:-1] + b"\0")
    assert set(node.phases.values()) == {Phase.FETCHING}
    assert node.files == [f"{DIGEST.hex()}.part"]
    assert node.way.asked[-1][0] == OTHER
    node.send(OTHER)
    assert set(node.phases.values()) == {Phase.READY}
    assert node.files == [f"{DIGEST.hex()}.ref"]


@pytest.mark.parametrize("wrong", [True, False])
def test_attempts_whose_reference_cannot_be_had_are_returned(node: Node, wrong: bool) -> None:
    node.given(1)
    node.given(2, large=True)
    if wrong:
        node.send(data=bytes(len(DATA)))
    else:
        node.refuse()
    ends = [held.end for held in node.attempts.untold(0.0) if held.end is not None]
    assert [end.end for end in ends] == [End.RETURNED] * 2
    assert {end.code for end in ends} == {"corrupted" if wrong else "unreachable"}
    assert node.files == []
    node.given(3)
    node.send()
    assert node.phases[3] is Phase.READY


def test_an_owner_who_never_answers_is_given_up(node: Node) -> None:
    node.given(1)
    for step in range(1, MOST_TRIES + 3):
        node.references.turn(step * PATIENCE)
    (held,) = node.attempts.untold(0.0)
    assert held.end is not None
    assert (held.end.end, held.end.code) == (End.RETURNED, "unreachable")
    assert "does not come" in held.end.reason


def test_an_attempt_that_is_dropped_meanwhile_is_forgotten(node: Node) -> None:
    node.given(1)
    node.attempts.dropped([1], unstarted=False)
    node.send()
    assert node.phases == {}
    assert node.attempts.next_work() == {}


def test_an_attempt_that_comes_again_runs_once(node: Node) -> None:
    node.given(1)
    node.attempts.dropped([1], unstarted=False)
    node.given(1)
    node.send()
    assert [held.id for held in node.attempts.next_work()["slot"]] == [1]
    assert node.attempts.next_work() == {}


def test_one_that_is_told_twice_that_all_is_here_is_fetched_once(node: Node) -> None:
    node.given(1, large=True)
    node.send()
    node.attempts.supplied(1)
    assert [held.id for held in node.attempts.next_fetches()] == [1]


def test_a_draining_node_returns_what_waits(node: Node) -> None:
    node.given(1)
    node.attempts.give_back_unstarted()
    node.send()
    (held,) = node.attempts.untold(0.0)
    assert held.end is not None
    assert held.end.code == "draining"


def test_what_a_slot_cannot_use_is_fetched_anew(node: Node) -> None:
    node.given(1)
    node.send()
    node.attempts.next_work()
    node.references.spoilt(1)
    assert node.files == [f"{DIGEST.hex()}.ref"]  # a slot's word alone costs nobody a file
    reference_path(node.folder, DIGEST).unlink()
    node.references.spoilt(1)
    node.given(2)
    assert node.attempts.next_work() == {}
    node.send()
    assert node.phases[2] is Phase.READY


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "disk-full"), (errno.EIO, "spool")])
def test_a_disk_without_room_is_the_nodes_ailment(
    node: Node, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fails(_path: Path, _size: int) -> None:
        raise OSError(number, "it fails")

    monkeypatch.setattr(rooms, "SpoolFile", fails)
    node.given(1)
    (held,) = node.attempts.untold(0.0)
    assert held.end is not None
    assert (held.end.end, held.end.code) == (End.RETURNED, code)
    assert code in AILMENTS


def test_one_token_for_two_is_no_offer(node: Node) -> None:
    """An owner that mixes them up harms its own attempts alone."""
    node.seq += 1
    items = tuple(ReferenceItem(OWNERS[OWNER], digest_of(one), 9) for one in (b"a", b"b"))
    work = Work(OWNER, "match", "", items)
    node.attempts.assigned(Assign(node.seq, (work,), (assign_item(1),)))
    node.references.turn(0.0)
    (held,) = node.attempts.untold(0.0)
    assert held.end is not None
    assert held.end.end is End.RETURNED
