"""Sessions are found by every way in, and the relay's memory is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker import relay
from pixmesh.broker.messages import MemberId
from pixmesh.broker.relay import Backlog
from pixmesh.broker.sessions import Route, Session, Sessions
from pixmesh.broker.sockets import Peer

from .records import NODE, OTHER, hello

RELAY = Peer(9, "10.0.0.7")


def session(member: MemberId, route: bytes, *, descriptor: int = 7, boot: int = 1) -> Session:
    said = hello("node", member.decode(), boot=boot)
    return Session(member, said, Route(0, route), Peer(descriptor, "10.0.0.7"), heard=0.0)


def test_a_session_is_found_by_member_route_and_descriptor() -> None:
    sessions, one = Sessions(), session(NODE, b"a")
    sessions.open(one)
    sessions.relayed(one, Route(0, b"r"), RELAY)
    assert sessions.by_member[NODE] is one
    assert sessions.by_control[Route(0, b"a")] is one
    assert sessions.by_descriptor[0, 7] is one
    assert sessions.by_relay[Route(0, b"r")] is one
    sessions.close(NODE)
    sessions.close(NODE)
    assert sessions == Sessions()


def test_the_same_process_on_another_connection_keeps_its_relay() -> None:
    sessions, first, second = Sessions(), session(NODE, b"a"), session(NODE, b"b", descriptor=8)
    sessions.open(first)
    sessions.relayed(first, Route(0, b"r"), RELAY)
    sessions.open(second)
    assert sessions.by_relay == {Route(0, b"r"): second}
    assert sessions.by_control == {Route(0, b"b"): second}
    assert sessions.by_descriptor == {(0, 8): second}


def test_another_process_does_not() -> None:
    sessions, first, second = Sessions(), session(NODE, b"a"), session(NODE, b"b", boot=2)
    sessions.open(first)
    sessions.relayed(first, Route(0, b"r"), RELAY)
    sessions.open(second)
    assert sessions.by_relay == {}
    assert second.relay is None


def test_only_another_process_with_the_same_key_is_a_rival() -> None:
    sessions, one = Sessions(), session(NODE, b"a")
    sessions.open(one)
    assert sessions.rival(NODE, one.hello) is None
    assert sessions.rival(OTHER, hello("node", "other", boot=2)) is None
    assert sessions.rival(NODE, hello("node", "n", boot=2)) is one
    assert sessions.rival(NODE, hello("owner", "n", boot=1)) is one


def test_who_is_asked_has_a_second_to_answer_and_is_asked_anew_later() -> None:
    one = session(NODE, b"a")
    one.heard = 9.9
    assert not one.asked_lately(10.0)
    one.asked = 10.0
    assert one.asked_lately(10.9)
    assert one.silent(10.9)
    assert not one.silent(11.0)
    assert not one.answered
    one.heard = 10.5
    assert one.answered
    assert not one.silent(10.6)
    assert not one.asked_lately(15.0)


def test_a_new_relay_connection_replaces_the_old() -> None:
    sessions, one = Sessions(), session(NODE, b"a")
    sessions.open(one)
    for route in (b"r", b"s"):
        sessions.relayed(one, Route(0, route), RELAY)
    assert sessions.by_relay == {Route(0, b"s"): one}


def test_a_route_taken_over_stays_with_the_one_who_has_it_now() -> None:
    sessions, first, second = Sessions(), session(NODE, b"a"), session(OTHER, b"a")
    for one in (first, second):
        sessions.open(one)
        sessions.relayed(one, Route(0, b"r"), RELAY)
    sessions.close(NODE)
    assert sessions.by_control == {Route(0, b"a"): second}
    assert sessions.by_relay == {Route(0, b"r"): second}
    assert sessions.by_descriptor == {(0, 7): second}


def test_what_waits_at_the_relay_leaves_in_order() -> None:
    backlog: Backlog[bytes] = Backlog()
    for number in range(3):
        backlog.put(NODE, [bytes([number])])
    assert backlog.blocked(NODE)
    assert not backlog.blocked(OTHER)
    left = []
    for member in backlog.members():
        left.append(backlog.first(member))
        while backlog.taken(member):
            left.append(backlog.first(member))
    assert left == [[b"\0"], [b"\1"], [b"\2"]]
    assert backlog == Backlog()


@given(
    st.lists(
        st.tuples(st.sampled_from([NODE, OTHER]), st.integers(0, 900), st.integers(0, 9)),
        max_size=60,
    )
)
def test_the_backlog_never_weighs_more_than_its_limit_and_always_adds_up(
    steps: list[tuple[MemberId, int, int]],
) -> None:
    backlog: Backlog[bytes] = Backlog()
    most = relay.MOST_BYTES
    relay.MOST_BYTES = 5000
    try:
        for member, size, what in steps:
            if what == 0:
                backlog.forget(member)
            elif what < 3 and backlog.blocked(member):
                backlog.taken(member)
            else:
                backlog.put(member, [bytes(size)])
            waiting = [one for queue in backlog.waiting.values() for one in queue]
            assert backlog.bytes == sum(relay.OVERHEAD + len(one[0]) for one in waiting)
            assert backlog.bytes <= 5000
    finally:
        relay.MOST_BYTES = most
    for member in (NODE, OTHER):
        backlog.forget(member)
    assert backlog.bytes == 0
