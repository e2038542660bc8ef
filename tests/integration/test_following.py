"""Following a real broker: all at first, then what is new; it is found again when it comes back."""

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pixmesh.broker import changes
from pixmesh.broker.changes import Change, Whole
from pixmesh.broker.views import Snapshot
from pixmesh.node.errors import MeshUnreachable
from pixmesh.node.net.following import SILENCE, Away, Following, Told
from pixmesh.node.net.reach import running_broker
from pixmesh.node.net.way import Way
from pixmesh.tests.support.meshes import RealMesh

SOON = 5.0


class Listener:
    """Keeps what is told, and the mesh that follows from it."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self.seen: Snapshot | None = None
        self.number = 0

    def next(self, patience: float = SOON) -> Told:
        """Return what is told next, and take it in."""
        told = self.told.get(timeout=patience)
        if isinstance(told, Whole):
            self.seen, self.number = told.snapshot, told.number
        elif isinstance(told, Change) and self.seen is not None:
            assert told.number == self.number + 1
            self.seen, self.number = changes.apply(self.seen, told), told.number
        return told

    def until(self, kind: type, patience: float = SOON) -> Told:
        """Return the next of this kind."""
        give_up = time.monotonic() + patience
        while not isinstance(told := self.next(max(0.01, give_up - time.monotonic())), kind):
            pass
        return told


@contextmanager
def following(mesh: RealMesh) -> Iterator[Listener]:
    def find() -> Way:
        way = running_broker(mesh.state())
        if way is None:
            raise MeshUnreachable("none runs")
        return way

    listener = Listener()
    one = Following(find)
    one.start(listener.told.put)
    try:
        yield listener
    finally:
        one.stop()


def test_what_follows_from_changes_is_what_the_broker_says_when_asked(mesh: RealMesh) -> None:
    mesh.broker()
    with following(mesh) as listener:
        assert isinstance(listener.next(), Whole)
        mesh.node("atlas", slots=1)
        mesh.order("drain", "atlas")
        give_up = time.monotonic() + SOON
        while time.monotonic() < give_up:
            listener.until(Change)
            nodes = listener.seen.nodes if listener.seen is not None else ()
            if [(one.name, one.state) for one in nodes] == [("atlas", "drained")]:
                break
        asked = mesh.status()
        assert listener.seen is not None
        assert [one.name for one in listener.seen.nodes] == [one.name for one in asked.nodes]
        happened = [(one.what, one.who) for one in listener.seen.happened]
        assert happened == [("joined", "atlas"), ("told", "atlas")]


def test_a_broker_that_is_gone_is_told_and_its_successor_is_found(mesh: RealMesh) -> None:
    broker = mesh.broker()
    with following(mesh) as listener:
        assert isinstance(listener.next(), Whole)
        broker.kill()
        assert isinstance(listener.until(Away, SILENCE + 1.5), Away)
        mesh.ready(mesh.start("broker", "--port", "0"), "pixmesh broker at ")
        whole = listener.until(Whole)
        assert isinstance(whole, Whole)
        assert whole.snapshot.uptime < SOON + 1


def test_a_broker_that_stands_still_is_away_and_goes_on(mesh: RealMesh) -> None:
    broker = mesh.broker()
    with following(mesh) as listener:
        assert isinstance(listener.next(), Whole)
        broker.tell(19)
        listener.until(Away, SILENCE + 2.5)
        broker.tell(18)
        listener.until(Whole)


def test_many_follow_and_are_told_the_same(mesh: RealMesh) -> None:
    mesh.broker()
    with following(mesh) as one, following(mesh) as other:
        for listener in (one, other):
            assert isinstance(listener.next(), Whole)
        while one.number < other.number:
            one.until(Change)
        while other.number < one.number:
            other.until(Change)
        assert one.seen == other.seen
