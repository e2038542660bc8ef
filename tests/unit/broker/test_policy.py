"""Leases, estimates and placement."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker import estimate as estimates
from pixmesh.broker import placement
from pixmesh.broker.estimate import SHORTEST, Estimate
from pixmesh.broker.leases import GRACE, LEASE, SUSPECT_AFTER, Lease
from pixmesh.broker.messages import MemberId, State
from pixmesh.broker.nodes import Node
from pixmesh.broker.placement import AHEAD_MOST, AHEAD_SECONDS, choose, fits, has_room, suits
from pixmesh.broker.pool import SAMPLE, Pool
from pixmesh.broker.tasks import Task

from .records import NODE, OTHER, batch_record, item, load, node_record

# ---- leases ---------------------------------------------------------------------------


def test_silence_makes_a_suspect_then_a_lapse() -> None:
    lease = Lease(10.0)
    assert not lease.suspect(10.0 + SUSPECT_AFTER - 0.01)
    assert lease.suspect(10.0 + SUSPECT_AFTER)
    assert not lease.lapsed(10.0 + LEASE - 0.01)
    assert lease.lapsed(10.0 + LEASE)
    assert lease.deadline() == 10.0 + LEASE


def test_a_lost_connection_makes_a_suspect_at_once_and_a_lapse_after_the_grace() -> None:
    lease = Lease(10.0)
    lease.disconnect(11.0)
    lease.disconnect(11.5)
    assert lease.suspect(11.0)
    assert not lease.lapsed(11.0 + GRACE - 0.01)
    assert lease.lapsed(11.0 + GRACE)


def test_a_connection_lost_in_a_long_silence_does_not_lengthen_it() -> None:
    lease = Lease(10.0)
    lease.disconnect(10.0 + LEASE - 0.1)
    assert lease.deadline() == 10.0 + LEASE


def test_a_word_renews() -> None:
    lease = Lease(10.0)
    lease.disconnect(11.0)
    lease.renew(11.5)
    assert not lease.suspect(11.5)
    assert lease.deadline() == 11.5 + LEASE


@given(st.floats(0, 100), st.booleans())
def test_an_extension_moves_every_deadline_by_as_much(seconds: float, cut: bool) -> None:
    lease = Lease(10.0)
    if cut:
        lease.disconnect(11.0)
    before = lease.deadline()
    lease.extend(seconds)
    assert lease.deadline() == pytest.approx(before + seconds)


# ---- estimates ------------------------------------------------------------------------


def test_an_estimate_is_what_was_declared_until_something_is_known() -> None:
    assert Estimate().predict(NODE, "blur", 2.0) == 2.0
    assert Estimate().predict(NODE, "blur", 0.0) == SHORTEST


def test_a_node_is_known_by_itself_a_new_one_by_the_others() -> None:
    known = Estimate()
    known.observe(NODE, "blur", 1.0, 3.0)
    known.observe(OTHER, "blur", 1.0, 1.0)
    assert known.predict(NODE, "blur", 2.0) == pytest.approx(6.0)
    assert 2.0 < known.predict(MemberId(b"new....."), "blur", 2.0) < 6.0
    assert known.predict(NODE, "canny", 2.0) == 2.0
    known.forget(NODE)
    assert known.predict(NODE, "blur", 2.0) == known.predict(MemberId(b"new....."), "blur", 2.0)


@given(st.lists(st.floats(0.1, 10), min_size=40, max_size=60), st.floats(0.1, 10))
def test_an_estimate_comes_to_what_is_observed(old: list[float], true: float) -> None:
    known = Estimate()
    for seconds in [*old, *[true] * 60]:
        known.observe(NODE, "blur", 1.0, seconds)
    assert known.predict(NODE, "blur", 1.0) == pytest.approx(true, rel=0.05)


def test_an_estimates_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimates, "LARGEST_TABLE", 10)
    known = Estimate()
    for number in range(100):
        known.observe(NODE, f"blur ksize={number}", 1.0, 1.0)
    assert len(known.by_node) == len(known.by_recipe) == 10


@given(
    words=st.lists(
        st.tuples(
            st.sampled_from([0.0, 5e-324, 1e-9, 1.0, 1e9]), st.sampled_from([0.0, 1e-9, 1.0, 1e9])
        ),
        max_size=40,
    )
)
def test_a_prediction_is_never_nothing_and_never_without_end(
    words: list[tuple[float, float]],
) -> None:
    known = Estimate()
    for declared, seconds in words:
        known.observe(NODE, "blur", declared, seconds)
        for node in (NODE, OTHER):
            assert 0 < known.predict(node, "blur", 0.0) <= known.predict(node, "blur", 1e9) < 1e16


# ---- placement ------------------------------------------------------------------------


def pick(*nodes: Node, seconds: float = 1.0, memory: int = 1, known: Estimate | None = None) -> str:
    task = Task(item(1, seconds=seconds, memory=memory), batch_record(needs=("blur",)))
    able = [node for node in nodes if suits(node, task)]
    choice = choose(task, able, estimate=known or Estimate())
    return choice.node.hello.name if choice is not None else ""


def test_a_task_goes_where_it_is_finished_first() -> None:
    fast, slow = node_record(NODE), node_record(OTHER)
    known = Estimate()
    known.observe(NODE, "blur", 1.0, 1.0)
    known.observe(OTHER, "blur", 1.0, 5.0)
    assert pick(slow, fast, known=known) == "node...."
    load(fast, seconds=2.0, count=3)
    assert pick(slow, fast, known=known) == "other..."


def test_a_backlog_is_shared_by_the_slots() -> None:
    wide, narrow = node_record(NODE, ready=4), node_record(OTHER, ready=1)
    load(wide, seconds=1.0, count=6)
    load(narrow, seconds=1.0, count=2)
    assert pick(narrow, wide) == "node...."


def test_a_node_without_the_operation_is_passed_over() -> None:
    plain = node_record(NODE)
    plain.has = frozenset({"identity"})
    assert pick(plain) == ""
    assert pick(plain, node_record(OTHER)) == "other..."


def test_memory_is_reserved_before_it_is_needed() -> None:
    node = node_record(memory=100)
    load(node, seconds=0.001, memory=60)
    assert not fits(node, Task(item(9, memory=41), batch_record()))
    assert fits(node, Task(item(9, memory=40), batch_record()))


def test_a_task_that_needs_more_than_there_is_suits_no_node() -> None:
    node, task = node_record(memory=100), Task(item(9, memory=101), batch_record())
    assert not suits(node, task)
    assert not fits(node, task)
    assert suits(node, Task(item(9, memory=100), batch_record()))


def test_what_the_machine_says_only_lowers_the_budget() -> None:
    node = node_record(memory=100)
    node.beats(State(ready=1, memory=40), 0.0)
    assert node.budget == 40
    node.beats(State(ready=1, memory=4000), 0.0)
    assert node.budget == 100


@pytest.mark.parametrize("slots", [1, 3])
def test_one_long_task_waits_ahead_for_each_slot_and_no_more(slots: int) -> None:
    node = node_record(ready=slots)
    given_out = 0
    while has_room(node):
        load(node, seconds=1.0)
        given_out += 1
    assert given_out == 2 * slots


@pytest.mark.parametrize("slots", [1, 3])
def test_short_tasks_are_given_ahead_for_25_ms(slots: int) -> None:
    node = node_record(ready=slots)
    while has_room(node):
        load(node, seconds=0.002)
    assert node.backlog == pytest.approx(slots * AHEAD_SECONDS, abs=0.0021)


def test_at_most_64_tasks_wait_ahead() -> None:
    node = node_record()
    while has_room(node):
        load(node, seconds=0.0)
    assert len(node.active) == 1 + AHEAD_MOST


def test_a_node_that_warms_drains_or_is_suspect_gets_nothing() -> None:
    node = node_record()
    assert has_room(node)
    assert not has_room(node_record(ready=0))
    node.draining = True
    assert not has_room(node)


def test_a_node_with_results_that_nobody_settles_gets_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(placement, "HELD_MOST", 3)
    node = node_record(ready=8)
    load(node, seconds=0.001, count=3)
    node.ended, node.active = dict(node.active), {}
    assert not has_room(node)


@pytest.mark.parametrize("count", [1, SAMPLE, 1000])
def test_all_of_few_nodes_and_a_sample_of_many_are_drawn(count: int) -> None:
    pool = Pool(Random(1))
    nodes = {node_record(MemberId(f"node{number:04}".encode())) for number in range(count)}
    for node in nodes:
        pool.put(node)
    drawn = pool.draw(frozenset({"blur"}))
    assert len(drawn) == len(set(drawn)) == min(count, SAMPLE)
    assert set(drawn) <= nodes
    assert pool.draw(frozenset({"rembg"})) == []
    if count > SAMPLE:
        assert set(pool.draw(frozenset())) != set(drawn)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60))
def test_a_pool_is_a_set_however_nodes_come_and_go(changes: list[tuple[int, bool]]) -> None:
    pool = Pool(Random(1))
    model: set[Node] = set()
    nodes = [node_record(MemberId(f"node{number:04}".encode())) for number in range(10)]
    for node in nodes[::2]:
        node.has = frozenset({"blur", "rembg"})
    for number, there in changes:
        (pool.put if there else pool.discard)(nodes[number])
        (model.add if there else model.discard)(nodes[number])
        assert set(pool) == model
        assert set(pool.draw(frozenset())) == model
        assert set(pool.draw(frozenset({"rembg"}))) == model & set(nodes[::2])
