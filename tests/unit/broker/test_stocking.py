"""Weights are fetched where tasks wait for them: from who has them, else by one node at a time."""

from collections.abc import Collection, Sequence

from msgspec import structs

from pixmesh.broker.leases import SUSPECT_AFTER
from pixmesh.broker.messages import Ask, End, MemberId, Result, State
from pixmesh.broker.nodes import LONGEST_WARMING, Node
from pixmesh.broker.reasons import why_idle, why_waiting
from pixmesh.broker.stocking import AGAIN, LOOK_EVERY, Errand, Stocking, has_of
from pixmesh.broker.tasks import Batch, Task

from .records import (
    NODE,
    OTHER,
    OWNER,
    THIRD,
    Talk,
    batch_record,
    end_item,
    item,
    node_record,
    submit,
    task_id,
)

NOW = 10.0


def here(
    member: MemberId,
    *models: str,
    operations: Sequence[str] = ("blur",),
    cold: Collection[str] = (),
) -> Node:
    node = node_record(member)
    node.models = frozenset(models)
    node.has = has_of(operations, node.models.difference(cold))
    node.lease.renew(NOW)
    return node


def waiting(*needs: str, tasks: int = 1) -> Batch:
    batch = batch_record(needs=needs)
    for number in range(tasks):
        task = Task(item(number), batch)
        batch.queue[task.id] = task
    return batch


def errands(stocking: Stocking, nodes: Sequence[Node], *batches: Batch, at: float) -> list[Errand]:
    for node in nodes:
        node.lease.renew(at)
    return list(stocking.errands({one.id: one for one in nodes}, batches, at))


def test_all_that_could_do_it_fetch_from_one_that_has_it() -> None:
    nodes = [here(NODE, "u2net"), here(OTHER), here(THIRD)]
    stocking = Stocking()
    found = errands(stocking, nodes, waiting("blur", "model u2net"), at=NOW)
    assert [(one.node.id, one.model, one.holder) for one in found] == [
        (OTHER, "u2net", NODE),
        (THIRD, "u2net", NODE),
    ]
    assert errands(stocking, nodes, waiting("blur", "model u2net"), at=NOW + 1) == []
    again = errands(stocking, nodes, waiting("blur", "model u2net"), at=NOW + AGAIN)
    assert len(again) == 2


def test_one_that_has_another_reason_fetches_nothing() -> None:
    other = here(OTHER, operations=("sobel",))
    drained = here(THIRD)
    drained.paused = True
    nodes = [here(NODE, "u2net"), other, drained]
    assert errands(Stocking(), nodes, waiting("blur", "model u2net"), at=NOW) == []
    assert errands(Stocking(), [here(NODE)], waiting("blur"), at=NOW) == []
    assert errands(Stocking(), [here(NODE)], at=NOW) == []


def test_where_nobody_has_them_one_after_the_other_tries() -> None:
    nodes, batch = [here(NODE), here(OTHER)], waiting("blur", "model u2net")
    stocking = Stocking()
    (first,) = errands(stocking, nodes, batch, at=NOW)
    assert (first.node.id, first.holder) == (NODE, None)
    assert errands(stocking, nodes, batch, at=NOW + AGAIN / 2) == []
    first.node.pulling = "u2net, 10%"
    assert errands(stocking, nodes, batch, at=NOW + 5 * AGAIN) == []
    first.node.pulling, first.node.unfetched = "", "u2net: no route"
    (second,) = errands(stocking, nodes, batch, at=NOW + 6 * AGAIN)
    assert second.node.id == OTHER
    (third,) = errands(stocking, nodes, batch, at=NOW + 7 * AGAIN)
    assert third.node.id == NODE


def test_who_fails_again_and_again_is_told_ever_more_seldom() -> None:
    node, batch, stocking = here(NODE), waiting("blur", "model u2net"), Stocking()
    told = []
    for second in range(2000):
        told += [second for _ in errands(stocking, [node], batch, at=NOW + second)]
    assert told == [0, 10, 30, 70, 150, 310, 630, 1270, 1910]


