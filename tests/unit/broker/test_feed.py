"""Who follows is told all at first, then what is new; who missed something is told all again."""

from dataclasses import dataclass, field

import msgspec
import pytest
from msgspec import structs

from pixmesh.broker.changes import Change, Whole, apply, read
from pixmesh.broker.feed import (
    CHANGE,
    GIVES_WAY,
    MOST_FOLLOWERS,
    MOST_OF_ONE,
    PAGE,
    PATIENCE,
    PERIOD,
    WHOLE,
    Feed,
    pages,
)
from pixmesh.broker.members import Refused
from pixmesh.broker.messages import Load, Message, Tell
from pixmesh.broker.sessions import Route
from pixmesh.broker.views import NodeView, Snapshot

ANN, BEN = Route(0, b"ann"), Route(1, b"ben")


def node(name: str) -> NodeView:
    return NodeView(name, "idle", 8, 0, 0, Load(), 0, 0, 0.1, "", id=name)


def joined(messages: list[Message]) -> tuple[str, bytes]:
    """Put an answer's pages together; they are all there, in order, and fit."""
    told = [one for one in messages if isinstance(one, Tell)]
    assert [one.page for one in told] == list(range(len(messages)))
    assert {(one.what, one.pages) for one in told} == {(told[0].what, len(told))}
    assert max(len(one.body) for one in told) <= PAGE
    return told[0].what, b"".join(one.body for one in told)


def whole(messages: list[Message]) -> Whole:
    what, body = joined(messages)
    assert what == WHOLE
    return msgspec.msgpack.decode(body, type=Whole)


@dataclass
class Broker:
    """A feed, its clock, and the mesh that it looks at."""

    now: float = 100.0
    mesh: Snapshot = field(
        default_factory=lambda: Snapshot(1, "here", "1", 0.0, (node("pi4"),), (), 0, "")
    )
    looks: int = 0
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed(self.look)

    def look(self, now: float) -> Snapshot:
        self.looks += 1
        return structs.replace(self.mesh, uptime=now)

    def follow(
        self, route: Route, has: int | str = "", *, key: bytes | None = None
    ) -> list[Message]:
        return self.feed.follow(route, key, str(has), self.now)

    def tick(self, seconds: float = PERIOD) -> dict[Route, Change]:
        """Let time go by; return the change that each is told."""
        self.now += seconds
        told: dict[Route, list[Message]] = {}
        for route, message in self.feed.tick(self.now):
            told.setdefault(route, []).append(message)
        changes = {}
        for route, messages in told.items():
            what, body = joined(messages)
            assert what == CHANGE
            changes[route] = read(body)
        return changes

    def turn(self, name: str, seconds: float = PERIOD) -> dict[Route, Change]:
        """Let a node come, and time go by."""
        self.mesh = structs.replace(self.mesh, nodes=(*self.mesh.nodes, node(name)))
        return self.tick(seconds)


@pytest.fixture
def broker() -> Broker:
    return Broker()


def test_all_is_told_first_and_then_what_is_new_one_number_after_the_other(broker: Broker) -> None:
    first = whole(broker.follow(ANN))
    known, number = first.snapshot, first.number
    for name in ("atlas", "nuc", "shed"):
        (new,) = broker.turn(name).values()
        assert [one.name for one in new.nodes] == [name]
        assert new.number == number + 1
        known, number = apply(known, new), new.number
        assert known == broker.look(broker.now)


def test_before_its_time_nothing_is_told_and_nothing_is_looked_at(broker: Broker) -> None:
    assert broker.feed.due == float("inf")
    broker.follow(ANN)
    assert broker.feed.due == broker.now + PERIOD
    before = broker.looks
    assert broker.turn("atlas", PERIOD * 0.9) == {}
    assert broker.looks == before
    assert set(broker.tick(PERIOD * 0.1)) == {ANN}


def test_one_who_comes_later_makes_the_same_of_what_is_told(broker: Broker) -> None:
    known = whole(broker.follow(ANN)).snapshot
    known = apply(known, broker.turn("atlas")[ANN])
    later = whole(broker.follow(BEN))
    told = broker.turn("nuc")
    assert told[ANN] == told[BEN]
    assert told[BEN].number == later.number + 1
    assert apply(known, told[ANN]) == apply(later.snapshot, told[BEN]) == broker.look(broker.now)


