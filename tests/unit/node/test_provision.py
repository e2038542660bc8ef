"""A node's weights: lent by their digest, borrowed from who has them, else from the web."""

import contextlib
import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from pixmesh.broker.messages import CHUNK_BYTES, Chunk, Error, Get, MemberId
from pixmesh.node.net.chunks import Gone
from pixmesh.node.provision import TOKEN_BYTES, Provision
from pixmesh.node.weights import WeightsCache
from pixmesh.tests.support.eventually import eventually

from .test_weights import CONTENT, Shop, cache_of

HOLDER, OTHER = MemberId(b"holder.."), MemberId(b"other...")


@dataclass(slots=True)
class Way:
    """A node's way to the others: what it asks is kept."""

    asked: "queue.SimpleQueue[Get]" = field(default_factory=queue.SimpleQueue)

    def send_to(self, member: MemberId, message: Get, _payload: bytes | None = None) -> bool:
        assert member == HOLDER
        self.asked.put(message)
        return True


Start = Callable[[WeightsCache, Way], Provision]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start nodes' provisions; they end with the test."""
    with contextlib.ExitStack() as stack:

        def started(cache: WeightsCache, way: Way) -> Provision:
            one = Provision(cache, cast(Any, way), lambda: None)
            one.start()
            stack.callback(one.close)
            return one

        yield started


def serve(borrower: Provision, lender: Callable[[Get], bytes], way: Way) -> None:
    """Turn the borrower's loop, and answer what it asks, until it asks no more."""
    for turn in range(10_000):
        borrower.tick(float(turn) / 1000)
        if not borrower.pulling:
            return
        try:
            get = way.asked.get(timeout=0.05)
        except queue.Empty:
            continue
        for number in range(get.credit):
            offset = get.offset + number * CHUNK_BYTES
            data = lender(Get(get.token, offset, 1, get.attempt))
            if data:
                borrower.take(HOLDER, Chunk(get.token, offset, get.attempt), data, 0.0)


@pytest.fixture
def shop() -> Shop:
    """Nothing is sold on the web: the port is closed."""
    return Shop({"a.bin": CONTENT, "b.bin": b"b" * 1000}, port=9)


def holder(shop: Shop, folder: Path, start: Start) -> Provision:
    cache = cache_of(shop, folder)
    place = cache.folder / "toy"
    place.mkdir(parents=True)
    for name, content in shop.files.items():
        (place / name).write_bytes(content)
    one = start(cache, Way())
    eventually(lambda: one.here == {"toy"})
    return one


def test_what_one_has_the_other_borrows_and_lends_on(
    shop: Shop, tmp_path: Path, start: Start
) -> None:
    lender, way = holder(shop, tmp_path / "lender", start), Way()
    borrower = start(cache_of(shop, tmp_path / "borrower"), way)
    borrower.sent_for("toy", HOLDER)
    eventually(lambda: bool(borrower.pulling))
    borrower.sent_for("toy", HOLDER)  # the broker asks again
    serve(borrower, lambda get: lender.read(get.token, get.offset, CHUNK_BYTES), way)
    eventually(lambda: borrower.here == {"toy"})
    assert borrower.unfetched == ""
    (token,) = {bytes.fromhex(one.sha256)[:TOKEN_BYTES] for one in _files(borrower, "a.bin")}
    assert borrower.read(token, 5, 1000) == CONTENT[5:1005]


def test_what_comes_damaged_is_not_kept_and_the_web_is_tried(
    shop: Shop, tmp_path: Path, start: Start
) -> None:
    lender, way = holder(shop, tmp_path / "lender", start), Way()
    cache = cache_of(shop, tmp_path / "borrower")
    borrower = start(cache, way)
    borrower.sent_for("toy", HOLDER)
    eventually(lambda: bool(borrower.pulling))
    serve(borrower, lambda get: b"x" + lender.read(get.token, get.offset, CHUNK_BYTES)[1:], way)
    eventually(lambda: bool(borrower.unfetched))
    assert "127.0.0.1" in borrower.unfetched  # that is where it looked last
    assert borrower.here == set()
    assert [path.name for path in (cache.folder / "toy").iterdir() if path.stat().st_size] == []


def test_a_holder_that_has_them_no_more_is_given_up_at_once(
    shop: Shop, tmp_path: Path, start: Start
) -> None:
    way = Way()
    borrower = start(cache_of(shop, tmp_path), way)
    borrower.sent_for("toy", HOLDER)

    def refused() -> bool:
        borrower.tick(0.0)
        while not way.asked.empty():
            get = way.asked.get()
            error = Error("gone", "no such weights are kept here", "", get.token, get.attempt)
            borrower.refused(OTHER, error)  # another's word says nothing
            borrower.refused(HOLDER, error)
        return bool(borrower.unfetched)

    eventually(refused)


def test_nothing_is_lent_that_is_not_here(shop: Shop, tmp_path: Path, start: Start) -> None:
    one = start(cache_of(shop, tmp_path), Way())
    with pytest.raises(Gone):
        one.read(bytes(TOKEN_BYTES), 0, 10)
    one.sent_for("no such model", HOLDER)
    assert one.pulling == ""


def _files(one: Provision, name: str) -> list[Any]:
    return [file for file in one.cache.weights("toy").files if file.name == name]


def test_an_end_in_the_middle_leaves_what_came(shop: Shop, tmp_path: Path, start: Start) -> None:
    lender, way = holder(shop, tmp_path / "lender", start), Way()
    borrower = start(cache_of(shop, tmp_path / "borrower"), way)
    borrower.sent_for("toy", HOLDER)

    def asked() -> Get:
        borrower.tick(0.0)
        return way.asked.get_nowait()

    get = eventually(asked)
    chunk = Chunk(get.token, 0, get.attempt)
    borrower.take(HOLDER, chunk, lender.read(get.token, 0, CHUNK_BYTES), 0.0)
    borrower.close()
    part = borrower.cache.folder / "toy" / "a.bin.part"
    assert part.read_bytes() == CONTENT[:CHUNK_BYTES]
    again = start(borrower.cache, way)
    again.sent_for("toy", HOLDER)

    def asked_again() -> Get:
        again.tick(0.0)
        return way.asked.get_nowait()

    assert eventually(asked_again).offset == CHUNK_BYTES
