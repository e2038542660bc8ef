"""Rows 25 and 26, and what a member with a key of its own can try against other members' work.

A job runs meanwhile, its slots held still in the middle; it ends with the right pixels.
"""

import contextlib
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from msgspec import structs

from pixmesh.broker import wire
from pixmesh.broker.horizon import LOOK_EVERY
from pixmesh.broker.keys import KeyPair, read_pair
from pixmesh.broker.members import MOST_KIN
from pixmesh.broker.messages import (
    Ask,
    Assign,
    Bye,
    Chunk,
    Drop,
    End,
    EndItem,
    Error,
    Get,
    HeldTask,
    Kind,
    MemberId,
    Phase,
    Result,
    Settled,
    State,
    Submit,
    TaskItem,
    Tell,
    Welcome,
)
from pixmesh.node.state import StateFolder
from pixmesh.ops.digest import digest_of
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.unit.tui.command import pixmesh

from .intruder import Intruder, code_of, connected, joins, let_in, ticket_for, told
from .siege import Siege, besieged
from .trial import Trial

LARGE = 256  # pixels that do not fit into a message: they have to be fetched
ORDERS = ("drain", "resume", "approve", "forget", "ticket-new", "ticket-list", "ticket-revoke")


@pytest.fixture
def mallory(siege: Siege) -> Iterator[Intruder]:
    with let_in(siege.mesh, siege.broker, "node", "submit") as one:
        yield one


def node_key(name: str) -> KeyPair:
    key = read_pair(StateFolder.open().keys, "node", name)
    assert key is not None
    return key


# ---- identity --------------------------------------------------------------------------------


def test_row25_P_a_second_process_with_a_nodes_key_is_refused_and_the_first_goes_on(
    siege: Siege,
) -> None:
    with connected(siege.mesh, siege.broker, node_key("calm")) as copy:
        for role in ("node", "owner"):

            def refused(role: str = role) -> bool:
                copy.says(copy.greeting(role, "calm"))
                return "duplicate" in map(code_of, copy.hears())

            eventually(refused, 10)
        copy.says(State())
        eventually(lambda: "no-session" in map(code_of, copy.hears()))
    siege.lifted()


def test_row26_P_a_member_that_claims_anothers_name_comes_in_under_its_own(
    siege: Siege, mallory: Intruder
) -> None:
    welcome = mallory.asks(mallory.greeting("node", "calm"))
    assert isinstance(welcome, Welcome)
    assert (welcome.name, welcome.member) == ("mallory", mallory.id)
    assert {view.name for view in siege.mesh.status().nodes} == {"calm", "mallory"}
    mallory.says(Bye())
    siege.lifted()


@pytest.mark.parametrize("role", ["node", pytest.param("owner", marks=pytest.mark.soak)])
def test_row26_P_a_member_that_claims_anothers_key_is_refused(
    siege: Siege, mallory: Intruder, role: str
) -> None:
    claim = structs.replace(mallory.greeting(role, "calm"), key=node_key("calm").raw)
    assert code_of(mallory.asks(claim)) == "identity"
    assert {view.name for view in siege.mesh.status().nodes} == {"calm"}
    siege.lifted()


def test_row26_P_the_relay_is_nobodys_but_the_keys_that_it_proved(
    siege: Siege, mallory: Intruder
) -> None:
    """Neither another's, with a session of one's own, nor one's own without."""
    own = mallory.greeting("owner")
    mallory.relay.send_multipart([b"", *wire.encode(own)])
    assert code_of(mallory.relayed()[1]) == "no-session"
    mallory.comes_in("owner")
    before = siege.mesh.status().refused
    claim = structs.replace(mallory.greeting("node", "calm"), key=node_key("calm").raw)
    mallory.relay.send_multipart([b"", *wire.encode(claim)])
    eventually(lambda: siege.mesh.status().refused == before + 1)
    assert not mallory.relay.poll(0)
    mallory.says(Bye())
    siege.lifted()


# ---- pixels ----------------------------------------------------------------------------------


@pytest.fixture
def gallery(trial: Trial) -> Iterator[Siege]:
    """A siege of pictures that nodes have to fetch."""
    with besieged(trial, pictures=16, side=LARGE) as siege:
        yield siege