def test_a_node_that_is_silent_is_neither_asked_nor_named() -> None:
    silent, lacking = here(NODE, "u2net"), here(OTHER)
    batch, late = waiting("blur", "model u2net"), NOW + SUSPECT_AFTER
    lacking.lease.renew(late)
    (one,) = Stocking().errands({NODE: silent, OTHER: lacking}, [batch], late)
    assert (one.node.id, one.holder) == (OTHER, None)


def test_as_many_load_a_model_as_there_are_tasks_for_it() -> None:
    nodes = [here(one, "u2net", cold={"u2net"}) for one in (NODE, OTHER, THIRD)]
    stocking, two = Stocking(), waiting("blur", "model u2net", tasks=2)
    told = errands(stocking, nodes, two, at=NOW)
    assert [(one.node.id, one.holder) for one in told] == [(NODE, None), (OTHER, None)]
    nodes[0].warming = nodes[1].warming = "u2net"
    assert errands(stocking, nodes, two, at=NOW + 5 * AGAIN) == []
    (third,) = errands(stocking, nodes, waiting("model u2net", tasks=3), at=NOW + 6 * AGAIN)
    assert third.node.id == THIRD


def test_who_has_not_loaded_a_model_lends_its_weights_all_the_same() -> None:
    nodes = [here(NODE, "u2net", cold={"u2net"}), here(OTHER)]
    told = errands(Stocking(), nodes, waiting("blur", "model u2net"), at=NOW)
    assert [(one.node.id, one.holder) for one in told] == [(NODE, None), (OTHER, NODE)]


def test_who_has_loaded_a_model_is_told_at_once_when_it_has_not_any_more() -> None:
    cold, batch, stocking = here(NODE, "u2net", cold={"u2net"}), waiting("model u2net"), Stocking()
    assert len(errands(stocking, [cold], batch, at=NOW)) == 1
    assert errands(stocking, [here(NODE, "u2net")], batch, at=NOW + 1) == []
    assert len(errands(stocking, [cold], batch, at=NOW + 2)) == 1


def test_what_is_loaded_or_could_not_be_is_the_reason() -> None:
    node, batch = here(NODE, "u2net", cold={"u2net"}), waiting("blur", "model u2net")
    node.warming = "u2net"
    assert why_waiting(batch, [node]) == "weights come: node.... is warming u2net"
    assert why_idle(node, [batch], NOW) == "is warming u2net"
    node.warming, node.unloaded = "", "u2net: it takes 1.2 GB of memory, and 0.3 are free"
    why = "could not load u2net: it takes 1.2 GB of memory, and 0.3 are free"
    assert why_waiting(batch, [node]) == f"no node has model u2net; node.... {why}"
    assert why_idle(node, [batch], NOW) == f"lacks model u2net; {why}"


def test_what_is_fetched_or_could_not_be_is_the_reason() -> None:
    node, batch = here(NODE), waiting("blur", "model u2net")
    assert why_waiting(batch, [node]) == "no node has model u2net"
    assert why_idle(node, [batch], NOW) == "lacks model u2net"
    node.pulling = "u2net, 30%"
    assert why_waiting(batch, [node]) == "weights come: node.... fetches u2net, 30%"
    assert why_idle(node, [batch], NOW) == "fetches u2net, 30%"
    node.pulling, node.unfetched = "", "u2net: no route"
    assert why_waiting(batch, [node]).endswith("; node.... could not fetch u2net: no route")
    assert why_idle(node, [batch], NOW) == "lacks model u2net; could not fetch u2net: no route"


def test_a_node_that_fetches_one_model_loads_another_meanwhile() -> None:
    node, stocking = here(NODE, "u2net", cold={"u2net"}), Stocking()
    node.pulling = "blip, 10%"
    batches = [waiting("model u2net"), waiting("model blip")]
    assert [one.model for one in errands(stocking, [node], *batches, at=NOW)] == ["u2net"]


