"""Schedules by lot: a seed gives the same events for as long as this file stays the same."""

from collections.abc import Callable, Iterator
from random import Random

from .schedule import Event

TROUBLE = 14.0
MOST_EVENTS = 300


def events_of(seed: int) -> list[Event]:
    """Return the schedule of a seed: at most 300 events."""
    return list(_Lot(seed).events())[:MOST_EVENTS]


class _Lot:
    def __init__(self, seed: int) -> None:
        self._random = Random(f"schedule {seed}")
        self._nodes = [f"n{number}" for number in range(self._random.randint(1, 4))]
        self._owners = [f"o{number}" for number in range(self._random.randint(1, 2))]
        self._jobs = {
            name: self._random.sample(range(120), self._random.randint(1, 30))
            for name in self._owners
        }

    def events(self) -> Iterator[Event]:
        for name in self._nodes:
            yield self._event(1.0, "node", name, self._random.randint(1, 3))
        for name, jobs in self._jobs.items():
            parts = self._random.randint(1, 4)
            for part in range(parts):
                yield self._event(4.0, "ask", name, *jobs[part::parts])
        if self._random.random() < 0.7:
            yield self._noise()
        for _ in range(self._random.choice((0, 1, 3, 8, 20))):
            yield self._random.choice(self._troubles())()

    def _event(self, latest: float, what: str, *arguments: str | float) -> Event:
        return Event(round(self._random.uniform(0.0, latest), 3), what, arguments)

    def _noise(self) -> Event:
        worst = self._random.choice((0.02, 0.1, 0.3))
        lost, doubled, late = (round(self._random.random() * worst, 4) for _ in range(3))
        latest, seed = self._random.choice((0.01, 0.5, 3.0)), self._random.randrange(10**6)
        seconds = self._random.uniform(1.0, TROUBLE)
        return self._event(4.0, "noise", round(seconds, 3), lost, doubled, late, latest, seed)

    def _troubles(self) -> list[Callable[[], Event]]:
        node, owner = self._random.choice(self._nodes), self._random.choice(self._owners)
        anybody = self._random.choice([*self._nodes, *self._owners])
        way = self._random.choice([(anybody, "broker"), ("broker", anybody), (node, owner)])
        choose, make = self._random.choice, self._event
        return [
            lambda: make(TROUBLE, "kill", node),
            lambda: make(TROUBLE, "node", node, self._random.randint(1, 3)),
            lambda: make(TROUBLE, "slot", node, self._random.randrange(3)),
            lambda: make(TROUBLE, "freeze", node, choose((0.5, 2.0, 4.0, 10.0))),
            lambda: make(TROUBLE, "freeze", owner, choose((0.5, 4.0, 10.0))),
            lambda: make(TROUBLE, "freeze", "broker", choose((1.5, 5.0, 15.0))),
            lambda: make(TROUBLE, "broker", choose((0.05, 1.0, 8.0))),
            lambda: make(TROUBLE, "restart", owner, choose((0.1, 2.0, 9.0))),
            lambda: make(TROUBLE, "crash", owner, self._random.randrange(30), choose((0, 1))),
            lambda: make(TROUBLE, "cut", *way, choose((1.0, 4.0, 9.0))),
            lambda: make(TROUBLE, "cancel", owner, *self._random.sample(range(120), 40)),
            lambda: make(TROUBLE, "drain", node),
        ]
