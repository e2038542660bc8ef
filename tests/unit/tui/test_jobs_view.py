"""The list of pictures: the latest first, what became of each, and how many of which state."""

import os
from pathlib import Path

import msgspec
import pytest

from pixmesh.node.owner.listing import STATES
from pixmesh.node.owner.row import State
from pixmesh.tui.commands import jobs
from pixmesh.tui.jobs_view import as_data, in_words, lines
from pixmesh.tui.story import moment

from .rows import JOB, NOON, arrival, row


@pytest.fixture(autouse=True)
def a_plain_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixmesh.tui.story.time.localtime", __import__("time").gmtime)


def test_outputs_and_arrivals_are_one_list_the_latest_first() -> None:
    rows = [row("new.jpg", changed=9.0), row("old.jpg", changed=1.0)]
    chosen = lines(rows, [arrival("between.jpg", at=5.0)], most=50)
    assert [Path(one.source).name for one in chosen] == ["new.jpg", "between.jpg", "old.jpg"]
    assert [one.at for one in lines(rows, [arrival(at=5.0)], most=2)] == [9.0, 5.0]


def test_each_line_says_what_when_where_and_why_and_the_last_one_counts() -> None:
    rows = [
        row("a.jpg", node="atlas", attempts=2, seconds=0.5),
        row("b.jpg", State.FAILED, reason="is truncated", changed=NOON - 1),
    ]
    chosen = lines(rows, [arrival("c.jpg", "is not whole", NOON - 2)], most=50)
    head, *listed, last = in_words(chosen, {"waiting": 1, "done": 1, "failed": 1})
    assert head.split() == ["STATE", "SINCE", "NODE", "TRIES", "SECONDS", "PICTURE"]
    assert [line.split() for line in listed] == [
        ["done", "1970-01-01", "12:00:00", "atlas", "2", "0.50", "/in/a.jpg", "->", "/out/a.jpg"],
        ["failed", "1970-01-01", "11:59:59", "/in/b.jpg", "->", "/out/b.jpg:", "is", "truncated"],
        f"waiting 1970-01-01 11:59:58 /in/c.jpg -> /out{os.sep}: is not whole".split(),
    ]
    assert last == "1 waiting, 1 done, 1 failed"


def test_the_last_line_says_that_there_is_more_and_that_there_is_nothing() -> None:
    assert in_words(lines([row()], [], most=50), {"done": 7})[-1] == (
        "7 done; the latest 1 are shown"
    )
    assert in_words([], {}) == ["nothing"]


def test_the_same_as_data_has_a_schema_and_names_that_can_be_written() -> None:
    odd = row(os.fsdecode(b"\xe9.jpg"))
    data = msgspec.json.decode(msgspec.json.encode(as_data(lines([odd], [], most=9), {"done": 1})))
    assert (data["schema"], data["counts"]) == (1, {"done": 1})
    (one,) = data["jobs"]
    assert (one["state"], one["job"], one["at"]) == ("done", JOB.hex(), NOON)
    assert "\\udce9" in one["source"]


def test_a_url_is_shown_as_people_write_it() -> None:
    (one,) = lines([row(destination=Path("s3:/bucket/a.jpg"))], [], most=9)
    assert one.destination == "s3://bucket/a.jpg"


def test_the_command_offers_every_state() -> None:
    assert tuple(STATES) == jobs.STATES


def test_a_moment_is_a_date_and_a_time() -> None:
    assert moment(NOON) == "1970-01-01 12:00:00"
