"""The ledger's part about watched folders: who watches, what came, and what people ask."""

from dataclasses import replace
from pathlib import Path

from pixmesh.node.owner.folder_records import Arrival, ArrivalState, Asked, Wish
from pixmesh.node.owner.job import JobId
from pixmesh.node.owner.ledger import BY_PERSON, CANCELLED, Ledger
from pixmesh.node.owner.row import Failed, Row, State

from .test_ledger import JOB, ready, row, states

OUT, IN = Path("/out"), Path("/in")


def failed(ledger: Ledger, one: Row) -> None:
    ledger.submitted([one])
    ledger.failed([Failed(destination=one.destination, code="c", reason="r", node="atlas")])


def seen(name: str, state: ArrivalState = ArrivalState.SEEN, reason: str = "") -> Arrival:
    return Arrival(IN / name, state, reason)


def came(ledger: Ledger, name: str) -> list[tuple[str, str, Path | None]]:
    return [(one.state, one.reason, one.out) for one in ledger.folders.arrivals(IN / name)]


# ---- who watches, what came ----------------------------------------------------------------


def test_a_watched_folder_is_known_with_its_owner_until_that_one_says_otherwise(
    tmp_path: Path,
) -> None:
    with Ledger(tmp_path / "l", wall=lambda: 5.0) as first, Ledger(tmp_path / "l") as second:
        first.folders.watched(OUT, IN, "blur")
        (one,) = second.folders.all()
        assert (one.out, one.source, one.recipe, one.owner, one.at) == (
            *(OUT, IN, "blur", first.owner, 5.0),
        )
        second.folders.unwatched(OUT)
        assert len(second.folders.all()) == 1
        first.folders.unwatched(OUT)
        assert second.folders.all() == []


def test_an_arrival_is_known_until_it_is_on_its_way(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        ledger.folders.arriving(OUT, [seen("a.jpg"), seen("b.jpg")])
        ledger.folders.arriving(OUT, [seen("a.jpg", ArrivalState.WAITING, "is not whole")])
        assert came(ledger, "a.jpg") == [("waiting", "is not whole", OUT)]
        ledger.folders.arrived(OUT, [IN / "a.jpg"])
        assert (came(ledger, "a.jpg"), len(came(ledger, "b.jpg"))) == ([], 1)
        ledger.folders.watched(OUT, IN, "blur")
        assert came(ledger, "b.jpg") == []


def test_what_is_asked_of_an_arrival_stays_while_it_comes_further(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        ledger.folders.watched(OUT, IN, "blur")
        ledger.folders.arriving(OUT, [seen("a.jpg"), seen("b.jpg")])
        (one,) = ledger.folders.arrivals(IN / "a.jpg")
        ledger.folders.ask_of_arrivals([one], Wish.CANCEL)
        ledger.folders.arriving(OUT, [seen("a.jpg", ArrivalState.WAITING)])
        asked = [Asked(IN / "a.jpg", None, None, Wish.CANCEL, OUT)]
        assert ledger.folders.asked(OUT) == asked == ledger.folders.asked()
        assert ledger.folders.asked(Path("/other")) == []
        ledger.folders.answered(asked)
        assert ledger.folders.asked(OUT) == []


# ---- what people ask of outputs ------------------------------------------------------------


def test_what_is_asked_is_told_to_who_has_it_below_out_or_owns_it(tmp_path: Path) -> None:
    one, beside = row("a.jpg"), replace(row("b.jpg"), destination=Path("/out2/b.jpg"))
    with Ledger(tmp_path / "l") as ledger, Ledger(tmp_path / "l") as other:
        failed(ledger, one)
        failed(other, beside)
        both = [one.destination, beside.destination]
        assert ledger.folders.ask(both, Wish.RETRY) == set(both)
        mine = Asked(one.source, one.destination, JOB, Wish.RETRY)
        assert ledger.folders.asked(OUT) == [mine] == ledger.folders.asked()
        assert [asked.destination for asked in other.folders.asked()] == [beside.destination]
        assert ledger.folders.taken(OUT) == [mine]
        assert ledger.folders.taken(OUT) == []
        assert len(other.folders.taken()) == 1


def test_only_what_can_be_done_is_asked(tmp_path: Path) -> None:
    under_way, broken, done = row("a.jpg"), row("b.jpg"), row("c.jpg")
    everything = [under_way.destination, broken.destination, done.destination, OUT / "unknown"]
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([under_way, done])
        ledger.committing([ready(done)])
        ledger.done([done.destination])
        failed(ledger, broken)
        assert ledger.folders.ask(everything, Wish.CANCEL) == {under_way.destination}
        assert ledger.folders.ask(everything, Wish.RETRY) == {broken.destination, done.destination}


def test_an_outcome_takes_what_was_asked_away_and_so_does_asking_anew(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one])
        ledger.folders.ask([one.destination], Wish.CANCEL)
        ledger.failed([Failed(destination=one.destination, code="c", reason="r")])
        assert ledger.folders.asked() == []
        ledger.folders.ask([one.destination], Wish.RETRY)
        ledger.submitted([one])
        ledger.folders.ask([one.destination], Wish.CANCEL)
        ledger.committing([ready(one)])
        assert ledger.folders.asked() == []


def test_an_answer_does_not_take_away_what_was_asked_after_it(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one])
        ledger.folders.ask([one.destination], Wish.CANCEL)
        old = ledger.folders.asked()
        failed(ledger, one)
        ledger.folders.ask([one.destination], Wish.RETRY)
        ledger.folders.answered(old)
        assert [asked.wish for asked in ledger.folders.asked()] == [Wish.RETRY]