def test_who_is_kept_for_a_task_loads_nothing() -> None:
    node, batch = here(NODE, "u2net", cold={"u2net"}), waiting("model u2net")
    node.kept_for = Task(item(9), batch)
    assert errands(Stocking(), [node], batch, at=NOW) == []


def test_who_says_for_ever_that_it_loads_a_model_is_not_believed() -> None:
    node, batch = here(NODE, "u2net", cold={"u2net"}), waiting("model u2net")
    says = State(ready=1, warming="u2net")
    node.beats(says, NOW)
    node.beats(says, NOW + LONGEST_WARMING - 1)
    assert why_waiting(batch, [node]) == "weights come: node.... is warming u2net"
    node.beats(says, NOW + LONGEST_WARMING)
    assert why_waiting(batch, [node]) == "no node has model u2net"
    node.beats(State(ready=1), NOW + LONGEST_WARMING + 1)
    node.beats(says, NOW + LONGEST_WARMING + 2)
    assert node.warming == "u2net"


MODEL = "model u2net"
COLD = State(ready=1, models=("u2net",), cold=("u2net",))


def errands_of(talk: Talk, node: MemberId) -> list[str]:
    return [one.about for one in talk.heard_by(node) if isinstance(one, Ask)]


def test_a_node_gets_what_needs_a_model_when_it_has_loaded_that_and_all_else_before() -> None:
    talk = Talk()
    talk.owner()
    talk.node()
    talk.hear(NODE, COLD)
    talk.hear(OWNER, submit(1, needs=("blur", MODEL)))
    talk.hear(OWNER, submit(2, seq=2, batch=2, needs=("blur",)))
    assert errands_of(talk, NODE) == ["u2net"]
    assert [one.task.id for one in talk.assigned()] == [task_id(2)]
    talk.hear(NODE, State(ready=1, models=("u2net",)))
    assert [one.task.id for one in talk.assigned()] == [task_id(2), task_id(1)]


WARM = State(ready=1, models=("u2net",))


def test_a_model_is_loaded_again_for_what_is_set_aside() -> None:
    talk = Talk()
    talk.owner()
    talk.node()
    talk.hear(NODE, WARM)
    talk.hear(OWNER, submit(1, needs=("blur", MODEL)))
    (given,) = talk.assigned()
    talk.hear(NODE, COLD)  # the model's process is gone
    lost = structs.replace(end_item(given, End.RETURNED), code="no-model")
    talk.now += LOOK_EVERY
    talk.hear(NODE, Result((lost,)))
    assert not talk.scheduler.tasks.fairness
    assert errands_of(talk, NODE) == ["u2net"]
    talk.hear(NODE, WARM)
    assert [one.task.id for one in talk.assigned()] == [task_id(1), task_id(1)]


def test_a_model_that_went_between_two_batches_is_sent_for_as_if_for_the_first_time() -> None:
    talk = Talk()
    talk.owner()
    talk.node()
    for number in range(1, 9):
        talk.hear(NODE, COLD)
        talk.hear(OWNER, submit(number, seq=number, batch=number, needs=("blur", MODEL)))
        talk.hear(NODE, WARM)
        talk.ends(talk.assigned()[-1], End.DONE)
        talk.now += LOOK_EVERY
        talk.hear(NODE, WARM)
        talk.now += LOOK_EVERY
        assert len(errands_of(talk, NODE)) == number


def test_what_a_new_batch_or_a_new_node_lacks_is_sent_for_at_once() -> None:
    talk = Talk()
    talk.owner()
    talk.hear(OWNER, submit(1, needs=("blur", "model blip")))
    talk.node()
    talk.hear(NODE, COLD)
    assert errands_of(talk, NODE) == ["blip"]
    talk.hear(OWNER, submit(2, seq=2, batch=2, needs=("blur", MODEL)))
    assert errands_of(talk, NODE) == ["blip", "u2net"]
