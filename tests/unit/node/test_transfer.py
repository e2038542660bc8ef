"""Transfers: under credit, in order, resumed where they stopped, given up only when hopeless."""

import errno
from random import Random
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixmesh.broker.messages import CHUNK_BYTES, Chunk, Error, Get, MemberId, Message
from pixmesh.broker.wire import Buffer
from pixmesh.node.net.chunks import Gone, Key, Receiver, Sender
from pixmesh.node.net.connection import Connection
from pixmesh.node.net.transfer import (
    CREDIT,
    MOST_GRANTED,
    MOST_TRIES,
    PATIENCE,
    Fetch,
    Serving,
)

TOKEN = bytes(16)
A, B = MemberId(b"a......."), MemberId(b"b.......")


def fetch(size: int) -> Fetch:
    return Fetch(token=TOKEN, attempt=1, size=size, heard=0.0)


def lengths(size: int) -> list[tuple[int, int]]:
    """Return the chunks of a transfer: offset and length."""
    return [(at, min(CHUNK_BYTES, size - at)) for at in range(0, size, CHUNK_BYTES)]


# ---- the receiving end ----------------------------------------------------------------


def test_credit_is_given_again_when_half_of_it_is_used() -> None:
    one = fetch(10 * CHUNK_BYTES)
    assert one.begin(0.0) == Get(token=TOKEN, attempt=1, offset=0, credit=CREDIT)
    assert one.accept(0, CHUNK_BYTES, 0.0)
    assert one.more() is None
    assert one.accept(CHUNK_BYTES, CHUNK_BYTES, 0.0)
    more = one.more()
    assert more is not None
    assert (more.offset, more.credit) == (CREDIT * CHUNK_BYTES, CREDIT // 2)


@pytest.mark.parametrize(
    ("offset", "length"),
    [(CHUNK_BYTES, CHUNK_BYTES), (0, 5), (0, 0), (1, CHUNK_BYTES), (0, CHUNK_BYTES + 1)],
)
def test_only_the_next_chunk_is_taken(offset: int, length: int) -> None:
    one = fetch(3 * CHUNK_BYTES)
    one.begin(0.0)
    assert not one.accept(offset, length, 1.0)
    assert (one.reached, one.heard) == (0, 0.0)


def test_a_chunk_that_comes_twice_is_taken_once_and_none_behind_the_end() -> None:
    one = fetch(CHUNK_BYTES + 7)
    one.begin(0.0)
    assert one.accept(0, CHUNK_BYTES, 0.0)
    assert not one.accept(0, CHUNK_BYTES, 0.0)
    assert one.accept(CHUNK_BYTES, 7, 0.0)
    assert one.complete
    assert not one.accept(CHUNK_BYTES + 7, 0, 0.0)


def test_asking_again_resumes_at_the_offset_reached() -> None:
    one = fetch(5 * CHUNK_BYTES)
    one.begin(0.0)
    one.accept(0, CHUNK_BYTES, 1.0)
    assert not one.overdue(1.0 + PATIENCE - 0.01)
    assert one.overdue(1.0 + PATIENCE)
    assert one.begin(3.0).offset == CHUNK_BYTES


def test_only_tries_in_vain_make_it_hopeless() -> None:
    one = fetch(2 * CHUNK_BYTES)
    for _ in range(MOST_TRIES):
        one.begin(0.0)
    one.accept(0, CHUNK_BYTES, 0.0)
    for _ in range(MOST_TRIES):
        one.begin(0.0)
        assert not one.hopeless
    one.begin(0.0)
    assert one.hopeless


# ---- the sending end ------------------------------------------------------------------


def test_receivers_take_turns() -> None:
    serving = Serving()
    for member in (A, B):
        serving.grant(member, Get(token=TOKEN, offset=0, credit=2))
    order = []
    while (one := serving.next()) is not None:
        order.append((one.to, one.offset))
        serving.sent(CHUNK_BYTES)
    assert order == [(A, 0), (B, 0), (A, CHUNK_BYTES), (B, CHUNK_BYTES)]


def test_more_credit_lengthens_and_another_offset_replaces() -> None:
    serving = Serving()
    serving.grant(A, Get(token=TOKEN, offset=0, credit=2))
    serving.grant(A, Get(token=TOKEN, offset=2 * CHUNK_BYTES, credit=3))
    one = serving.next()
    assert one is not None
    assert (one.offset, one.left) == (0, 5)
    serving.grant(A, Get(token=TOKEN, offset=CHUNK_BYTES, credit=1))
    assert (one.offset, one.left) == (CHUNK_BYTES, 1)
    assert len(serving.granted) == 1


def test_a_short_chunk_ends_the_transfer() -> None:
    serving = Serving()
    serving.grant(A, Get(token=TOKEN, offset=0, credit=4))
    serving.sent(5)
    assert serving.next() is None


@settings(max_examples=40)
@given(st.integers(1, 12 * CHUNK_BYTES), st.integers(0, 2**32), st.sampled_from([0.0, 0.2, 0.5]))
def test_every_byte_comes_once_and_credit_is_kept_whatever_is_lost_or_out_of_order(
    size: int, seed: int, worst: float
) -> None:
    random = Random(seed)
    one, serving, got = fetch(size), Serving(), []
    now, way, granted = 0.0, [], 0
    get: Get | None = one.begin(now)
    while not one.complete:
        if get is not None and random.random() >= worst:
            granted = max(granted, get.offset + get.credit * CHUNK_BYTES)
            serving.grant(A, get)
            if random.random() < worst:
                serving.grant(A, get)
        while (next_ := serving.next()) is not None and next_.offset < size:
            length = min(CHUNK_BYTES, size - next_.offset)
            assert next_.offset < granted
            way.append((next_.offset, length))
            serving.sent(length)
        while serving.next() is not None:
            serving.refuse()
        if worst and random.random() < 0.5:
            random.shuffle(way)
        get = None
        for chunk in way:
            if random.random() >= worst and one.accept(*chunk, now):
                got.append(chunk)
                get = one.more() or get
        way = [chunk for chunk in way if random.random() < worst / 2]
        if get is None and not one.complete:
            now += PATIENCE
            assert one.overdue(now)
            get = one.begin(now)
        assert one.asked - one.reached <= CREDIT * CHUNK_BYTES
    assert got == lengths(size)


def test_whoever_asks_for_whatever_is_noted_so_often_and_no_more() -> None:
    serving = Serving()
    for number in range(MOST_GRANTED + 2):
        serving.grant(A, Get(token=number.to_bytes(16, "big"), offset=0, credit=1))
    assert len(serving.granted) == MOST_GRANTED
    serving.sent(0)
    serving.grant(B, Get(token=TOKEN, offset=0, credit=1))
    assert serving.granted[-1].to == B


# ---- both, over a way that may be full ------------------------------------------------


class Way:
    """Stands in for a Connection: keeps what was sent, or takes nothing."""

    def __init__(self) -> None:
        self.full = False
        self.sent: list[tuple[Message, Buffer | None]] = []

    def send_to(self, _to: MemberId, message: Message, payload: Buffer | None = None) -> bool:
        if not self.full:
            self.sent.append((message, payload))
        return not self.full


class Memory:
    def __init__(self, *, full: bool = False) -> None:
        self.data = bytearray()
        self.full = full

    def write(self, offset: int, data: Buffer) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.data[offset : offset + len(data)] = data


class Ends:
    """A receiver, and what became of its one transfer."""

    def __init__(self, size: int, *, full_disk: bool = False) -> None:
        self.way, self.sink = Way(), Memory(full=full_disk)
        self.done: list[Key] = []
        self.failed: list[str] = []
        way = cast(Connection, self.way)
        self.receiver = Receiver(way, self.done.append, lambda _key, why: self.failed.append(why))
        self.size = size

    def begin(self, now: float = 0.0) -> None:
        self.receiver.fetch(A, fetch(self.size), self.sink, now)

    def chunk(self, offset: int, data: bytes, source: MemberId = A) -> None:
        self.receiver.take(source, Chunk(token=TOKEN, attempt=1, offset=offset), data, 0.0)


def test_what_arrives_is_written_and_done_is_said_once() -> None:
    ends = Ends(5)
    ends.begin()
    ends.chunk(0, b"hello")
    ends.chunk(0, b"again")
    assert (bytes(ends.sink.data), ends.done, ends.failed) == (b"hello", [(TOKEN, 1)], [])


def test_a_full_disk_ends_the_transfer() -> None:
    ends = Ends(5, full_disk=True)
    ends.begin()
    ends.chunk(0, b"hello")
    assert ends.failed == ["it cannot be stored: No space left on device"]
    assert ends.receiver.incoming == {}


def test_a_sender_that_has_nothing_ends_the_transfer_and_a_stranger_does_not() -> None:
    ends = Ends(5)
    ends.begin()
    ends.receiver.refused(A, Error(code="gone", text="gone", token=TOKEN, attempt=2))
    ends.receiver.refused(A, Error(code="gone", text="gone"))
    assert ends.failed == []
    ends.receiver.refused(A, Error(code="gone", text="it left", token=TOKEN, attempt=1))
    assert ends.failed == ["it left"]


def test_who_was_not_asked_sends_nothing_and_refuses_nothing() -> None:
    """Others may know the token: whoever was given the same task."""
    ends = Ends(5)
    ends.begin()
    for other in (B, None):
        ends.receiver.refused(other, Error(code="gone", text="no", token=TOKEN, attempt=1))
    ends.chunk(0, b"wrong", B)
    ends.chunk(0, b"hello")
    assert (bytes(ends.sink.data), ends.done, ends.failed) == (b"hello", [(TOKEN, 1)], [])


def test_silence_is_asked_again_and_given_up() -> None:
    ends = Ends(5)
    ends.begin()
    for turn in range(1, 100):
        ends.receiver.tick(turn * PATIENCE)
    assert len(ends.way.sent) == 1 + MOST_TRIES
    assert ends.failed == [f"no answer in {1 + MOST_TRIES} tries"]


def test_a_way_that_is_full_for_a_minute_gives_nothing_up() -> None:
    ends = Ends(5)
    ends.way.full = True
    ends.begin()
    for turn in range(6000):
        ends.receiver.tick(turn * 0.01)
    assert ends.failed == []
    ends.way.full = False
    ends.receiver.tick(61.0)
    assert len(ends.way.sent) == 1


def test_a_transfer_cancelled_takes_nothing() -> None:
    ends = Ends(5)
    ends.begin()
    ends.receiver.cancel((TOKEN, 1))
    ends.chunk(0, b"hello")
    assert (ends.done, bytes(ends.sink.data)) == ([], b"")


def sender(way: Way, pixels: dict[Key, bytes]) -> Sender:
    def read(key: Key, offset: int, length: int) -> bytes:
        if key not in pixels:
            raise Gone("no such pixels")
        return pixels[key][offset : offset + length]

    return Sender(cast(Connection, way), read)


def test_a_sender_sends_no_more_than_its_credit_and_goes_on_when_the_way_is_free() -> None:
    way = Way()
    one = sender(way, {(TOKEN, 0): bytes(3 * CHUNK_BYTES)})
    one.serving.grant(A, Get(token=TOKEN, offset=0, credit=2))
    way.full = True
    one.pump()
    assert one.waiting
    way.full = False
    one.pump()
    offsets = [said.offset for said, _ in way.sent if isinstance(said, Chunk)]
    assert offsets == [0, CHUNK_BYTES]
    assert not one.waiting


def test_a_sender_says_what_is_gone_and_serves_the_others() -> None:
    way = Way()
    one = sender(way, {(TOKEN, 2): b"pixels"})
    for attempt in (1, 2):
        one.serving.grant(A, Get(token=TOKEN, attempt=attempt, offset=0, credit=1))
    one.serving.grant(B, Get(token=TOKEN, attempt=2, offset=6, credit=1))
    one.pump()
    (error, _), (chunk, data), (beyond, _) = way.sent
    assert isinstance(error, Error)
    assert (error.code, error.token, error.attempt) == ("gone", TOKEN, 1)
    assert isinstance(chunk, Chunk)
    assert data == b"pixels"
    assert isinstance(beyond, Error)
    assert (beyond.code, beyond.text) == ("gone", "it ends at 6 bytes")


def test_a_sender_that_has_less_than_was_promised_is_given_up_at_once() -> None:
    way = Way()
    failed: dict[Key, str] = {}
    receiver = Receiver(cast(Connection, way), lambda _key: None, failed.__setitem__)
    fetch = Fetch(token=TOKEN, attempt=3, size=2 * CHUNK_BYTES, heard=0.0)
    receiver.fetch(A, fetch, Memory(), 0.0)
    receiver.take(A, Chunk(TOKEN, 0, 3), bytes(CHUNK_BYTES), 0.0)
    receiver.take(A, Chunk(TOKEN, 0, 3), bytes(CHUNK_BYTES), 0.0)
    assert failed == {}
    receiver.take(A, Chunk(TOKEN, CHUNK_BYTES, 3), bytes(5), 0.0)
    assert failed == {(TOKEN, 3): f"it ends at {CHUNK_BYTES + 5} of {2 * CHUNK_BYTES} bytes"}
