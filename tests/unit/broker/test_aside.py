"""Tasks that need a node of their own get one, and the others go on."""

from msgspec import structs

from pixmesh.broker.lifecycle import MOST_ATTEMPTS
from pixmesh.broker.messages import Ask, Drop, End, Load, LoadedItem, Result, State, Submit
from pixmesh.broker.nodes import MOST_REFUSALS, REST
from pixmesh.broker.reasons import why_not_placed
from pixmesh.broker.stocking import LOOK_EVERY
from pixmesh.broker.tasks import Place, Task

from .records import NODE, OTHER, OWNER, THIRD, Talk, end_item, hello, item, submit, task_id


def big(number: int, memory: int, *, seq: int = 1, batch: int = 1) -> Submit:
    return structs.replace(submit(seq=seq, batch=batch), tasks=(item(number, memory=memory),))


def task(talk: Talk, number: int) -> Task:
    return talk.scheduler.owners[OWNER].tasks[task_id(number)]


def mesh(*nodes: tuple[bytes, int], slots: int = 4) -> Talk:
    """An owner, and nodes with so much memory."""
    talk = Talk()
    talk.owner()
    for member, memory in nodes:
        talk.join(member, hello("node", member.decode(), slots=slots, memory=memory))  # type: ignore[arg-type]
        talk.hear(member, State(ready=slots))  # type: ignore[arg-type]
    return talk


def test_memory_is_reserved_before_anything_is_given() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(OWNER, big(1, 600))
    talk.hear(OWNER, big(2, 600, seq=2))
    assert task(talk, 1).place is Place.PLACED
    assert task(talk, 2).place is Place.ASIDE
    talk.ends(talk.assigned()[0], End.DONE)
    assert task(talk, 2).place is Place.PLACED


def test_small_tasks_do_not_take_each_gap_that_a_big_one_waits_for() -> None:
    talk = mesh((NODE, 1000))
    for number in range(1, 5):
        talk.hear(OWNER, big(number, 250, seq=number))
    talk.hear(OWNER, big(5, 900, seq=5))
    talk.hear(OWNER, big(6, 100, seq=6))
    for given in talk.assigned():
        assert task(talk, 6).place is Place.WAITING
        talk.ends(given, End.DONE)
    assert task(talk, 5).place is Place.PLACED
    assert task(talk, 6).place is Place.PLACED


def test_other_nodes_go_on_while_one_is_kept() -> None:
    talk = mesh((NODE, 1000), (OTHER, 100))
    talk.hear(OWNER, big(1, 600))
    talk.hear(OWNER, big(2, 600, seq=2))
    talk.hear(OWNER, submit(3, 4, 5, seq=3))
    assert {given.task.id for given in talk.assigned(OTHER)} == {task_id(n) for n in (3, 4, 5)}


def test_what_fits_nowhere_is_a_reason_and_keeps_nobody_waiting() -> None:
    talk = mesh((NODE, 1000), (OTHER, 500))
    talk.hear(OWNER, big(1, 3_000_000_000))
    talk.hear(OWNER, submit(2, seq=2))
    assert task(talk, 2).place is Place.PLACED
    why = why_not_placed(task(talk, 1), list(talk.scheduler.nodes.values()))
    assert why == "fits nowhere: it needs 3.0 GB, node.... has most with 0.0 GB"
    talk.join(THIRD, hello("node", "third...", memory=4_000_000_000))
    talk.hear(THIRD, State(ready=1))
    assert task(talk, 1).live[0].node.id == THIRD


def test_a_node_that_ran_short_of_memory_is_asked_for_less() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(NODE, State(ready=4, memory=50))
    talk.hear(OWNER, big(1, 600))
    assert task(talk, 1).place is Place.ASIDE
    talk.hear(NODE, State(ready=4, memory=700))
    assert task(talk, 1).place is Place.PLACED


MODEL = "model u2net"


def with_models(*loaded: LoadedItem, memory: int, models: tuple[str, ...] = ("u2net",)) -> State:
    return State(ready=4, memory=memory, models=models, loaded=loaded)


def test_what_a_model_takes_that_a_task_needs_is_not_the_tasks() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(NODE, with_models(LoadedItem("u2net", 500), memory=500))
    needy = structs.replace(big(1, 600), needs=("blur", MODEL))
    talk.hear(OWNER, needy)
    assert task(talk, 1).place is Place.ASIDE
    assert talk.scheduler.nodes[NODE].kept_for is None
    why = why_not_placed(task(talk, 1), list(talk.scheduler.nodes.values()))
    assert why.startswith("fits nowhere")
    talk.hear(NODE, State(ready=4))
    talk.hear(NODE, with_models(LoadedItem("u2net", 400), memory=600))
    assert task(talk, 1).place is Place.PLACED


def test_models_that_a_task_does_not_need_make_room_for_it_once_its_node_is_free() -> None:
    talk = mesh((NODE, 1000))
    holds = with_models(LoadedItem("u2net", 500), memory=500)
    talk.hear(NODE, holds)
    talk.hear(OWNER, big(1, 400))
    talk.hear(OWNER, big(2, 600, seq=2))
    assert talk.scheduler.nodes[NODE].kept_for is task(talk, 2)
    for _ in range(3):
        talk.now += LOOK_EVERY
        talk.hear(NODE, holds)
    assert Ask(what="room") not in talk.heard_by(NODE)
    talk.ends(talk.assigned()[0], End.DONE)
    talk.now += LOOK_EVERY
    talk.hear(NODE, holds)
    assert talk.heard_by(NODE).count(Ask(what="room")) == 1
    talk.hear(NODE, State(ready=4, models=("u2net",), cold=("u2net",)))
    assert task(talk, 2).place is Place.PLACED


