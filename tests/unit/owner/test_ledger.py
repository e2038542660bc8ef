"""The ledger keeps what became of every output, exactly once, for all who share it."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from pixmesh.node.errors import PixmeshError
from pixmesh.node.owner.job import FileIdentity, JobId
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.row import Failed, Ready, Row, State
from pixmesh.node.owner.schema import MIGRATIONS

from .fakes import identity

JOB = JobId(b"j" * 16)


def row(name: str = "a.jpg", *, job: JobId | None = JOB) -> Row:
    return Row(
        destination=Path("/out") / name,
        source=Path("/in") / name,
        identity=identity(),
        digest=b"d" * 32,
        job=job,
        recipe="blur ksize=5",
        output="",
        temp=Path("/out/.temp.part"),
    )


def ready(one: Row) -> Ready:
    assert one.job is not None
    return Ready(
        destination=one.destination, job=one.job, result=b"r", node="n", attempts=2, seconds=0.5
    )


def states(ledger: Ledger, one: Row) -> list[State]:
    return [change.state for change in ledger.history(one.destination)]


def test_what_was_recorded_is_there_after_a_restart(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l", wall=lambda: 5.0) as ledger:
        ledger.submitted([one])
        ledger.committing([ready(one)])
        ledger.done([one.destination])
        owner = ledger.owner
    with Ledger(tmp_path / "l") as ledger:
        found = ledger.rows([one.destination])[one.destination]
        assert found == replace(
            one,
            state=State.DONE,
            owner=owner,
            temp=None,
            result=b"r",
            node="n",
            attempts=2,
            seconds=0.5,
            changed=5.0,
        )
        assert states(ledger, one) == [State.SUBMITTED, State.COMMITTING, State.DONE]


def test_paths_and_reasons_that_are_no_unicode_come_back(tmp_path: Path) -> None:
    one = row(os.fsdecode(b"latin-\xe9\n'\".jpg"))
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one])
        reason = f"{one.source}: cannot be read"
        ledger.failed([Failed(destination=one.destination, code="unreadable", reason=reason)])
        found = ledger.rows([one.destination])[one.destination]
    assert (found.destination, found.source) == (one.destination, one.source)
    assert "\\udce9" in found.reason


def test_an_inode_of_more_than_64_bits_comes_back(tmp_path: Path) -> None:
    one = replace(row(), identity=FileIdentity(1, 2, 2**127))
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one])
        assert ledger.rows([one.destination])[one.destination].identity == one.identity


def test_an_outcome_is_never_followed_by_another(tmp_path: Path) -> None:
    one = row()
    moves: dict[str, Callable[[Ledger], set[Path]]] = {
        "done": lambda ledger: ledger.done([one.destination]),
        "failed": lambda ledger: ledger.failed(
            [Failed(destination=one.destination, code="c", reason="r")]
        ),
        "cancelled": lambda ledger: ledger.cancelled([one.destination]),
        "committing": lambda ledger: ledger.committing([ready(one)]),
    }
    paths = [["committing", "done"], ["failed"], ["cancelled"], ["committing", "failed"]]
    with Ledger(tmp_path / "l") as ledger:
        for path in paths:
            ledger.submitted([one])
            for name in path:
                assert moves[name](ledger) == {one.destination}
            for name, move in moves.items():
                assert move(ledger) == set(), (path, name)
            assert states(ledger, one)[-1] == path[-1]


def test_a_commit_cannot_be_cancelled_nor_done_before_it_began(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one])
        assert ledger.done([one.destination]) == set()
        ledger.committing([ready(one)])
        assert ledger.cancelled([one.destination]) == set()


def test_a_result_of_another_job_does_not_count(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one])
        assert ledger.committing([replace(ready(one), job=JobId(b"other"))]) == set()


def test_only_the_owner_of_a_row_may_move_it(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l") as first, Ledger(tmp_path / "l") as second:
        first.submitted([one])
        second.submitted([one])
        assert first.committing([ready(one)]) == set()
        assert second.committing([ready(one)]) == {one.destination}


def test_an_unfinished_commit_is_taken_over_once(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l") as dead:
        dead.submitted([one])
        dead.committing([ready(one)])
    with Ledger(tmp_path / "l") as first, Ledger(tmp_path / "l") as second:
        left = first.rows([one.destination])[one.destination]
        assert [first.take_over(left), second.take_over(left)] == [True, False]
        assert second.done([one.destination]) == set()
        assert first.done([one.destination]) == {one.destination}


def test_an_owner_is_alive_until_it_closes(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l") as ledger:
        other = Ledger(tmp_path / "l")
        assert ledger.is_alive(other.owner)
        assert ledger.is_alive(ledger.owner)
        other.close()
        assert not ledger.is_alive(other.owner)
        assert not ledger.is_alive("nobody")
    assert not [*(tmp_path / "l.owners").iterdir()]


def test_a_killed_owner_is_not_alive_and_its_claim_is_swept(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from pixmesh.node.owner.ledger import Ledger\n"
        "ledger = Ledger(pathlib.Path(sys.argv[1]))\n"
        "print(ledger.owner, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "l")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        with Ledger(tmp_path / "l") as ledger:
            assert ledger.is_alive(owner)
            process.kill()
            process.wait()
            assert not ledger.is_alive(owner)
            assert not (tmp_path / "l.owners" / owner).exists()


def test_a_digest_is_reused_only_while_the_file_is_unchanged(tmp_path: Path) -> None:
    one = row()
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one])
        assert ledger.digest(one.source, one.identity) == one.digest
        assert ledger.digest(Path("/in/b.jpg"), one.identity) is None
        for change in ({"size": 9}, {"mtime_ns": 9}, {"inode": 9}):
            assert ledger.digest(one.source, structs.replace(one.identity, **change)) is None


def test_finished_outputs_are_found_by_job_and_by_source(tmp_path: Path) -> None:
    one, other = row("a.jpg"), row("b.jpg")
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one, other])
        ledger.committing([ready(one)])
        ledger.done([one.destination])
        assert [found.destination for found in ledger.rows_of_job(JOB)] == [one.destination]
        assert [found.state for found in ledger.rows_of_source(other.source)] == ["submitted"]


def test_more_rows_are_found_than_one_query_asks_for(tmp_path: Path) -> None:
    rows = [row(f"{number}.jpg") for number in range(1201)]
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted(rows)
        assert len(ledger.rows(one.destination for one in rows)) == len(rows)


def test_several_owners_write_at_once(tmp_path: Path) -> None:
    errors: list[Exception] = []

    def work(who: int) -> None:
        try:
            with Ledger(tmp_path / "l") as ledger:
                for number in range(20):
                    one = row(f"{who}-{number}.jpg")
                    ledger.submitted([one])
                    assert ledger.committing([ready(one)])
                    assert ledger.done([one.destination])
        except Exception as error:  # noqa: BLE001  # shown by the assert
            errors.append(error)

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Ledger(tmp_path / "l") as ledger:
        assert len(ledger.rows_of_job(JOB)) == 80


def test_a_newer_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    Ledger(tmp_path / "l").close()
    newer = len(MIGRATIONS) + 1
    connection = sqlite3.connect(tmp_path / "l")
    connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    with pytest.raises(PixmeshError, match="newer pixmesh"):
        Ledger(tmp_path / "l")
    assert not [*(tmp_path / "l.owners").iterdir()]


def test_what_is_no_ledger_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(b"not a database, " * 100)
    with pytest.raises(PixmeshError, match="moved away"):
        Ledger(tmp_path / "l")


def test_a_ledger_that_fails_in_mid_group_keeps_nothing_of_the_group(tmp_path: Path) -> None:
    good, bad = row("a.jpg"), replace(row("b.jpg"), recipe=None)  # type: ignore[arg-type]
    with Ledger(tmp_path / "l") as ledger:
        with pytest.raises(PixmeshError):
            ledger.submitted([good, bad])
        assert ledger.rows([good.destination]) == {}
        ledger.submitted([good])


def test_the_ledger_syncs_what_must_survive_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, synced = row(), list[bytes]()

    def sync(log: Path) -> None:
        assert log.name == "l-wal"
        synced.append(log.read_bytes())

    monkeypatch.setattr("pixmesh.node.owner.database.sync_file", sync)
    with Ledger(tmp_path / "l") as ledger:
        ledger.submitted([one])
        assert synced == []
        ledger.committing([ready(one)])
        ledger.done([one.destination])
        assert [b"committing" in log for log in synced] == [True, True]
        assert len(synced[0]) < len(synced[1])


def test_an_owner_that_is_stopped_while_it_syncs_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = row("a.jpg"), row("b.jpg")
    monkeypatch.setattr("pixmesh.node.owner.database.BUSY_MS", 0)
    with Ledger(tmp_path / "l") as stopped, Ledger(tmp_path / "l") as ledger:
        stopped.submitted([one])
        monkeypatch.setattr(
            "pixmesh.node.owner.database.sync_file", lambda _: ledger.submitted([other])
        )
        stopped.committing([ready(one)])
        assert states(ledger, other) == [State.SUBMITTED]


def test_a_ledger_that_stays_locked_is_told_from_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixmesh.node.owner.database.BUSY_MS", 0)
    with Ledger(tmp_path / "l") as ledger, sqlite3.connect(tmp_path / "l") as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(PixmeshError, match="locked by another process") as raised:
            ledger.submitted([row()])
        assert "continues" in raised.value.remedy
    holder.close()


@pytest.mark.parametrize("attempt", range(25))
def test_owners_that_open_a_new_ledger_at_the_same_moment_all_may(
    tmp_path: Path, attempt: int
) -> None:
    errors: list[PixmeshError] = []
    together = threading.Barrier(6)

    def begin() -> None:
        together.wait()
        try:
            Ledger(tmp_path / "l").close()
        except PixmeshError as error:
            errors.append(error)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
