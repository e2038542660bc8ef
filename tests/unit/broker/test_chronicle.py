"""What happened lately is told to people, the oldest forgotten first; lost nodes are missed."""

from pixmesh.broker import status
from pixmesh.broker.chronicle import MOST, MOST_LOST, Chronicle
from pixmesh.broker.leases import LEASE, SUSPECT_AFTER
from pixmesh.broker.messages import Bye, End
from pixmesh.broker.scheduler import Stalled
from pixmesh.broker.views import Happened, LostView, Snapshot

from .records import LATER, NODE, OTHER, OWNER, Talk, submit


def look(talk: Talk) -> Snapshot:
    return status.snapshot(talk.scheduler, talk.now, broker="here", version="1")


def told(talk: Talk) -> list[tuple[str, str]]:
    return [(one.what, one.who) for one in look(talk).happened]


def silent(talk: Talk) -> None:
    """Let every member's lease end."""
    talk.now += LEASE
    talk.turn()


# ---- the record -------------------------------------------------------------------------


def test_what_happened_is_numbered_and_has_its_time() -> None:
    chronicle = Chronicle(100.0)
    chronicle.tell("told", "pi4", "pi4 works again", 101.5)
    chronicle.tell("failed", "a.jpg", "the file is cut off", 102.0)
    assert chronicle.lines == (
        Happened(1, 1.5, "told", "pi4", "pi4 works again"),
        Happened(2, 2.0, "failed", "a.jpg", "the file is cut off"),
    )


def test_of_what_happened_the_last_is_kept_and_numbers_count_on() -> None:
    chronicle = Chronicle(0.0)
    for number in range(MOST + 10):
        chronicle.tell("told", str(number), "", 0.0)
    assert [one.number for one in chronicle.lines] == list(range(11, MOST + 11))


def test_a_lost_node_is_missed_until_it_is_back() -> None:
    chronicle = Chronicle(100.0)
    chronicle.came("pi4", 2, 100.0)
    chronicle.lost("pi4", 2, "went silent", 3, 110.0)
    (missing,) = chronicle.missing
    assert missing == LostView("pi4", 2, 10.0, "went silent", 3)
    chronicle.came("pi4", 2, 111.0)
    assert chronicle.missing == ()
    assert [one.text for one in chronicle.lines] == [
        "is here with 2 slots",
        "went silent: 3 tasks go elsewhere",
        "is back with 2 slots",
    ]


def test_a_node_that_said_it_goes_or_is_forgotten_is_not_missed() -> None:
    chronicle = Chronicle(0.0)
    chronicle.left("atlas", 0, 1.0)
    chronicle.lost("pi4", 2, "went silent", 3, 1.0)
    chronicle.forget(["pi4", "nobody"])
    assert chronicle.missing == ()
    assert [one.what for one in chronicle.lines] == ["left", "lost"]


def test_of_lost_nodes_the_last_are_missed() -> None:
    chronicle = Chronicle(0.0)
    for number in range(MOST_LOST + 5):
        chronicle.lost(f"n{number}", 1, "went silent", 0, 0.0)
    names = [one.name for one in chronicle.missing]
    assert names == [f"n{number}" for number in range(5, MOST_LOST + 5)]


# ---- what is told of a mesh -------------------------------------------------------------


def test_a_node_that_falls_silent_is_missed_with_what_it_had() -> None:
    talk = Talk()
    talk.owner()
    talk.node(slots=2)
    talk.hear(OWNER, submit(1, 2))
    silent(talk)
    (one,) = look(talk).lost
    assert (one.name, one.slots, one.moved, one.at) == ("node....", 2, 2, LATER + LEASE)
    assert told(talk) == [("joined", "node...."), ("lost", "node....")]
    talk.node(slots=2)
    assert look(talk).lost == ()


def test_a_node_that_says_goodbye_is_not_missed() -> None:
    talk = Talk()
    talk.node()
    talk.node(OTHER)
    talk.hear(NODE, Bye())
    assert look(talk).lost == ()
    assert told(talk)[-1] == ("left", "node....")


def test_pictures_that_fail_and_attempts_that_go_wrong_are_told_and_good_ones_are_not() -> None:
    talk = Talk()
    talk.owner()
    talk.node(slots=3)
    talk.hear(OWNER, submit(1, 2, 3))
    done, failed, crashed = talk.assigned()
    talk.ends(done, End.DONE)
    talk.ends(failed, End.FAILED)
    talk.ends(crashed, End.CRASHED)
    names = [one.task.id.hex()[:12] for one in (failed, crashed)]
    assert told(talk)[1:] == [("failed", names[0]), ("trouble", names[1])]
    assert look(talk).happened[1].text == "as the test says (on node....)"


def test_what_the_broker_was_away_for_does_not_count_as_time() -> None:
    talk = Talk()
    talk.node()
    before = look(talk).uptime
    talk.now += 50.0
    talk.scheduler.handle(Stalled(50.0), talk.now)
    assert look(talk).uptime == before
    talk.now += SUSPECT_AFTER
    talk.node(OTHER)
    assert look(talk).happened[-1].at == before + SUSPECT_AFTER
