"""Every task can say where it is, what it waits for and what was tried; people can intervene."""

import msgspec
import pytest

from pixmesh.broker.members import Refused
from pixmesh.broker.messages import End, Settled, State
from pixmesh.broker.orders import drain, resume
from pixmesh.broker.views import Story
from pixmesh.broker.why import why

from .records import NODE, OTHER, OWNER, Talk, submit, task_id


def mesh(*numbers: int) -> Talk:
    talk = Talk()
    talk.owner()
    talk.node()
    talk.hear(OWNER, submit(*numbers))
    return talk


def story(talk: Talk, number: int = 1) -> Story:
    (told,) = why(talk.scheduler, task_id(number).hex(), talk.now)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=Story) == told
    return told


def crash(talk: Talk, number: int = 1) -> None:
    (attempt,) = talk.scheduler.owners[OWNER].tasks[task_id(number)].live
    talk.hear(attempt.node.id, talk.result(attempt, End.CRASHED))


def test_a_task_under_way_says_where_and_for_how_long() -> None:
    talk = mesh(1)
    talk.now += 2.0
    (now,) = story(talk).now
    assert (now.node, now.seconds, now.alone) == ("node....", 2.0, False)
    assert story(talk).place == "placed"


def test_a_waiting_task_says_how_many_go_before_it() -> None:
    talk = mesh(*range(1, 9))
    last = story(talk, 8)
    assert last.place == "waiting"
    assert last.reason.endswith("of its batch go before it")


def test_a_task_that_no_node_can_do_says_what_is_missing() -> None:
    talk = Talk()
    talk.owner()
    talk.hear(OWNER, submit(1, needs=("rembg",)))
    assert story(talk).reason == "no node is connected"
    talk.node()
    assert story(talk).reason == "no node has rembg"


def test_a_suspect_says_what_it_cost_and_what_it_waits_for() -> None:
    talk = mesh(1, 2)
    crash(talk)
    told = story(talk)
    assert told.place == "aside"
    assert told.reason == (
        "it may have cost a slot or a node, so it runs alone; node.... is kept for it"
    )
    assert [(one.node, one.code, one.alone) for one in told.tries] == [
        ("node....", "crashed", False)
    ]
    assert why(talk.scheduler, "no such task", talk.now) == ()
    assert why(talk.scheduler, "00", talk.now) == ()


def test_a_quarantined_picture_is_known_after_its_owner_has_left() -> None:
    talk = mesh(1)
    for _ in range(3):
        crash(talk)
    talk.hear(OWNER, Settled((talk.told()[0].attempt,)))
    told = story(talk)
    assert told.place == "quarantined"
    assert "2 slots that ran it alone" in told.reason


def test_a_drained_node_gets_nothing_new_until_it_is_resumed() -> None:
    talk = mesh(1)
    assert drain(talk.scheduler, "node....") == "node.... gets nothing new and finishes 1 tasks"
    talk.hear(OWNER, submit(2, seq=2))
    assert len(talk.assigned()) == 1
    assert story(talk, 2).reason == "node.... takes nothing new (draining)"
    talk.node(OTHER)
    assert [one.task.id for one in talk.assigned(OTHER)] == [task_id(2)]
    talk.hear(OWNER, submit(*range(3, 20), seq=3))
    assert len(talk.assigned()) == 1
    assert resume(talk.scheduler, "node....") == "node.... works again"
    talk.turn()
    assert len(talk.assigned()) > 1
    assert resume(talk.scheduler, "node....").endswith("neither drained nor quarantined")


def test_an_order_for_a_node_that_is_not_there_names_those_that_are() -> None:
    talk = mesh()
    talk.hear(NODE, State(ready=1))
    with pytest.raises(Refused, match="no node is called 'atlas'") as refused:
        drain(talk.scheduler, "atlas")
    assert refused.value.remedy == "connected are: node...."
