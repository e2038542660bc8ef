"""Near the end long tasks go first, and to nodes that end them in time."""

from random import Random

import pytest

from pixmesh.broker.estimate import Estimate
from pixmesh.broker.fairness import Fairness
from pixmesh.broker.horizon import LOOK_EVERY, Horizon
from pixmesh.broker.nodes import Node
from pixmesh.broker.placement import Choice
from pixmesh.broker.tasks import Batch, Place, Task

from .records import NODE, OTHER, batch_record, item, load, node_record

FAST, SLOW = NODE, OTHER


class Mesh:
    """A fast node and one ten times slower, as ten tasks on each have shown."""

    def __init__(self) -> None:
        self.fairness, self.estimate, self.batch = Fairness(), Estimate(), batch_record()
        self.nodes = {member: node_record(member) for member in (FAST, SLOW)}
        for _ in range(10):
            self.estimate.observe(FAST, "blur", 1.0, 1.0)
            self.estimate.observe(SLOW, "blur", 1.0, 10.0)
        self.horizon = Horizon(
            batches=self.fairness, nodes=self.nodes, estimate=self.estimate, random=Random(1)
        )

    def wait(self, *seconds: float) -> None:
        for number, one in enumerate(seconds):
            task = Task(item(number, seconds=one), self.batch, place=Place.WAITING)
            self.fairness.enqueue(task)

    def pick(self, *nodes: Node, now: float = 0.0) -> tuple[float, Choice | None]:
        """Return the declared seconds of the task that is next, and where it goes."""
        task, choice = self.horizon.pick(self.batch, list(nodes), now)
        if choice is not None:
            self.fairness.take(task, choice.predicted)
            task.place = Place.PLACED
        return task.item.seconds, choice


@pytest.fixture
def mesh() -> Mesh:
    return Mesh()


def test_while_much_waits_the_first_goes_first_wherever_there_is_room(mesh: Mesh) -> None:
    mesh.wait(3.0, 1.0, 2.0, *[1.0] * 200)
    picks = [mesh.pick(mesh.nodes[member]) for member in (SLOW, FAST, SLOW)]
    assert [seconds for seconds, _ in picks] == [3.0, 1.0, 2.0]
    assert [choice.node.id for _, choice in picks if choice] == [SLOW, FAST, SLOW]


def test_what_takes_longer_than_half_of_all_that_waits_goes_first(mesh: Mesh) -> None:
    mesh.wait(1.0, 1.0, 30.0, 20.0, 1.0)
    assert [mesh.pick(mesh.nodes[FAST])[0] for _ in range(2)] == [30.0, 20.0]


def test_a_slow_node_gets_the_longest_that_it_ends_in_time(mesh: Mesh) -> None:
    mesh.wait(10.0, 0.1, 0.5, 5.0, 0.7)
    assert mesh.pick(mesh.nodes[SLOW])[0] == 0.7
    assert mesh.pick(mesh.nodes[FAST])[0] == 10.0
    assert mesh.pick(mesh.nodes[SLOW])[0] == 0.5


def test_a_slow_node_that_ends_nothing_in_time_gets_the_shortest(mesh: Mesh) -> None:
    load(mesh.nodes[SLOW], seconds=500.0)
    mesh.wait(3.0, 1.0, 2.0)
    seconds, choice = mesh.pick(mesh.nodes[SLOW])
    assert seconds == 1.0
    assert choice is not None


def test_one_that_does_not_fit_there_is_not_offered_instead(mesh: Mesh) -> None:
    mesh.nodes[SLOW].budget = 5
    for number, (seconds, memory) in enumerate([(10.0, 1), (0.1, 50)]):
        needs = item(number, seconds=seconds, memory=memory)
        mesh.fairness.enqueue(Task(needs, mesh.batch, place=Place.WAITING))
    seconds, choice = mesh.pick(mesh.nodes[SLOW])
    assert seconds == 10.0
    assert choice is not None


def test_what_came_in_since_the_last_look_is_placed_in_order(mesh: Mesh) -> None:
    mesh.wait(1.0)
    assert mesh.pick(mesh.nodes[FAST])[0] == 1.0
    mesh.wait(2.0, 9.0)
    assert mesh.pick(mesh.nodes[FAST])[0] == 2.0
    mesh.wait(2.0)
    assert mesh.pick(mesh.nodes[FAST], now=LOOK_EVERY)[0] == 9.0


def test_without_a_node_that_could_there_is_no_horizon(mesh: Mesh) -> None:
    mesh.batch = Batch(mesh.batch.owner, 2, mesh.batch.work, frozenset({"caption"}), 0, label="")
    mesh.wait(1.0, 2.0)
    seconds, choice = mesh.pick()
    assert (seconds, choice) == (1.0, None)
