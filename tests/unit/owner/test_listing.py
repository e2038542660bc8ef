"""Outputs and arrivals are listed the latest first, by state and folder, and counted."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from pixmesh.node.owner.folder_records import Arrival, ArrivalState
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.listing import STATES, Choice
from pixmesh.node.owner.row import Failed

from .test_ledger import row


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Four outputs, of which one failed, and two arrivals; each a second after the one before."""
    clock = count()
    with Ledger(tmp_path / "l", wall=lambda: float(next(clock))) as ledger:
        for name in ("a.jpg", "deep/b.jpg", "c.jpg"):
            ledger.submitted([row(name)])
        ledger.submitted([replace(row("d.jpg"), destination=Path("/elsewhere/d.jpg"))])
        ledger.failed([Failed(destination=Path("/out/a.jpg"), code="c", reason="r")])
        for name, state in (("e.jpg", ArrivalState.SEEN), ("f.jpg", ArrivalState.WAITING)):
            ledger.folders.arriving(Path("/out"), [Arrival(Path("/in") / name, state)])
        yield ledger


def outputs(ledger: Ledger, choice: Choice, most: int = 50) -> list[str]:
    return [one.destination.name for one in ledger.listing.outputs(choice, most=most)]


def arrivals(ledger: Ledger, choice: Choice, most: int = 50) -> list[str]:
    return [one.source.name for one in ledger.listing.arrivals(choice, most=most)]


def test_the_latest_come_first_and_no_more_than_are_asked_for(ledger: Ledger) -> None:
    assert outputs(ledger, Choice()) == ["a.jpg", "d.jpg", "c.jpg", "b.jpg"]
    assert outputs(ledger, Choice(), 2) == ["a.jpg", "d.jpg"]
    assert arrivals(ledger, Choice()) == ["f.jpg", "e.jpg"]
    assert arrivals(ledger, Choice(), 1) == ["f.jpg"]


def test_only_chosen_states_are_listed_and_counted(ledger: Ledger) -> None:
    chosen = Choice(states=frozenset({"failed", "seen"}))
    assert (outputs(ledger, chosen), arrivals(ledger, chosen)) == (["a.jpg"], ["e.jpg"])
    assert ledger.listing.counts(chosen) == {"seen": 1, "failed": 1}


@pytest.mark.parametrize(
    ("under", "names"),
    [
        ("/out", {"a.jpg", "b.jpg", "c.jpg", "e.jpg", "f.jpg"}),
        ("/out/deep", {"b.jpg"}),
        ("/in", {"a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "f.jpg"}),
        ("/elsewhere", {"d.jpg"}),
        ("/o", set()),
        ("/out/c.jpg", {"c.jpg"}),
    ],
)
def test_a_folder_has_what_comes_from_below_it_and_what_goes_there(
    ledger: Ledger, under: str, names: set[str]
) -> None:
    chosen = Choice(under=(Path(under),))
    assert {*outputs(ledger, chosen), *arrivals(ledger, chosen)} == names
    assert sum(ledger.listing.counts(chosen).values()) == len(names)


def test_counts_come_in_the_order_of_the_states(ledger: Ledger) -> None:
    counts = ledger.listing.counts(Choice())
    assert counts == {"seen": 1, "waiting": 1, "submitted": 3, "failed": 1}
    assert list(counts) == [state for state in STATES if state in counts]


def test_every_output_of_a_choice_is_listed_whatever_there_is_of_them(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([row(f"{number:04}.jpg") for number in range(1000)])
        ledger.submitted([replace(row("x"), destination=Path("/z/x"), source=Path("/z/y"))])
        for choice, many in ((Choice(), 1001), (Choice(under=(Path("/out"),)), 1000)):
            found = [one.destination for one in ledger.listing.every(choice)]
            assert (found, len(set(found))) == (sorted(found), many)
        assert list(ledger.listing.every(Choice(states=frozenset({"done"})))) == []
