"""However many connect, few that have not spoken are borne, and none of those that have."""

import os
import socket
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker.sockets import Peer, hang_up, shut
from pixmesh.broker.strangers import MOMENT, Strangers

MOST = 3


def test_the_oldest_goes_when_one_too_many_came() -> None:
    strangers = Strangers(MOST)
    told = [strangers.came(number, number * MOMENT) for number in range(5)]
    assert told == [None, None, None, 0, 1]


def test_of_many_at_once_those_that_came_first_have_their_moment() -> None:
    strangers = Strangers(MOST)
    assert [strangers.came(number, 0.0) for number in range(5)] == [None, None, None, 3, 4]
    strangers.spoke(1)
    assert strangers.came(5, 0.1) is None
    assert strangers.came(6, MOMENT) == 0


def test_who_spoke_is_no_stranger_even_when_that_was_heard_first() -> None:
    strangers = Strangers(1)
    strangers.spoke(7)
    assert strangers.came(7, 0.0) is None
    assert strangers.came(8, 0.0) is None
    strangers.spoke(8)
    assert strangers.came(9, 0.0) is None
    assert len(strangers) == 1


def test_a_number_that_is_used_again_is_another_stranger() -> None:
    strangers = Strangers(1)
    strangers.spoke(7)
    strangers.gone(7)
    strangers.came(7, 0.0)
    assert strangers.came(8, MOMENT) == 7


@given(
    st.lists(
        st.tuples(st.sampled_from(["came", "spoke", "gone"]), st.integers(0, 9), st.floats(0, 2))
    )
)
def test_there_are_never_too_many_and_never_one_that_spoke(
    steps: list[tuple[str, int, float]],
) -> None:
    strangers, spoke, now = Strangers(MOST), set[int](), 0.0
    for what, number, wait in steps:
        now += wait
        if what == "came":
            assert strangers.came(number, now) not in spoke
        elif what == "spoke":
            strangers.spoke(number)
            spoke.add(number)
        else:
            strangers.gone(number)
            spoke.discard(number)
        assert len(strangers) <= MOST


def connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        return one, server.accept()[0]


def is_shut(other: socket.socket) -> bool:
    other.setblocking(False)
    try:
        return other.recv(1) == b""
    except BlockingIOError:
        return False


def test_a_connection_is_shut_by_its_number_and_only_where_it_leads() -> None:
    one, other = connected()
    with closing(one), closing(other):
        shut(Peer(one.fileno(), "10.0.0.9"))
        assert not is_shut(other)
        shut(Peer(one.fileno(), "127.0.0.1"))
        assert is_shut(other)
    one, other = connected()
    with closing(one), closing(other):
        hang_up(one.fileno())
        assert is_shut(other)


def test_a_number_that_is_no_connection_is_let_be() -> None:
    reading, writing = os.pipe()
    for descriptor in (reading, writing):
        hang_up(descriptor)
    os.write(writing, b"x")
    assert os.read(reading, 1) == b"x"
    os.close(reading)
    os.close(writing)
    hang_up(reading)
