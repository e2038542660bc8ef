"""Status says what is, and why it is not more."""

from pixmesh.broker import status
from pixmesh.broker.leases import LEASE, SUSPECT_AFTER
from pixmesh.broker.messages import Bye, End, FolderItem, Settled, State
from pixmesh.broker.reasons import why_idle, why_waiting
from pixmesh.broker.tasks import Batch, Task
from pixmesh.broker.views import FolderView, Snapshot

from .records import (
    NODE,
    OTHER,
    OWNER,
    THIRD,
    Talk,
    batch_record,
    item,
    load,
    node_record,
    submit,
    task_id,
)


def waiting(*needs: str) -> Batch:
    batch = batch_record(needs=needs)
    task = Task(item(1), batch)
    batch.queue[task.id] = task
    return batch


def look(talk: Talk) -> Snapshot:
    return status.snapshot(talk.scheduler, talk.now, broker="here", version="1")


def test_a_batch_waits_for_a_node_or_for_an_operation_or_for_nothing() -> None:
    assert why_waiting(batch_record(), []) == ""
    assert why_waiting(waiting(), []) == "no node is connected"
    assert why_waiting(waiting("blur", "rembg"), [node_record()]) == "no node has rembg"
    assert why_waiting(waiting("blur"), [node_record()]) == ""


def test_a_node_idles_for_a_reason() -> None:
    node = node_record()
    assert why_idle(node, [], 0.0) == ""
    assert why_idle(node, [waiting("rembg")], 0.0) == "lacks rembg"
    assert why_idle(node, [waiting("rembg"), waiting("blur")], 0.0) == ""
    assert why_idle(node, [], SUSPECT_AFTER + 0.2) == "silent for 3.2 s"
    assert why_idle(node_record(ready=0), [], 0.0) == "its slots are starting"
    node.paused = True
    assert why_idle(node, [], 0.0) == "drained"
    load(node, seconds=1.0)
    assert why_idle(node, [], 0.0) == "draining"
    leaving = node_record()
    leaving.draining = True
    assert why_idle(leaving, [], 0.0) == "draining"
    working = node_record()
    load(working, seconds=1.0)
    assert why_idle(working, [waiting("rembg")], 0.0) == ""


def test_a_snapshot_counts_outcomes_once_they_are_settled() -> None:
    talk = Talk()
    talk.owner()
    talk.node()
    talk.hear(OWNER, submit(1, 2, 3))
    first, second, _ = talk.assigned()
    talk.ends(first, End.DONE)
    talk.ends(second, End.FAILED)
    talk.hear(OWNER, Settled((first.attempt, second.attempt)))
    view = look(talk)
    (batch,), (node,) = view.batches, view.nodes
    assert (batch.done, batch.failed, batch.running, batch.waiting) == (1, 1, 1, 0)
    assert (node.done, node.failed, node.busy, node.held) == (1, 1, 1, 1)
    assert (batch.owner, node.name, view.owners) == ("owner...", "node....", 1)


def test_a_batch_with_nothing_left_is_shown_no_more() -> None:
    talk = Talk()
    talk.owner()
    talk.node()
    talk.hear(OWNER, submit(1))
    assert len(look(talk).batches) == 1
    talk.ends(talk.assigned()[0], End.DONE)
    talk.hear(OWNER, Settled((talk.assigned()[0].attempt,)))
    assert look(talk).batches == ()


def test_a_nodes_state_is_one_word() -> None:
    talk = Talk()
    talk.owner()
    talk.node()
    words = [look(talk).nodes[0].state]
    talk.hear(OWNER, submit(1))
    words.append(look(talk).nodes[0].state)
    talk.hear(NODE, Bye(draining=True))
    words.append(look(talk).nodes[0].state)
    talk.now += SUSPECT_AFTER
    words.append(look(talk).nodes[0].state)
    talk.node(boot=2)
    talk.hear(NODE, State(ready=0))
    words.append(look(talk).nodes[0].state)
    assert words == ["idle", "working", "draining", "late", "warming"]
    assert talk.tasks == 1
    assert task_id(1) in talk.scheduler.owners[OWNER].tasks


# ---- watched folders ------------------------------------------------------------------


def folder(name: str, *, written: int = 0) -> FolderItem:
    return FolderItem(name, f"{name}-out", 1, 2, 3, written, 5, "the disk is full")


def watched(talk: Talk) -> list[tuple[str, str, int]]:
    return [(one.owner, one.source, one.written) for one in look(talk).folders]


def test_a_watched_folder_is_shown_as_its_owner_tells_it() -> None:
    talk = Talk()
    talk.owner()
    talk.hear(OWNER, State(folders=(folder("in", written=4),)))
    known = status.folder_id(OWNER, folder("in"))
    assert look(talk).folders == (
        FolderView("owner...", "in", "in-out", 1, 2, 3, 4, 5, "the disk is full", known),
    )


def test_the_last_word_on_folders_counts_and_each_owner_has_its_own() -> None:
    talk = Talk()
    talk.owner()
    talk.owner(OTHER)
    talk.hear(OWNER, State(folders=(folder("a"), folder("b"))))
    talk.hear(OTHER, State(folders=(folder("c"),)))
    talk.hear(OWNER, State(folders=(folder("a", written=7),)))
    assert watched(talk) == [("owner...", "a", 7), ("other...", "c", 0)]
    talk.hear(OWNER, State())
    assert watched(talk) == [("other...", "c", 0)]


def test_folders_are_forgotten_with_their_owners_session() -> None:
    talk = Talk()
    for member in (OWNER, OTHER, THIRD):
        talk.owner(member)
        talk.hear(member, State(folders=(folder("in"),)))
    talk.hear(OTHER, Bye())
    assert [one for one, *_ in watched(talk)] == ["owner...", "third..."]
    talk.owner(boot=2)
    assert [one for one, *_ in watched(talk)] == ["third..."]
    talk.now += LEASE
    talk.turn()
    assert watched(talk) == []


def test_nobody_but_an_owner_has_folders() -> None:
    talk = Talk()
    talk.node()
    talk.hear(NODE, State(ready=1, folders=(folder("a node's"),)))
    talk.hear(THIRD, State(folders=(folder("a stranger's"),)))
    assert look(talk).folders == ()
    assert look(talk).nodes[0].state == "idle"