def test_a_node_that_lost_what_a_task_needs_is_kept_for_it_no_more() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(NODE, with_models(memory=1000))
    talk.hear(OWNER, big(1, 600))
    talk.hear(OWNER, structs.replace(big(2, 600, seq=2, batch=2), needs=("blur", MODEL)))
    node = talk.scheduler.nodes[NODE]
    assert node.kept_for is task(talk, 2)
    talk.hear(NODE, State(ready=4, models=("u2net",), cold=("u2net",)))
    assert node.kept_for is None
    talk.ends(talk.assigned()[0], End.DONE)
    assert task(talk, 2).place is Place.ASIDE
    talk.hear(NODE, with_models(memory=1000))
    assert task(talk, 2).place is Place.PLACED


def test_a_task_given_up_while_it_runs_keeps_its_memory_until_it_is_over() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(OWNER, big(1, 600))
    attempt = talk.assigned()[0].attempt
    talk.hear(OWNER, Drop(tasks=(task_id(1),)))
    talk.hear(OWNER, big(2, 600, seq=2))
    assert task(talk, 2).place is Place.ASIDE
    assert attempt in talk.scheduler.nodes[NODE].strays
    talk.hear(NODE, State(ready=4, seen=1))
    assert task(talk, 2).place is Place.PLACED


def test_a_task_set_aside_can_be_cancelled_and_its_node_is_kept_no_more() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(OWNER, big(1, 600))
    talk.hear(OWNER, big(2, 600, seq=2))
    assert talk.scheduler.nodes[NODE].kept_for is task(talk, 2)
    talk.hear(OWNER, Drop(tasks=(task_id(2),), unstarted=True))
    assert talk.scheduler.nodes[NODE].kept_for is None
    talk.hear(OWNER, submit(3, seq=3))
    assert task(talk, 3).place is Place.PLACED


def test_another_node_is_kept_when_the_one_kept_is_lost() -> None:
    talk = mesh((NODE, 1000), (OTHER, 900))
    talk.hear(OWNER, big(1, 800))
    talk.hear(OWNER, big(2, 800, seq=2))
    talk.hear(OWNER, big(3, 800, seq=3))
    kept = next(node for node in talk.scheduler.nodes.values() if node.kept_for is not None)
    left = OTHER if kept.id == NODE else NODE
    talk.node(kept.id, boot=2)
    talk.hear(left, Result((end_item(talk.assigned(left)[0], End.DONE),)))
    assert task(talk, 3).place is Place.PLACED


def test_a_task_that_a_node_could_not_do_goes_to_another() -> None:
    talk = mesh((NODE, 1000), (OTHER, 1000))
    talk.hear(OWNER, submit(1))
    first = task(talk, 1).live[0].node
    attempt = task(talk, 1).live[0]
    talk.hear(first.id, talk.result(attempt, End.RETURNED))
    assert task(talk, 1).live[0].node is not first
    assert not task(talk, 1).live[0].alone


def test_a_lone_node_is_tried_again_and_again_and_then_it_is_said() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(OWNER, submit(1))
    for _ in range(MOST_ATTEMPTS):
        talk.ends(talk.assigned()[-1], End.RETURNED)
    assert [one.code for one in talk.told()] == ["returned"]


def test_what_was_returned_before_it_began_is_no_attempt() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(OWNER, submit(1))
    for _ in range(3 * MOST_ATTEMPTS):
        end = end_item(talk.assigned()[-1], End.RETURNED, code="draining")
        talk.hear(NODE, Result((end,)))
    assert talk.told() == []
    assert task(talk, 1).tries == 1


def test_a_node_whose_disk_is_full_rests_a_while() -> None:
    talk = mesh((NODE, 1000))
    talk.hear(OWNER, submit(*range(1, 20)))
    for given in talk.assigned()[:MOST_REFUSALS]:
        talk.hear(NODE, Result((end_item(given, End.RETURNED, code="disk-full"),)))
    count = len(talk.assigned())
    talk.hear(OWNER, submit(30, seq=2))
    assert len(talk.assigned()) == count
    talk.now += REST
    talk.hear(NODE, State(ready=4, seen=0))
    assert len(talk.assigned()) > count


def test_a_node_takes_nothing_new_while_others_use_its_machine() -> None:
    talk = Talk()
    talk.owner()
    talk.join(NODE, structs.replace(hello("node", "node...."), max_load=0.8))
    for _ in range(10):
        talk.hear(NODE, State(ready=1, load=Load(cpu=1.0, cpu_others=0.95)))
    talk.hear(OWNER, submit(1))
    assert task(talk, 1).place is Place.WAITING
    for _ in range(10):
        talk.hear(NODE, State(ready=1, load=Load(cpu=0.1)))
    assert task(talk, 1).place is Place.PLACED
