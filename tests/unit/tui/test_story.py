"""A picture's story: each change with its time, node and reason; what has not begun; what waits."""

import os

import msgspec
import pytest

from pixmesh.node.owner.row import Change, State
from pixmesh.tui.story import Told, as_data, in_words

from .rows import JOB, NOON, arrival, row

TOLD = Told(
    row("a.jpg", State.DONE, node="atlas", attempts=2),
    (
        Change(State.SUBMITTED, JOB, "o", NOON),
        Change(State.FAILED, JOB, "o", NOON + 1, "pi4", "no memory"),
        Change(State.DONE, JOB, "o", NOON + 2, "atlas"),
    ),
)


@pytest.fixture(autouse=True)
def a_plain_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixmesh.tui.story.time.localtime", __import__("time").gmtime)


def test_each_change_is_told_with_its_time_its_node_and_its_reason() -> None:
    assert in_words([TOLD]).splitlines() == [
        "/in/a.jpg -> /out/a.jpg",
        "  blur ksize=5",
        "  done on atlas, 2 attempts",
        "    1970-01-01 12:00:00 submitted",
        "    1970-01-01 12:00:01 failed on pi4: no memory",
        "    1970-01-01 12:00:02 done on atlas",
    ]


def test_a_file_that_is_not_submitted_is_told_with_what_it_waits_for() -> None:
    assert in_words([], arrivals=[arrival("b.jpg", "is not whole")]).splitlines() == [
        f"/in/b.jpg -> /out{os.sep}",
        "  waiting since 1970-01-01 12:00:00: is not whole",
    ]


def test_the_same_is_told_as_data() -> None:
    data = msgspec.json.decode(msgspec.json.encode(as_data([TOLD], arrivals=[arrival("b.jpg")])))
    assert (data["schema"], data["tasks"]) == (1, [])
    (output,), (came,) = data["outputs"], data["arrivals"]
    assert output["history"][1] == {
        "state": "failed",
        "at": NOON + 1,
        "node": "pi4",
        "reason": "no memory",
    }
    assert came == {
        "source": "/in/b.jpg",
        "out": "/out",
        "state": "waiting",
        "reason": "",
        "at": NOON,
    }