def test_pixels_leave_an_owner_for_the_right_token_alone_and_not_after_the_outcome(
    gallery: Siege,
) -> None:
    with let_in(gallery.mesh, gallery.broker, "node") as mallory:
        mallory.comes_in("node", slots=1)
        given = mallory.is_given()
        mine = given.attempts[0]
        owner, token = MemberId(given.works[mine.work].owner), mine.task.token
        calm = node_key("calm").member
        others = [int(str(one["attempt"])) for one in gallery.job.facts("given")]
        guesses = [Get(bytes(16), 0, 1), Get(token[:15] + b"\0", 0, 1), Get(token, 0, 1, 7)]
        for guess in [*guesses, Get(token, mine.task.size, 1)]:
            assert code_of(mallory.tells(owner, guess)) == "gone", guess
        for attempt in (0, 7, *others):
            assert code_of(mallory.tells(calm, Get(token, 0, 1, attempt))) == "gone"
        assert isinstance(mallory.tells(owner, Get(token, 0, 1)), Chunk)
        _gives_back(mallory, gallery, given)
        for slot in gallery.slots:
            slot.resume()

        def is_gone() -> bool:
            return code_of(mallory.tells(owner, Get(token, 0, 1))) == "gone"

        eventually(is_gone, 20)
        assert not gallery.run.ended
        mallory.says(Bye())
    gallery.lifted()


def _gives_back(mallory: Intruder, siege: Siege, first: Assign) -> None:
    """Have another node do what it was given, and want nothing more."""
    mallory.says(State(ready=0))
    back, owner = [*first.attempts], first.works[0].owner

    def holds_nothing() -> bool:
        for one in mallory.hears():
            back.extend(one.attempts if isinstance(one, Assign) else ())
        for item in back:
            lack = EndItem(item.attempt, item.task.id, owner, End.RETURNED)
            mallory.says(Result((structs.replace(lack, code="dropped"),)))
        view = siege.mesh.node_view("mallory")
        return view is not None and view.held == 0

    eventually(holds_nothing, 10)


# ---- others' work ----------------------------------------------------------------------------


def under_way(siege: Siege, node: MemberId) -> list[tuple[int, bytes, bytes]]:
    """Return attempt, task and owner of all that a node was given: more than others know."""
    given = [one for one in siege.job.facts("assigned") if one["node"] == node.hex()]
    return [
        (
            int(str(one["attempt"])),
            bytes.fromhex(str(one["task"])),
            bytes.fromhex(str(one["owner"])),
        )
        for one in given
    ]


def all_tasks(siege: Siege) -> list[bytes]:
    return [bytes.fromhex(str(fact["task"])) for fact in siege.job.facts("accepted")]


def test_a_node_cannot_end_what_it_was_not_given(siege: Siege) -> None:
    """Not others' attempts, and not by attempts that it makes up, in RESULT or in HELLO."""
    with let_in(siege.mesh, siege.broker, "node") as mallory:
        mallory.comes_in("node", slots=1)
        mallory.is_given()
        victims = under_way(siege, node_key("calm").member)
        owner = victims[0][2]
        black = cv2.imencode(".png", np.zeros((24, 24), np.uint8))[1].tobytes()
        digest = digest_of(black)
        lie = EndItem(0, bytes(16), owner, End.DONE, 0.1, len(black), digest, "png", inline=black)
        forged = [
            structs.replace(lie, attempt=attempt, task=task, end=end)
            for attempt, task, _ in victims
            for end in End
        ]
        forged += [
            structs.replace(lie, attempt=4711 + number, task=task)
            for number, task in enumerate(all_tasks(siege))
        ]
        mallory.says(*(Result((one,)) for one in forged))
        held = tuple(
            HeldTask(99 + number, Phase.RUNNING, task, owner, 0.1, 0)
            for number, task in enumerate(all_tasks(siege))
        )
        mallory.says(structs.replace(mallory.greeting("node"), held=held), State(ready=0))
        mallory.says(Ask("status"))
        eventually(lambda: [one for one in mallory.hears() if isinstance(one, Tell)])
        assert not siege.run.ended
        mallory.says(Bye())
    siege.lifted()