def test_the_version_changes_when_another_process_writes_and_only_then(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger, Ledger(tmp_path / "l") as other:
        version = ledger.folders.version()
        ledger.submitted([row()])
        assert ledger.folders.version() == version
        other.submitted([row("b.jpg")])
        assert ledger.folders.version() != version


# ---- what is known, taken back, remembered -------------------------------------------------


def test_what_needs_no_work_is_done_and_a_line_of_history_only_where_it_was_not(
    tmp_path: Path,
) -> None:
    one = row()
    with Ledger(tmp_path / "l", wall=lambda: 9.0) as ledger:
        ledger.known([one])
        ledger.known([replace(one, changed=4.0)])
        found = ledger.rows([one.destination])[one.destination]
        assert (found.state, found.owner, found.changed) == (State.DONE, ledger.owner, 4.0)
        assert states(ledger, one) == [State.DONE]
        ledger.known([replace(one, job=JobId(b"other"))])
        failed(ledger, one)
        ledger.known([one])
        assert states(ledger, one) == ["done", "done", "submitted", "failed", "done"]


def test_history_says_where_it_was_and_why(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l", wall=lambda: 5.0) as ledger:
        failed(ledger, one)
        ledger.submitted([one])
        ledger.committing([ready(one)])
        told = [(change.node, change.reason) for change in ledger.history(one.destination)]
    assert told == [("", ""), ("atlas", "r"), ("", ""), ("n", "")]


def test_who_cancelled_is_told_apart(tmp_path: Path) -> None:
    by_person, by_end = row("a.jpg"), row("b.jpg")
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([by_person, by_end])
        ledger.cancelled([by_person.destination], by_person=True)
        ledger.cancelled([by_end.destination])
        rows = ledger.rows([by_person.destination, by_end.destination])
    codes = {path: (one.code, one.reason) for path, one in rows.items()}
    assert codes == {by_person.destination: BY_PERSON, by_end.destination: ("", "")}
    assert BY_PERSON == (CANCELLED, "by pixmesh jobs cancel")


def test_what_a_dead_owner_left_can_be_cancelled_but_not_what_another_took_on(
    tmp_path: Path,
) -> None:
    left, taken_on = row("a.jpg"), row("b.jpg")
    with Ledger(tmp_path / "l") as dead:
        dead.submitted([left, taken_on])
    with Ledger(tmp_path / "l") as ledger, Ledger(tmp_path / "l") as other:
        rows = list(ledger.rows_under(OUT))
        other.submitted([taken_on])
        assert ledger.cancel_left(rows) == {left.destination}
        assert states(ledger, left) == ["submitted", "cancelled"]


def test_all_rows_below_a_folder_are_found_in_pieces_that_let_others_write(
    tmp_path: Path,
) -> None:
    names = [f"deep/{number:04}.jpg" for number in range(1203)]
    outside = [replace(row("x"), destination=Path(f"/out{end}")) for end in ("", ".jpg", "0/a")]
    with Ledger(tmp_path / "l") as ledger, Ledger(tmp_path / "l") as other:
        ledger.submitted([*map(row, names), *outside])
        found: list[Path] = []
        for one in ledger.rows_under(OUT):
            if len(found) in {0, 600}:
                other.submitted([one])
            found.append(one.destination)
    assert found == [OUT / name for name in names]


def test_the_root_has_everything_below_it(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([row()])
        assert len(list(ledger.rows_under(Path("/")))) == 1
