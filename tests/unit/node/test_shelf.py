"""A node's references: fetched once, never more than there is room for, and waits end."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixmesh.broker.messages import REFERENCE_BYTES, MemberId
from pixmesh.node.shelf import Digest, Discard, Fetch, Lost, Offer, Ready, Shelf, Step

ONE, OTHER = MemberId(b"owner 1."), MemberId(b"owner 2.")
ROOM = 100


def digest(number: int) -> Digest:
    return number.to_bytes(32, "big")


def offers(*numbers: int, owner: MemberId = ONE, size: int = 40) -> dict[Digest, Offer]:
    return {digest(one): Offer(owner, owner[:7] + bytes([one]), size) for one in numbers}


@dataclass
class Node:
    """A shelf, and the attempts that are over."""

    over: set[int] = field(default_factory=set)
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.over.__contains__, ROOM)

    def want(self, attempt: int, wanted: dict[Digest, Offer]) -> list[Step]:
        self.shelf.want(attempt, wanted)
        return self.shelf.steps()


def test_one_transfer_serves_all_that_wait_for_it() -> None:
    node = Node()
    (fetch,) = node.want(1, offers(7))
    assert fetch == Fetch(digest(7), offers(7)[digest(7)])
    assert node.want(2, offers(7)) == []
    assert node.want(3, offers(7, owner=OTHER)) == []
    assert node.shelf.came(digest(7)) == [Ready(1), Ready(2), Ready(3)]
    assert node.want(4, offers(7)) == [Ready(4)]


def test_an_attempt_is_ready_when_all_that_it_takes_is_here() -> None:
    node = Node()
    assert [type(step) for step in node.want(1, offers(7, 8))] == [Fetch, Fetch]
    assert node.shelf.came(digest(8)) == []
    assert node.want(2, offers(8)) == [Ready(2)]
    assert node.shelf.came(digest(7)) == [Ready(1)]


def test_where_one_owner_fails_another_is_asked_and_then_all_are_returned() -> None:
    node = Node()
    node.want(1, offers(7))
    node.want(2, offers(7, owner=OTHER))
    node.want(3, offers(7))
    (again,) = node.shelf.failed(digest(7), "corrupted", "it is another")
    assert again == Fetch(digest(7), offers(7, owner=OTHER)[digest(7)])
    lost = node.shelf.failed(digest(7), "unreachable", "it is gone")
    assert lost == [Lost(one, "unreachable", "it is gone") for one in (1, 2, 3)]
    assert [type(step) for step in node.want(4, offers(7))] == [Fetch]


def test_one_of_two_that_cannot_be_had_returns_the_attempt_once() -> None:
    node = Node()
    node.want(1, offers(7, 8))
    assert node.shelf.failed(digest(7), "unreachable", "") == [Lost(1, "unreachable", "")]
    assert node.shelf.came(digest(8)) == []


def test_the_least_recently_used_goes_first() -> None:
    node = Node()
    for number in (7, 8):
        node.want(number, offers(number))
        node.shelf.came(digest(number))
    assert node.want(1, offers(7)) == [Ready(1)]
    node.over |= {1, 7, 8}
    steps = node.want(2, offers(9))
    assert steps == [Discard(digest(8)), Fetch(digest(9), offers(9)[digest(9)])]


def test_what_an_attempt_still_needs_stays_and_who_needs_room_waits_for_it() -> None:
    node = Node()
    node.want(1, offers(7, 8))
    node.shelf.came(digest(7))
    node.shelf.came(digest(8))
    assert node.want(2, offers(9)) == []
    assert node.want(3, offers(7)) == []  # in the order of their coming
    node.over.add(1)
    assert node.shelf.steps() == [
        Discard(digest(7)),
        Fetch(digest(9), offers(9)[digest(9)]),
        Discard(digest(8)),
        Fetch(digest(7), offers(7)[digest(7)]),
    ]


def test_who_is_over_before_its_turn_is_passed_over() -> None:
    node = Node()
    node.over.add(1)
    assert node.want(1, offers(7)) == []
    assert [type(step) for step in node.want(2, offers(8))] == [Fetch]


def test_more_than_may_travel_is_refused_and_holds_up_nobody() -> None:
    node = Node()
    each = REFERENCE_BYTES // 2 + 1
    steps = node.want(1, offers(7, 8, size=each))
    assert [(type(step), step.attempt) for step in steps] == [(Lost, 1)]  # type: ignore[union-attr]
    assert [type(step) for step in node.want(2, offers(9))] == [Fetch]


def test_a_spoilt_one_goes_and_is_fetched_anew() -> None:
    node = Node()
    node.want(1, offers(7))
    node.shelf.came(digest(7))
    assert node.shelf.spoilt([digest(7), digest(8)]) == [Discard(digest(7))]
    assert [type(step) for step in node.want(2, offers(7))] == [Fetch]


@dataclass
class Trial:
    """A node under whatever comes, and what must hold all the time."""

    chance: random.Random
    node: Node = field(default_factory=Node)
    wanted: dict[int, frozenset[Digest]] = field(default_factory=dict)
    told: dict[int, type] = field(default_factory=dict)
    coming: dict[Digest, Offer] = field(default_factory=dict)
    files: dict[Digest, int] = field(default_factory=dict)

    def take(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Fetch(one, offer):
                    assert one not in self.coming
                    assert one not in self.files
                    self.coming[one] = offer
                case Discard(one):
                    needed = [self.wanted[a] for a, how in self.told.items() if how is Ready]
                    assert not any(one in some for some in needed), "it is needed still"
                    del self.files[one]
                case Ready(attempt) | Lost(attempt):
                    if attempt not in self.node.over:
                        assert attempt not in self.told
                        self.told[attempt] = type(step)
                    if isinstance(step, Ready) and attempt not in self.node.over:
                        assert self.wanted[attempt] <= set(self.files)
        taken = {**self.files, **{one: offer.size for one, offer in self.coming.items()}}
        assert sum(taken.values()) <= ROOM

    def begin(self) -> None:
        attempt = len(self.wanted) + 1
        numbers = self.chance.sample(range(6), self.chance.randint(1, 2))
        owner = self.chance.choice([ONE, OTHER])
        self.wanted[attempt] = frozenset(map(digest, numbers))
        self.take(self.node.want(attempt, offers(*numbers, owner=owner)))

    def arrive(self, *, well: bool) -> None:
        if not self.coming:
            return
        one = self.chance.choice(list(self.coming))
        offer = self.coming.pop(one)
        if well:
            self.files[one] = offer.size
            self.take(list(self.node.shelf.came(one)))
        else:
            self.take(self.node.shelf.failed(one, "unreachable", ""))

    def end(self) -> None:
        running = [one for one in self.wanted if one not in self.node.over]
        if running:
            attempt = self.chance.choice(running)
            self.node.over.add(attempt)
            self.told.pop(attempt, None)
        self.take(self.node.shelf.steps())


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.lists(st.sampled_from("bbbawe"), max_size=60))
def test_whatever_comes_there_is_room_and_everybody_is_told_once(
    seed: int, acts: list[str]
) -> None:
    trial = Trial(random.Random(seed))
    for act in acts:
        match act:
            case "b":
                trial.begin()
            case "a":
                trial.arrive(well=True)
            case "w":
                trial.arrive(well=False)
            case _:
                trial.end()
    for _ in range(3 * len(trial.wanted) + 1):
        while trial.coming:
            trial.arrive(well=True)
        for attempt, how in list(trial.told.items()):
            assert how in {Ready, Lost}
            trial.node.over.add(attempt)
            del trial.told[attempt]
        trial.take(trial.node.shelf.steps())
    assert trial.node.over == set(trial.wanted)


@pytest.mark.parametrize("larger", [41, 90])
def test_a_larger_offer_of_the_same_counts_as_it_says(larger: int) -> None:
    node = Node()
    node.want(1, offers(7))
    node.want(2, offers(8))
    steps = node.want(3, offers(7, owner=OTHER, size=larger))
    assert steps == []
    fits = sum(node.shelf._taken().values()) <= ROOM
    assert fits
    assert (3 in node.shelf._admitted) is (larger + 40 <= ROOM)
