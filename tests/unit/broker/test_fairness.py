"""Batches share by predicted seconds, whoever came first, priorities above that."""

from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker.fairness import Fairness
from pixmesh.broker.tasks import Batch, Task

from .records import batch_record, item


def fill(fairness: Fairness, batch: Batch, count: int) -> None:
    for number in range(count):
        fairness.enqueue(Task(item(number), batch))


def serve(fairness: Fairness, count: int, seconds: float = 1.0) -> list[Batch]:
    served = []
    for _ in range(count):
        batch = fairness.next(set())
        assert batch is not None
        fairness.take(next(iter(batch.queue.values())), seconds)
        served.append(batch)
    return served


def test_a_newcomer_shares_from_its_first_moment() -> None:
    fairness, old, new = Fairness(), batch_record(1), batch_record(2)
    fill(fairness, old, 200)
    serve(fairness, 100)
    fill(fairness, new, 100)
    served = serve(fairness, 20)
    assert abs(served.count(old) - served.count(new)) <= 2


def test_a_newcomer_does_not_starve_one_whose_queue_was_empty_when_it_came() -> None:
    fairness, old, new = Fairness(), batch_record(1), batch_record(2)
    fill(fairness, old, 100)
    serve(fairness, 100)
    fill(fairness, new, 100)
    serve(fairness, 1)
    fill(fairness, old, 100)
    served = serve(fairness, 20)
    assert abs(served.count(old) - served.count(new)) <= 2


def test_a_batch_gains_nothing_by_having_been_idle() -> None:
    fairness, idle, busy = Fairness(), batch_record(1), batch_record(2)
    fill(fairness, idle, 1)
    serve(fairness, 1)
    fill(fairness, busy, 200)
    serve(fairness, 100)
    fill(fairness, idle, 50)
    assert serve(fairness, 20).count(busy) >= 9


def test_a_higher_priority_goes_first_however_much_it_was_given() -> None:
    fairness, low, high = Fairness(), batch_record(1), batch_record(2, priority=1)
    fill(fairness, low, 5)
    fill(fairness, high, 5)
    assert serve(fairness, 10) == [high] * 5 + [low] * 5


def test_a_batch_that_is_blocked_is_passed_over() -> None:
    fairness, first, second = Fairness(), batch_record(1), batch_record(2)
    fill(fairness, first, 1)
    assert fairness.next({id(first)}) is None
    fill(fairness, second, 1)
    assert fairness.next({id(first)}) is second


def test_a_task_removed_is_served_no_more() -> None:
    fairness, batch = Fairness(), batch_record()
    one, two = Task(item(1), batch), Task(item(2), batch)
    fairness.enqueue(one)
    fairness.enqueue(two, first=True)
    fairness.remove(two)
    fairness.take(one, 1.0)
    assert list(fairness) == []


@given(st.lists(st.sampled_from([0.1, 1.0, 3.0]), min_size=30, max_size=60))
def test_batches_with_work_are_given_the_same_seconds_but_for_one_task(costs: list[float]) -> None:
    fairness = Fairness()
    batches = [batch_record(number) for number in range(3)]
    for batch in batches:
        fill(fairness, batch, len(costs))
    for seconds in costs:
        chosen = fairness.next(set())
        assert chosen is not None
        fairness.take(next(iter(chosen.queue.values())), seconds)
    given_out = [batch.served for batch in batches]
    assert max(given_out) - min(given_out) <= max(costs) + 1e-9  # sums of floats