def test_an_owner_cannot_cancel_settle_or_replace_another_owners_tasks(siege: Siege) -> None:
    with let_in(siege.mesh, siege.broker, "submit") as mallory:
        mallory.comes_in("owner")
        victims = under_way(siege, node_key("calm").member)
        attempts = tuple(attempt for attempt, _, _ in victims)
        tasks = tuple(all_tasks(siege))
        items = tuple(TaskItem(task, bytes(16), 1, bytes(32), 1e-6, 1, b"x") for task in tasks)
        mine = Submit(1, 1, "faulty nap=0", "{}", items, ("faulty",), 100, restart=True)
        lies = tuple(
            EndItem(attempt, task, owner, End.FAILED, code="lie", reason="as I say")
            for attempt, task, owner in victims
        )
        for unstarted in (True, False):
            mallory.says(Drop(attempts, tasks, unstarted=unstarted), Settled(attempts))
            mallory.says(Result(lies), mine)
        mallory.says(Drop(attempts, tasks), Ask("status"))
        eventually(lambda: [one for one in mallory.hears() if isinstance(one, Tell)])
        assert not siege.run.ended
        mallory.says(Bye())
    siege.lifted()


# ---- roles -----------------------------------------------------------------------------------


def test_who_has_no_admin_role_orders_nothing(siege: Siege, mallory: Intruder) -> None:
    roll = StateFolder.open().roll.read_bytes()
    for session in (False, True):
        if session:
            mallory.comes_in("owner")
            mallory.hears()
        for what in ORDERS:
            for about in ("calm", "mallory", ""):
                assert mallory.order(what, about) == "not-allowed", what
    assert StateFolder.open().roll.read_bytes() == roll
    assert [view.state for view in siege.mesh.status().nodes] == ["working"]
    mallory.says(Bye())
    siege.lifted()


def test_a_tickets_key_joins_and_does_nothing_else(siege: Siege) -> None:
    ticket = ticket_for(siege.mesh, "node", "submit", "admin")
    roll = StateFolder.open().roll.read_bytes()
    with connected(siege.mesh, siege.broker, ticket.key) as holder:
        for what in ("status", "why", "retry", *ORDERS):
            assert holder.order(what, "calm") == "not-allowed", what
        for role in ("node", "owner"):
            assert code_of(holder.asks(holder.greeting(role))) == "forgotten"
        for message in (State(), Bye(), Drop(tasks=(bytes(16),))):
            assert code_of(holder.asks(message)) == "no-session"
        holder.relay.send_multipart([b"", *wire.encode(holder.greeting("owner"))])
        assert code_of(holder.relayed()[1]) == "no-session"
        holder.relay.send_multipart([bytes(8), *wire.encode(Get(bytes(16), 0, 1))])
        assert code_of(holder.relayed()[1]) == "no-session"
    assert StateFolder.open().roll.read_bytes() == roll
    assert isinstance(joins(siege.mesh, ticket, KeyPair.fresh()), Tell)
    siege.lifted()


@pytest.mark.parametrize(("has", "wants"), [("node", "owner"), ("submit", "node")])
def test_a_key_comes_in_as_its_role_and_as_no_other(siege: Siege, has: str, wants: str) -> None:
    with let_in(siege.mesh, siege.broker, has) as one:
        assert code_of(one.asks(one.greeting(wants))) == "role"
    siege.lifted()


def test_a_member_learns_nobodys_keys_by_asking(siege: Siege, mallory: Intruder) -> None:
    secrets = [node_key("calm").raw, node_key("calm").public, node_key("calm").secret]
    for question in (Ask("status"), Ask("why", "p0000.png")):
        answer = mallory.asks(question)
        assert told(answer)
        assert isinstance(answer, Tell)
        assert [one for one in secrets if one in answer.body] == []
    siege.lifted()


def test_a_node_whose_work_takes_no_time_does_not_end_the_broker(siege: Siege) -> None:
    """Its own tasks, honestly given, dishonestly timed, until the queue was looked at twice."""
    with (
        let_in(siege.mesh, siege.broker, "submit", name="patron") as owner,
        let_in(siege.mesh, siege.broker, "node", name="flash") as node,
    ):
        owner.comes_in("owner")
        node.asks(structs.replace(node.greeting("node", slots=1), has=("flash",)))
        asks = [Submit(n, 1, "flash", "{}", _many(n), ("flash",), 1) for n in range(1, 21)]
        owner.says(*asks)
        node.says(State(ready=1))
        until = time.monotonic() + 2 * LOOK_EVERY

        def looked_twice() -> bool:
            for one in node.hears():
                if isinstance(one, Assign):
                    node.says(*_in_no_time(one), State(ready=1))
            return time.monotonic() > until

        eventually(looked_twice, 20, longest_pause=0.01)
        assert not siege.broker.ended, siege.broker.said()
        view = siege.mesh.node_view("flash")
        assert view is not None
        node.says(Bye())
        owner.says(Bye())
    siege.lifted()


