"""Who asks on the LAN where the broker is gets little, seldom, and never more than it sent."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker import beacon as wire
from pixmesh.broker.beacon import QUERY_BYTES, Beacon, Query, Rate, Reply

NONCE, KEY = bytes(range(8)), bytes(range(32))
names = st.text(min_size=1, max_size=80)


@given(names)
def test_no_reply_is_longer_than_its_query(name: str) -> None:
    query, reply = Query(NONCE, KEY, name), Reply(NONCE, KEY, 7710, 7711, name)
    assert len(query.pack()) == QUERY_BYTES >= len(reply.pack())


@given(st.from_regex(r"[a-z0-9.-]{1,63}", fullmatch=True))
def test_what_is_written_is_read(name: str) -> None:
    query, reply = Query(NONCE, KEY, name), Reply(NONCE, KEY, 7710, 7711, name)
    assert Query.read(query.pack()) == query
    assert Reply.read(reply.pack()) == reply


@given(st.binary(max_size=200), st.sampled_from([b"", b"PXMQ\x01", b"PXMR\x01"]))
def test_garbage_is_nothing_or_harmless(data: bytes, head: bytes) -> None:
    for one in (head + data, (head + data).ljust(QUERY_BYTES, b"\0"), (head + data)[:QUERY_BYTES]):
        query, reply = Query.read(one), Reply.read(one)
        assert query is None or (query.name.isprintable() and query.name)
        assert reply is None or (reply.name.isprintable() and reply.port)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\0",
        lambda data: data[:-1],
        lambda data: b"PXMX" + data[4:],
        lambda data: data[:4] + b"\x02" + data[5:],
        lambda data: data[:45].ljust(QUERY_BYTES, b"\0"),
        lambda data: data[:45] + b"\x1b[2J".ljust(QUERY_BYTES - 45, b"\0"),
    ],
)
def test_a_query_that_is_not_one_is_passed_over(change: object) -> None:
    assert callable(change)
    assert Query.read(change(Query(NONCE, KEY, "pi").pack())) is None


# ---- how many -----------------------------------------------------------------------------


def test_each_source_has_its_own_few_and_all_together_theirs() -> None:
    rate = Rate()
    assert sum(rate.allows("10.0.0.1", 0.0) for _ in range(100)) == wire.A_SECOND_EACH
    others = sum(rate.allows(f"10.0.0.{n}", 0.0) for n in range(2, 100) for _ in range(9))
    assert others == wire.A_SECOND - wire.A_SECOND_EACH


def test_a_flood_from_one_source_leaves_the_others_their_share() -> None:
    rate = Rate()
    for step in range(10_000):
        rate.allows("10.0.0.66", step / 1000)
        if step % 1000 == 999:
            assert rate.allows("10.0.0.7", step / 1000)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 2)), max_size=200))
def test_no_burst_passes_more_than_two_seconds_worth_in_a_second(
    steps: list[tuple[int, float]],
) -> None:
    rate, now, passed = Rate(), 0.0, list[tuple[float, int]]()
    for source, wait in steps:
        now += wait / 50
        if rate.allows(str(source), now):
            passed.append((now, source))
    for at, source in passed:
        window = [one for one in passed if at <= one[0] < at + 1]
        assert len(window) <= 2 * wire.A_SECOND
        assert sum(one[1] == source for one in window) <= 2 * wire.A_SECOND_EACH


def test_the_table_of_sources_is_bounded() -> None:
    rate = Rate()
    for number in range(10_000):
        rate.allows(str(number), number / 100)
        assert len(rate._sources) <= wire.MOST_SOURCES


# ---- a socket -----------------------------------------------------------------------------


class Socket:
    """A UDP socket in a test's hands."""

    def __init__(self, *came: tuple[bytes, str]) -> None:
        self.came = [(data, (host, 40_000)) for data, host in came]
        self.sent: list[tuple[bytes, tuple[str, int]]] = []

    def recvfrom(self, _size: int) -> tuple[bytes, tuple[str, int]]:
        if not self.came:
            raise BlockingIOError
        return self.came.pop(0)

    def sendto(self, data: bytes, to: tuple[str, int]) -> None:
        if to[0] == "unreachable":
            raise OSError
        self.sent.append((data, to))

    def close(self) -> None:
        """Be closed."""


@pytest.fixture
def heard() -> Iterator[tuple[Beacon, list[tuple[str, str]]]]:
    told: list[tuple[str, str]] = []
    one = Beacon(
        lambda nonce: Reply(nonce, KEY, 7710, 7711, "atlas"),
        lambda query, host: told.append((query.name, host)),
        ports=(),
    )
    yield one, told
    one.close()


def test_a_flood_costs_a_turn_so_many_datagrams_and_no_more(
    heard: tuple[Beacon, list[tuple[str, str]]],
) -> None:
    beacon, told = heard
    garbage = [(bytes([n % 256]) * QUERY_BYTES, f"10.0.0.{n}") for n in range(100)]
    flood = [(Query(NONCE, KEY, "x").pack(), "10.1.1.1")] * 1000
    one = Socket(*garbage, *flood, (Query(NONCE, KEY, "pi").pack(), "::ffff:10.0.0.7"))
    beacon._sockets = [one]  # type: ignore[list-item]
    beacon.hear(0.0)
    assert len(one.came) == 1101 - wire.AT_ONCE
    while one.came:
        beacon.hear(0.0)
    assert told == [("x", "10.1.1.1")] * 4 + [("pi", "10.0.0.7")]
    assert [to[0] for _, to in one.sent] == ["10.1.1.1"] * 4 + ["::ffff:10.0.0.7"]
    assert {data[5:13] for data, _ in one.sent} == {NONCE}


def test_who_cannot_be_answered_ends_nothing(heard: tuple[Beacon, list[tuple[str, str]]]) -> None:
    beacon, told = heard
    one = Socket((Query(NONCE, KEY, "pi").pack(), "unreachable"))
    beacon._sockets = [one]  # type: ignore[list-item]
    beacon.hear(0.0)
    assert told == [("pi", "unreachable")]
