"""Among a hundred thousand pictures those that are looked for are found while one types."""

import sqlite3
import time
from pathlib import Path

import pytest

from pixmesh.node.owner.columns import UPSERT, values_of
from pixmesh.node.owner.job import FileIdentity
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.row import Row, State
from pixmesh.node.state import StateFolder
from pixmesh.tests.support.slowness import slowness
from pixmesh.tui.pictures import LedgerPictures
from pixmesh.tui.view.jobs import MOST

FEW, PICTURES = 6_000, 100_000
MOST_SECONDS = 0.1


def row(number: int) -> Row:
    state = State.FAILED if number % 100 == 0 else State.DONE
    name = f"sub{number % 50}/IMG_{number:06}.jpg"
    return Row(
        destination=Path("/home/ada/out") / name,
        source=Path("/home/ada/drop") / name,
        identity=FileIdentity(1, 2, number),
        digest=bytes(32),
        job=number.to_bytes(16, "big"),  # type: ignore[arg-type]
        recipe="grayscale",
        output="",
        state=state,
        node="atlas",
        reason="100% cut_off" if state is State.FAILED else "",
    )


def shelved(count: int) -> LedgerPictures:
    """Return a ledger of so many pictures; of each hundred one has failed."""
    path = StateFolder.open().ledger
    with Ledger(path):
        pass
    rows = (values_of(row(number), owner="x", changed=1e9 + number) for number in range(count))
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany(UPSERT, rows)
    connection.close()
    return LedgerPictures()


def test_they_are_found_by_any_words_the_latest_first_and_counted() -> None:
    pictures = shelved(FEW)
    everything = pictures.load("")
    assert len(everything.lines) == MOST
    assert everything.counts == {"done": 5_940, "failed": 60}
    assert everything.lines[0].source.endswith("IMG_005999.jpg")
    assert [one.source[-10:] for one in pictures.load("img_001234").lines] == ["001234.jpg"]
    failed = pictures.load("failed sub0/")
    assert failed.counts == {"failed": 60}
    assert failed.lines[0].source.endswith("IMG_005900.jpg")
    assert pictures.load("0% CUT_OFF").counts == {"failed": 60}
    assert pictures.load("cut%off").counts == {}
    assert pictures.load("nothing at all").lines == ()
    assert pictures.load("drop").counts == everything.counts


@pytest.mark.soak  # of seconds nothing is said while other tests have the processors
def test_each_key_is_answered_in_time() -> None:
    pictures = shelved(PICTURES)
    word = "img_012345"
    for end in range(len(word) + 1):
        taken = []
        for _ in range(3):
            began = time.perf_counter()
            pictures.load(word[:end])
            taken.append(time.perf_counter() - began)
        assert min(taken) < MOST_SECONDS * slowness(), word[:end]


def test_without_a_ledger_there_is_nothing() -> None:
    assert LedgerPictures().load("").lines == ()