def _many(page: int) -> tuple[TaskItem, ...]:
    numbers = range(page * 500, (page + 1) * 500)
    return tuple(
        TaskItem(one.to_bytes(16, "big"), bytes(16), 1, bytes(32), 1.0, 1, b"x") for one in numbers
    )


def _in_no_time(given: Assign) -> Iterator[Result]:
    for one in given.attempts:
        owner = given.works[one.work].owner
        end = EndItem(one.attempt, one.task.id, owner, End.DONE, 0.0, 1, bytes(32), inline=b"x")
        yield Result((end,))


# ---- many ------------------------------------------------------------------------------------


def test_members_of_many_long_names_do_not_end_the_broker_when_one_is_mistyped(
    siege: Siege,
) -> None:
    """A refusal that names them all would fit into no message."""
    for first in ("one", "two", "three"):
        with let_in(siege.mesh, siege.broker, "node", name=first) as member:
            for number in range(MOST_KIN):
                kin = f"{first}-{number}".ljust(63, "x")
                assert told(member.asks(Ask("join", kin, key=KeyPair.fresh().raw)))
    done = pixmesh("nodes", "forget", "typo", folder=siege.mesh.folder)
    assert done.code == 2, done.err
    assert "no member is called 'typo'" in done.err
    assert "more" in done.err
    siege.lifted()


# ---- messages that are none --------------------------------------------------------------------


def test_nested_and_oversized_questions_are_counted_and_answered(siege: Siege) -> None:
    """From a member, and from a ticket's key."""
    ticket = ticket_for(siege.mesh)
    before = siege.mesh.status().malformed
    count = 0
    with contextlib.ExitStack() as stack:
        keys = [ticket.key, KeyPair.fresh()]
        assert isinstance(joins(siege.mesh, ticket, keys[1]), Tell)
        for key in keys:
            one = stack.enter_context(connected(siege.mesh, siege.broker, key))
            for frames in _bad_questions():
                reply = one.sends(frames)
                assert isinstance(reply, Error)
                assert reply.code in {"malformed", "too-long", "frame-count"}
                count += 1
            assert not one.control.poll(0)
    assert siege.mesh.status().malformed - before == count
    siege.lifted()


def _bad_questions() -> Iterator[list[bytes]]:
    """Yield ASKs that are none, one in each way."""
    import msgpack

    head = wire.PREFIXES[Kind.ASK]
    nested: object = 1
    for _ in range(500):
        nested = [nested]
    deep = b"\x91" * 4000
    fields = [{"what": 7}, {"what": "x" * 65}, {"what": "join", "about": "x" * 257}]
    fields += [{"what": "join", "key": bytes(size)} for size in (0, 31, 33, 4000)]
    fields += [{"what": "join", "key": nested}, {"what": "ticket-new", "terms": nested}]
    fields += [{"what": "ticket-new", "terms": {"uses": -1}}, {"what": "x", "terms": {"roles": 1}}]
    fields += [{"what": "x", "terms": {"uses": 2**48 + 1}}, {"what": "x", "terms": {"seconds": -1}}]
    fields += [{"what": "x", "terms": {"roles": ["y" * 65]}}, {"about": "x"}]
    yield from ([head + msgpack.packb(one)] for one in fields)
    yield [head + msgpack.packb({"what": "x"})[:-1]]
    for field in (b"key", b"terms", b"about", b"other"):
        yield [head + b"\x82\xa4what\xa1x" + bytes([0xA0 + len(field)]) + field + deep]
    yield [head + bytes(wire.SHORT_LIMIT + 1)]
    yield [head + bytes(wire.LIST_LIMIT)]
    yield [head + msgpack.packb({"what": "status"}), b"", b""]
