"""Names, labels and reasons that others choose: no path, no escape, no line of its own.

What comes in under a bad name is refused; what must be shown is shown harmlessly; and nothing
is written but where the state folder is, whatever anybody is called.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from pixmesh.broker import wire
from pixmesh.broker.beacon import Query
from pixmesh.broker.keys import KeyPair, published
from pixmesh.broker.messages import (
    Ask,
    Bye,
    End,
    EndItem,
    Error,
    Hello,
    Result,
    State,
    Submit,
    TaskItem,
    Tell,
)
from pixmesh.node.state import StateFolder
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.unit.tui.command import pixmesh

from .hostile import answer, dealer
from .intruder import Intruder, code_of, joins, let_in, ticket_for

BAD_NAMES = (
    *(
        "../../escaped",
        "..",
        "/escaped",
        "a/../../escaped",
        "C:\\escaped",
        "a\0b",
        "a\nb",
        "x" * 64,
    ),
    *("\x1b[2J\x1b[1;1Hgone", "\x9b2J", "a\rb", "\u202etxt.exe", "a\u200db", "\u3164", ""),
)
GOOD_NAMES = ("CON", "NUL.txt", "x" * 63)
HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\nnodes: 0\u202e\x9b31m../../escaped"


@pytest.fixture
def talkative(mesh: RealMesh) -> Member:
    """A broker that tells everything."""
    return mesh.ready(mesh.start("broker", "--port", "0", "-vv"), "pixmesh broker at ")


@pytest.fixture(autouse=True)
def nothing_escapes(tmp_path: Path, state_folder: Path) -> Iterator[None]:
    """Fail the test after which a file lies where none may."""
    yield
    around = [*tmp_path.parent.rglob("*escaped*"), *state_folder.parent.rglob("*escaped*")]
    around += [*Path("/").glob("*escaped*"), *state_folder.rglob("*\n*")]
    assert around == []


def harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def test_a_name_that_is_none_comes_in_by_no_door(mesh: RealMesh, talkative: Member) -> None:
    with let_in(mesh, talkative, "node", "submit") as one, published(mesh.state().keys) as key:
        with dealer(mesh.way().first.control) as local:
            for name in BAD_NAMES:
                for role in ("node", "owner"):
                    said = Hello(role, name, key.raw, bytes(8), 1, 1)
                    local.send_multipart(wire.encode(said))
                    refused = answer(local)
                    network = one.asks(one.greeting(role, name))
                    for reply in (refused, network):
                        assert isinstance(reply, Error)
                        assert reply.code == "name", name
                        assert harmless(reply.text + reply.remedy)
        strange = structs.replace(one.greeting("node"), role=HOSTILE[:60])
        assert code_of(one.asks(strange)) == "role"
    assert mesh.status().nodes == ()
    assert harmless(talkative.said()), talkative.said()


def test_a_name_that_is_none_joins_by_no_ticket(mesh: RealMesh, talkative: Member) -> None:
    ticket = ticket_for(mesh, "node", uses=5)
    for name in BAD_NAMES:
        reply = joins(mesh, ticket, KeyPair.fresh(), name)
        assert isinstance(reply, Error)
        assert reply.code == "name"
        assert harmless(reply.text)
    for name in GOOD_NAMES:
        assert isinstance(joins(mesh, ticket, KeyPair.fresh(), name), Tell)
    assert {one.name for one in mesh.status().members} == set(GOOD_NAMES)
    assert harmless(talkative.said()), talkative.said()


def test_orders_about_what_is_no_name_are_refused_in_words(
    mesh: RealMesh, talkative: Member
) -> None:
    for what in ("drain", "resume", "approve", "forget", "ticket-revoke", "retry"):
        for name in (*BAD_NAMES, "x" * 256):
            with dealer(mesh.way().first.control) as local:
                local.send_multipart(wire.encode(Ask(what, name)))
                reply = answer(local)
                assert isinstance(reply, Error)
                assert reply.code == "refused"
    done = pixmesh("nodes", "forget", HOSTILE[:20], folder=mesh.folder)
    assert done.code == 2
    assert harmless(done.err)
    assert harmless(talkative.said()), talkative.said()


def test_what_members_call_their_work_is_shown_harmlessly(
    mesh: RealMesh, talkative: Member
) -> None:
    """A label, a recipe, a picture's name, an operation; a node's reasons, and its machine."""
    with let_in(mesh, talkative, "node", "submit") as owner:
        owner.comes_in("owner")
        owner.says(_work(1, ("faulty",)), _work(2, (HOSTILE[:60],)))
        with let_in(mesh, talkative, "node", "submit", name="evil") as node:
            _refuses_everything(node)
            for words in (("status",), ("nodes", "list"), ("why", HOSTILE), ("why", "01" * 8)):
                done = pixmesh(*words, folder=mesh.folder)
                assert "Traceback" not in done.err
                assert harmless(done.out + done.err), done
                assert "\\x1b" in done.out or words == ("why", HOSTILE), done
            node.says(Bye())
        owner.says(Bye())
    assert harmless(talkative.said()), talkative.said()


def _work(number: int, needs: tuple[str, ...]) -> Submit:
    task = TaskItem(bytes([number]) * 16, bytes(16), 1, bytes(32), 1.0, 1, b"x", name=HOSTILE)
    return Submit(number, number, HOSTILE, HOSTILE, (task,), needs, label=HOSTILE)


def _refuses_everything(node: Intruder) -> None:
    """Give back each task for a reason of its own, until the broker lets it rest."""
    hello = structs.replace(node.greeting("node", slots=1), host=HOSTILE[:60], numeric=HOSTILE)
    node.asks(hello)
    for _ in range(3):
        given = node.is_given()
        for item in given.attempts:
            owner = given.works[item.work].owner
            end = EndItem(item.attempt, item.task.id, owner, End.RETURNED, code="disk-full")
            node.says(Result((structs.replace(end, reason=HOSTILE),)), State(ready=1))


def test_who_asks_on_the_lan_under_no_name_is_nobody() -> None:
    for name in BAD_NAMES:
        query = Query.read(Query(bytes(8), bytes(32), name).pack())
        assert query is None or harmless(query.name)


def test_a_state_folder_has_what_a_broker_and_its_members_write_and_nothing_else(
    mesh: RealMesh, talkative: Member
) -> None:
    with let_in(mesh, talkative, "node", name="NUL.txt") as one:
        one.comes_in("node")
        one.says(Bye())
    eventually(lambda: not mesh.status().nodes)
    state = StateFolder.open()
    names = {path.relative_to(state.root).parts[0] for path in state.root.rglob("*")}
    assert names <= {"keys", "run", "broker.json", "members.json", "lock", "ledger.sqlite"}, names
