"""What is old and of no use to anyone goes from the ledger; everything else stays."""

from pathlib import Path

from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.pruning import PIECE
from pixmesh.node.owner.row import Failed, Row

from .test_ledger import ready, row, states

MANY = 2 * PIECE + 5


class Wall:
    """A wall clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def done(ledger: Ledger, *rows: Row) -> None:
    ledger.submitted(rows)
    ledger.committing([ready(one) for one in rows])
    ledger.done([one.destination for one in rows])


def gone(path: Path) -> bool:
    return path.name.startswith("gone")


def test_what_ended_long_ago_and_has_no_source_goes_with_its_history(tmp_path: Path) -> None:
    wall = Wall()
    old, failed, here, new, open_ = map(
        row, ("gone-a.jpg", "gone-b.jpg", "here.jpg", "gone-new.jpg", "gone-open.jpg")
    )
    with Ledger(tmp_path / "l", wall=wall) as ledger:
        done(ledger, old, here)
        ledger.submitted([failed, open_])
        ledger.failed([Failed(destination=failed.destination, code="c", reason="r")])
        wall.now = 100.0
        done(ledger, new)
        assert ledger.folders.prune(50.0, gone) == 2
        left = {one.destination for one in ledger.rows_under(Path("/out"))}
        assert left == {here.destination, new.destination, open_.destination}
        assert states(ledger, old) == states(ledger, failed) == []
        assert states(ledger, new) == ["submitted", "committing", "done"]


def test_old_history_goes_but_for_each_outputs_last_line(tmp_path: Path) -> None:
    wall, one, other = Wall(), row("a.jpg"), row("b.jpg")
    with Ledger(tmp_path / "l", wall=wall) as ledger:
        done(ledger, one, other)
        wall.now = 100.0
        done(ledger, other)
        assert ledger.folders.prune(50.0, gone) == 0
        assert states(ledger, one) == ["done"]
        assert states(ledger, other) == ["submitted", "committing", "done"]


def test_more_is_pruned_than_one_transaction_takes(tmp_path: Path) -> None:
    wall = Wall()
    rows = [row(f"gone-{number}.jpg") for number in range(MANY)]
    kept = [row(f"here-{number}.jpg") for number in range(MANY)]
    with Ledger(tmp_path / "l", wall=wall) as ledger:
        done(ledger, *rows, *kept)
        assert ledger.folders.prune(50.0, gone) == MANY
        assert [states(ledger, one) for one in kept] == [["done"]] * MANY


def test_a_row_that_is_asked_for_while_it_is_pruned_stays(tmp_path: Path) -> None:
    wall, one = Wall(), row("gone.jpg")
    with Ledger(tmp_path / "l", wall=wall) as ledger:
        done(ledger, one)

        def gone_and_back(_: Path) -> bool:
            ledger.submitted([one])
            return True

        assert ledger.folders.prune(50.0, gone_and_back) == 0
        assert ledger.rows([one.destination])[one.destination].state == "submitted"
