"""A ledger of any older version is brought up to date when it is opened, and loses nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pixmesh.node.owner.folder_records import Arrival, ArrivalState
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.row import State
from pixmesh.node.owner.schema import MIGRATIONS

ROWS = 3


def old_ledger(path: Path, version: int) -> None:
    """Write a ledger with the scripts of those days, with rows and their history in it."""
    with closing(sqlite3.connect(path)) as ledger, ledger:
        for script in MIGRATIONS[:version]:
            ledger.executescript(script)
        ledger.execute(f"PRAGMA user_version = {version}")
        for number in range(ROWS):
            key = f"/out/{number}.jpg".encode()
            ledger.execute(
                "INSERT INTO outputs (destination, source, size, mtime_ns, inode, digest, job,"
                " recipe, output, state, owner, temp, result, code, reason, node, attempts,"
                " seconds, changed) VALUES (?, ?, 1, 2, '3', X'00', X'01', 'blur', '', 'done',"
                " 'gone', NULL, X'02', '', '', 'atlas', 1, 0.5, 7.0)",
                [key, b"/in/%d.jpg" % number],
            )
            ledger.execute(
                "INSERT INTO history (destination, job, owner, state, at)"
                " VALUES (?, X'01', 'gone', 'done', 7.0)",
                [key],
            )


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_an_older_ledger_opens_with_all_its_rows_and_their_history(
    tmp_path: Path, version: int
) -> None:
    old_ledger(tmp_path / "l", version)
    with Ledger(tmp_path / "l") as ledger:
        rows = list(ledger.rows_under(Path("/out")))
        assert [row.source for row in rows] == [Path(f"/in/{one}.jpg") for one in range(ROWS)]
        assert {(row.state, row.node, row.changed) for row in rows} == {(State.DONE, "atlas", 7.0)}
        (change,) = ledger.history(rows[0].destination)
        assert (change.state, change.at, change.node, change.reason) == (State.DONE, 7.0, "", "")
        assert ledger.folders.asked(Path("/out")) == []
        ledger.folders.arriving(Path("/out"), [Arrival(Path("/in/new.jpg"), ArrivalState.SEEN)])
        assert len(ledger.folders.arrivals(Path("/in/new.jpg"))) == 1


def test_a_ledger_is_brought_up_to_date_once(tmp_path: Path) -> None:
    old_ledger(tmp_path / "l", 1)
    for _ in range(2):
        Ledger(tmp_path / "l").close()
    with closing(sqlite3.connect(tmp_path / "l")) as ledger:
        assert ledger.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert ledger.execute("SELECT count(*) FROM outputs").fetchone() == (ROWS,)
