"""Row 25 on a virtual clock: two processes with one key. The first one is unaffected."""

from dataclasses import dataclass, field
from random import Random

import pytest

from pixmesh.broker.messages import Hello, MemberId
from pixmesh.broker.sessions import ANSWER, ASK_AGAIN, Claim, Route, Session, Sessions
from pixmesh.broker.sockets import Peer
from pixmesh.tests.unit.broker.records import NODE, hello

STEP = 0.05
GREETS = 1.0
LONG = 60.0


@dataclass(slots=True)
class Process:
    """One of the two: whether it lives, how slowly it answers, and what came of its HELLO."""

    boot: int
    delay: float
    alive: bool = True
    verdicts: list[tuple[float, Claim]] = field(default_factory=list)
    answers_at: float = float("inf")

    @property
    def hello(self) -> Hello:
        return hello("node", "atlas", boot=self.boot)


class Door:
    """A broker's book of sessions, and the two that come to it; an answer takes time."""

    def __init__(self, first: Process, second: Process) -> None:
        self.sessions, self.now = Sessions(), 0.0
        self.processes = {first.boot: first, second.boot: second}

    def greet(self, one: Process) -> None:
        member = MemberId(NODE)
        claim = self.sessions.claim(member, one.hello, self.now, self.ask)
        one.verdicts.append((self.now, claim))
        if claim is Claim.FREE:
            route = Route(0, bytes([one.boot]))
            peer = Peer(one.boot, "10.0.0.7")
            self.sessions.open(Session(member, one.hello, route, peer, heard=self.now))

    def ask(self, old: Session) -> bool:
        one = self.processes[old.hello.boot[-1]]
        one.answers_at = min(one.answers_at, self.now + one.delay)
        return one.alive

    def run(self, seconds: float, greeting: Process) -> None:
        """Let one greet again and again while the other does what a member does."""
        until, greets_at = self.now + seconds, self.now
        while self.now < until:
            self.now += STEP
            current = self.sessions.by_member.get(NODE)
            for one in self.processes.values():
                mine = current is not None and current.hello.boot == one.hello.boot
                if one.alive and mine and one.answers_at <= self.now and current is not None:
                    current.heard, one.answers_at = self.now, float("inf")
            if self.now >= greets_at:
                greets_at = self.now + GREETS
                self.greet(greeting)

    def has(self, one: Process) -> bool:
        current = self.sessions.by_member.get(NODE)
        return current is not None and current.hello.boot == one.hello.boot


@pytest.mark.parametrize("seed", range(50))
def test_row25_S_a_second_process_never_takes_the_place_of_one_that_answers(seed: int) -> None:
    chance = Random(seed)
    first = Process(1, chance.uniform(0, ANSWER - 2 * STEP))
    second = Process(2, 0.0)
    door = Door(first, second)
    door.greet(first)
    door.run(LONG, second)
    assert door.has(first)
    assert {claim for _, claim in second.verdicts} == {Claim.WAIT, Claim.TAKEN}


@pytest.mark.parametrize("seed", range(50))
def test_row25_S_of_one_that_is_gone_the_place_is_taken_soon(seed: int) -> None:
    """Whether its connection is known to be gone, or only looks as if it were there."""
    chance = Random(seed)
    first, second = Process(1, 0.1), Process(2, 0.1)
    door = Door(first, second)
    door.greet(first)
    door.run(chance.uniform(0, 10), second)
    assert door.has(first)
    first.alive = chance.random() < 0.5
    first.delay = float("inf")
    died = door.now
    door.run(LONG, second)
    assert door.has(second)
    free = next(at for at, claim in second.verdicts if claim is Claim.FREE)
    assert free - died <= ASK_AGAIN + ANSWER + GREETS + STEP
