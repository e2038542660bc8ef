"""What limits the whole is named: the first of what there is too little of."""

import pytest
from msgspec import structs

from pixmesh.broker.bottleneck import LASTING, limited_by
from pixmesh.broker.leases import SUSPECT_AFTER
from pixmesh.broker.messages import HeldItem, MemberId, Phase, State
from pixmesh.broker.messages import Load as LoadItem
from pixmesh.broker.nodes import LONG_FETCH, Node
from pixmesh.broker.tasks import MANY_UNWRITTEN, Batch, Task

from .records import NODE, OTHER, batch_record, item, load, node_record

LATE = 10.0


def waiting(*needs: str) -> Batch:
    batch = batch_record(needs=needs)
    task = Task(item(1), batch)
    batch.queue[task.id] = task
    return batch


def placed(name: str = "studio") -> Batch:
    batch = batch_record()
    batch.owner.hello = structs.replace(batch.owner.hello, name=name)
    batch.placed = 1
    return batch


def here(member: MemberId = NODE, *, busy: bool = False) -> Node:
    """Return a node of one slot that was just heard."""
    node = node_record(member)
    node.lease.renew(LATE)
    if busy:
        load(node, seconds=1.0)
    return node


def starved(member: MemberId = NODE, *, rate: float = 0.0, host: str = "") -> Node:
    """Return a node whose slots idle for pixels that come at a rate."""
    node = here(member)
    node.starved, node.load = LATE - LASTING, LoadItem(net_in=rate)
    node.hello = structs.replace(node.hello, host=host)
    return node


def behind(since: float = LATE - LASTING) -> Batch:
    """Return a batch whose owner has been behind with writing since then."""
    batch = placed()
    batch.owner.beats(State(unwritten=MANY_UNWRITTEN), since)
    return batch


# ---- nodes, operations, slots -----------------------------------------------------------


def test_with_nothing_to_do_nothing_limits() -> None:
    assert limited_by([], [], LATE) == ""
    assert limited_by([here()], [], LATE) == ""
    assert limited_by([here(busy=True)], [placed()], LATE) == ""


def test_work_waits_for_nodes_where_none_is_heard() -> None:
    assert limited_by([], [waiting()], LATE) == "nodes: none is connected"
    assert limited_by([here()], [waiting()], LATE + SUSPECT_AFTER) == "nodes: none is connected"


def test_an_operation_that_no_node_has_limits_where_all_that_waits_needs_it() -> None:
    assert limited_by([here()], [waiting("rembg")], LATE) == "no node has rembg"
    assert limited_by([here()], [waiting("rembg"), waiting("blur")], LATE) == ""


def test_slots_limit_where_each_is_taken_and_more_waits() -> None:
    assert limited_by([here()], [waiting("blur")], LATE) == ""
    assert limited_by([here(busy=True)], [waiting("blur"), waiting("rembg")], LATE) == "slots"
    assert limited_by([here(busy=True), here(OTHER)], [waiting("blur")], LATE) == ""


def test_nodes_that_could_take_nothing_do_not_hide_that_slots_limit() -> None:
    drained, lacking = here(OTHER), here(OTHER)
    drained.draining = True
    lacking.has = frozenset({"sobel"})
    for other in (drained, lacking):
        assert limited_by([here(busy=True), other], [waiting("blur")], LATE) == "slots"


def test_where_no_node_could_take_anything_that_is_the_limit() -> None:
    drained, batch = here(busy=True), waiting("blur")
    drained.paused, batch.placed = True, 1
    assert limited_by([drained], [batch], LATE) == "node.... takes nothing new (draining)"
    assert limited_by([drained], [behind()], LATE) == "disk of studio"


# ---- links ------------------------------------------------------------------------------


def test_slots_that_idle_for_pixels_name_the_link_after_a_while() -> None:
    node = starved(rate=11.2e6)
    assert limited_by([node], [placed()], LATE - 0.1) == ""
    assert limited_by([node], [placed()], LATE) == "network into node.... (11.2 MB/s)"


def test_of_several_links_the_slowest_is_named() -> None:
    nodes = [starved(rate=9e6, host="a"), starved(OTHER, rate=2e6, host="b"), here()]
    assert limited_by(nodes, [placed()], LATE) == "network into other... (2.0 MB/s)"


@pytest.mark.parametrize(
    ("hosts", "owners", "named"),
    [
        (("a", "b"), ("studio",), "network out of studio"),
        (("a", "a"), ("studio",), "network into node.... (1.0 MB/s)"),
        (("a", "b"), ("studio", "shed"), "network into node.... (1.0 MB/s)"),
    ],
)
def test_where_all_machines_idle_for_one_owners_pixels_it_is_that_owners_link(
    hosts: tuple[str, str], owners: tuple[str, ...], named: str
) -> None:
    nodes = [starved(NODE, rate=1e6, host=hosts[0]), starved(OTHER, rate=2e6, host=hosts[1])]
    assert limited_by(nodes, [placed(owner) for owner in owners], LATE) == named


def fetching(node: Node, phase: Phase = Phase.FETCHING) -> State:
    (attempt,) = node.active
    return State(ready=2, held=(HeldItem(attempt, phase),))


def test_a_node_idles_for_pixels_from_its_heartbeat_that_tells_so_until_another_does_not() -> None:
    node = node_record(ready=2)
    load(node, seconds=1.0)
    told = []
    for now, phase in [
        (LONG_FETCH - 0.1, Phase.FETCHING),
        (LONG_FETCH, Phase.FETCHING),
        (LONG_FETCH + 1, Phase.FETCHING),
        (LONG_FETCH + 2, Phase.RUNNING),
    ]:
        node.beats(fetching(node, phase), now)
        told.append(node.starved)
    assert told == [None, LONG_FETCH, LONG_FETCH, None]


def test_slots_that_have_work_do_not_idle_whatever_else_is_fetched() -> None:
    node = node_record(ready=1)
    load(node, seconds=1.0, count=2)
    first, second = node.active
    held = (HeldItem(first, Phase.RUNNING), HeldItem(second, Phase.FETCHING))
    node.beats(State(ready=1, held=held), LATE)
    assert node.starved is None
    assert node.fetching == 1


# ---- disks ------------------------------------------------------------------------------


def test_results_that_wait_to_be_written_for_a_while_name_the_owners_disk() -> None:
    assert limited_by([here()], [behind(LATE - LASTING + 0.1)], LATE) == ""
    assert limited_by([here()], [behind()], LATE) == "disk of studio"


def test_an_owner_is_behind_from_its_heartbeat_that_tells_so_until_another_does_not() -> None:
    owner = placed().owner
    told = []
    for now, unwritten in enumerate([MANY_UNWRITTEN - 1, MANY_UNWRITTEN, 10**6, 0]):
        owner.beats(State(unwritten=unwritten), float(now))
        told.append(owner.behind)
    assert told == [None, 1.0, 1.0, None]


# ---- several at once --------------------------------------------------------------------


def test_of_several_limits_the_one_that_hides_the_others_is_named() -> None:
    slow, full = starved(rate=1e6), here(OTHER, busy=True)
    late = behind()
    assert limited_by([], [waiting("rembg"), late], LATE) == "nodes: none is connected"
    assert limited_by([slow, full], [waiting("rembg"), late], LATE) == "no node has rembg"
    assert limited_by([slow, full], [waiting("blur"), late], LATE).startswith("network into node")
    assert limited_by([full], [waiting("blur"), late], LATE) == "slots"
    assert limited_by([here(), full], [waiting("blur"), late], LATE) == "disk of studio"