def test_who_has_a_number_of_ours_goes_on_and_who_has_another_is_told_all_again(
    broker: Broker,
) -> None:
    first = whole(broker.follow(ANN)).number
    assert broker.follow(ANN, first) == []
    (new,) = broker.turn("atlas").values()
    assert broker.follow(ANN, new.number) == []
    assert broker.follow(ANN, first) == []  # asked while the change was on its way
    for has in (new.number + 1, "", "nonsense", -1):
        again = whole(broker.follow(ANN, has))
        assert again.number == new.number
        assert len(again.snapshot.nodes) == 2


def test_another_brokers_numbers_are_not_taken_for_ones_own(broker: Broker) -> None:
    whole(broker.follow(ANN))
    broker.turn("atlas")
    other = Broker()
    assert len(whole(other.follow(ANN, 1)).snapshot.nodes) == 1


def test_who_is_silent_is_told_nothing_more_and_then_nobody_looks(broker: Broker) -> None:
    broker.follow(ANN)
    broker.tick(PATIENCE / 2)
    broker.follow(BEN)
    assert set(broker.tick(PATIENCE / 2)) == {ANN, BEN}
    assert set(broker.tick()) == {BEN}
    before = broker.looks
    assert broker.tick(PATIENCE) == {}
    assert broker.feed.due == float("inf")
    assert broker.tick(PATIENCE) == {}
    assert broker.looks == before


def test_who_asks_again_in_time_follows_on(broker: Broker) -> None:
    number = whole(broker.follow(ANN)).number
    for _ in range(10):
        (new,) = broker.tick(PATIENCE * 0.9).values()
        assert new.number == number + 1
        number = new.number
        assert broker.follow(ANN, number) == []


def test_who_was_dropped_as_silent_is_told_all_again_though_the_number_is_still_the_last(
    broker: Broker,
) -> None:
    number = whole(broker.follow(ANN)).number
    assert broker.tick(PATIENCE + PERIOD) == {}
    broker.mesh = structs.replace(broker.mesh, nodes=(*broker.mesh.nodes, node("atlas")))
    again = whole(broker.follow(ANN, number))
    assert [one.name for one in again.snapshot.nodes] == ["pi4", "atlas"]


def test_more_than_can_be_told_are_refused_until_one_is_silent(broker: Broker) -> None:
    routes = [Route(1, str(number).encode()) for number in range(MOST_FOLLOWERS)]
    keys = {route: bytes([number // MOST_OF_ONE]) for number, route in enumerate(routes)}
    for route in routes:
        broker.follow(route, key=keys[route])
    with pytest.raises(Refused, match="32 dashboards") as refused:
        broker.follow(ANN, key=b"ann")
    assert "pixmesh status" in refused.value.remedy
    broker.tick(PATIENCE)
    for route in routes[1:]:
        whole(broker.follow(route, key=keys[route]))
    broker.now += 0.1
    assert whole(broker.follow(ANN, key=b"ann")).snapshot.nodes == broker.mesh.nodes


def test_one_key_does_not_take_the_places_of_others_nor_all_keys_those_of_this_user(
    broker: Broker,
) -> None:
    for number in range(MOST_FOLLOWERS):
        broker.follow(Route(1, b"%d" % number), key=bytes([number // MOST_OF_ONE]))
    for number in range(MOST_OF_ONE):
        broker.follow(Route(0, b"%d" % number))
    for key in (None, b"\0"):
        with pytest.raises(Refused, match="8 dashboards of this machine"):
            broker.follow(Route(2, b"one more"), key=key)


def test_one_that_seems_closed_makes_room_for_another_of_its_key(broker: Broker) -> None:
    for number in range(MOST_OF_ONE):
        broker.follow(Route(1, b"%d" % number), key=b"ann")
    broker.now += GIVES_WAY + 0.1
    for number in range(1, MOST_OF_ONE):
        broker.follow(Route(1, b"%d" % number), key=b"ann")
    whole(broker.follow(ANN, key=b"ann"))
    assert set(broker.tick()) == {ANN, *(Route(1, b"%d" % one) for one in range(1, MOST_OF_ONE))}


def test_who_is_made_to_leave_is_told_nothing_more(broker: Broker) -> None:
    broker.follow(ANN)
    broker.follow(BEN)
    broker.feed.leave(ANN)
    assert set(broker.tick()) == {BEN}


def test_however_much_there_is_pages_of_it_fit(broker: Broker) -> None:
    crowd = tuple(node(f"n{number}") for number in range(3000))
    broker.mesh = structs.replace(broker.mesh, nodes=crowd)
    answer = broker.follow(ANN)
    assert len(answer) > 1
    assert whole(answer).snapshot.nodes == crowd
    assert len(pages(WHOLE, b"")) == 1
