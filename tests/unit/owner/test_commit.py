"""A result becomes a file whole or not at all, exactly once, wherever the commit is cut off."""

import errno
import itertools
import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.node.errors import PixmeshError
from pixmesh.node.owner.commit import (
    Commit,
    Committer,
    Recovery,
    decide,
    finish,
    recover,
    temp_for,
)
from pixmesh.node.owner.disk import RealDisk
from pixmesh.node.owner.job import Content, JobId
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.row import Failed, Row, State
from pixmesh.ops.digest import digest_of
from pixmesh.tests.support.fakes.lossy import Clockwork, Crash, LossyDisk, LossyLedger

from .fakes import MemoryContent, identity

OUT = Path("/out")
DATA = [b"the first output", b"the second", b"a third"]
NAMES = [OUT / "a.jpg", OUT / "b.jpg", OUT / "sub" / "c.jpg"]


def commit_of(destination: Path, data: bytes, *, run: str = "0", replace: bool = False) -> Commit:
    return Commit(
        destination=destination,
        temp=temp_for(destination, f"{run}-{data[-5:].hex()}"),
        job=JobId(data),
        content=MemoryContent(data),
        digest=digest_of(data),
        node="atlas",
        attempts=1,
        seconds=0.5,
        replace=replace,
    )


def row_of(commit: Commit) -> Row:
    return Row(
        destination=commit.destination,
        source=Path("/in") / commit.destination.name,
        identity=identity(),
        digest=b"d",
        job=commit.job,
        recipe="blur",
        output="",
        temp=commit.temp,
    )


def commits(run: str = "0") -> list[Commit]:
    return [commit_of(name, data, run=run) for name, data in zip(NAMES, DATA, strict=True)]


def run_group(disk: LossyDisk, ledger: LossyLedger, run: str = "0") -> None:
    group = commits(run)
    ledger.submitted([row_of(one) for one in group])
    Committer(disk=disk, record=ledger).commit(group)


def restart(disk: LossyDisk, ledger: LossyLedger, run: str = "again") -> None:
    """Do what the same command does after a crash."""
    again = []
    for one in commits(run):
        row = ledger.rows[one.destination]
        if row.state is State.DONE:
            continue
        if row.state is State.COMMITTING and finish(row, disk=disk, record=ledger, replace=False):
            continue
        assert row.temp is not None
        disk.remove(row.temp)
        again.append(one)
    ledger.submitted([row_of(one) for one in again])
    assert Committer(disk=disk, record=ledger).commit(again) == []


def steps_of_a_group() -> int:
    clockwork = Clockwork()
    run_group(LossyDisk(clockwork), LossyLedger(clockwork))
    return clockwork.steps


STEPS = steps_of_a_group()
SEEDS = 12


def crashed(last: int, *, after: bool) -> tuple[LossyDisk, LossyLedger]:
    clockwork = Clockwork(last, after)
    disk, ledger = LossyDisk(clockwork), LossyLedger(clockwork)
    with pytest.raises(Crash):
        run_group(disk, ledger)
    clockwork.last = None
    return disk, ledger


def check_whole_or_absent(disk: LossyDisk) -> None:
    for name, data in zip(NAMES, DATA, strict=True):
        assert disk.digest(name) in {None, digest_of(data)}


def check_all_done_once(disk: LossyDisk, ledger: LossyLedger) -> None:
    assert {path: disk.names[path].data for path in NAMES} == dict(zip(NAMES, DATA, strict=True))
    assert sorted(ledger.outcomes) == sorted((name, State.DONE) for name in NAMES)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("last", range(1, STEPS + 1))
def test_a_killed_process_leaves_every_output_whole_or_absent_and_a_restart_ends_it(
    last: int, after: bool
) -> None:
    disk, ledger = crashed(last, after=after)
    check_whole_or_absent(disk)
    restart(disk, ledger)
    check_all_done_once(disk, ledger)
    assert {*disk.names} == {*NAMES}, "a temp file is left"


def check_what_is_done_is_there(disk: LossyDisk, ledger: LossyLedger) -> None:
    check_whole_or_absent(disk)
    done = {path for path, state in ledger.outcomes if state is State.DONE}
    assert all(disk.digest(path) is not None for path in done), "done, and lost"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("last", range(1, STEPS + 1))
def test_so_does_a_machine_that_loses_what_was_not_synced(last: int, after: bool) -> None:
    for seed in range(SEEDS):
        disk, ledger = crashed(last, after=after)
        disk.lose_power(Random(seed))
        check_what_is_done_is_there(disk, ledger)
        restart(disk, ledger)
        check_all_done_once(disk, ledger)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("first", range(1, STEPS + 1))
def test_a_crash_in_the_restart_changes_nothing_of_that(first: int, after: bool) -> None:
    for second, seed in itertools.product(range(1, 2 * STEPS), range(SEEDS)):
        disk, ledger = crashed(first, after=after)
        random = Random(seed)
        disk.lose_power(random)
        disk.clockwork.steps, disk.clockwork.last = 0, second
        try:
            restart(disk, ledger)
        except Crash:
            disk.clockwork.last = None
            disk.lose_power(random)
            check_what_is_done_is_there(disk, ledger)
            restart(disk, ledger, run="once more")
        check_all_done_once(disk, ledger)


def test_a_disk_that_forgets_shows_when_a_sync_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulation can fail: without the temp file's sync, something is not whole."""
    monkeypatch.setattr(LossyDisk, "sync_file", lambda _self, _path: None)
    broken = 0
    for last, seed in itertools.product(range(1, STEPS - 2), range(8)):
        disk, _ = crashed(last, after=True)
        disk.lose_power(Random(seed))
        whole = [
            disk.digest(name) in {None, digest_of(d)} for name, d in zip(NAMES, DATA, strict=True)
        ]
        broken += not all(whole)
    assert broken


def test_a_group_shares_the_ledgers_transactions_and_the_folders_syncs() -> None:
    # 3 writes, 3 syncs, 1 committing, 3 renames, 2 folders, 1 done.
    assert STEPS == 3 + 3 + 1 + 3 + 2 + 1


DIGESTS = st.sampled_from([None, b"wanted", b"other"])


@given(DIGESTS, DIGESTS)
def test_recovery_trusts_only_digests(final: bytes | None, temp: bytes | None) -> None:
    found = recover(final=final, temp=temp, wanted=b"wanted")
    if final == b"wanted":
        assert found is Recovery.DONE
    elif temp == b"wanted":
        assert found is Recovery.RENAME
    else:
        assert found is Recovery.RESUBMIT
    assert recover(final=final, temp=temp, wanted=None) is Recovery.RESUBMIT


# -- on a real disk, with a real ledger --


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def ledger(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Ledger(tmp_path / "ledger") as ledger:
        yield ledger


def run_one(commit: Commit, ledger: Ledger, disk: RealDisk | None = None) -> list[Failed]:
    ledger.submitted([row_of(commit)])
    return Committer(disk=disk or RealDisk(), record=ledger).commit([commit])


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_outputs_get_the_umask_and_their_folders(out: Path, ledger: Ledger) -> None:
    before = os.umask(0o027)
    try:
        assert run_one(commit_of(out / "deep" / "er" / "a.jpg", b"data"), ledger) == []
    finally:
        os.umask(before)
    made = out / "deep" / "er" / "a.jpg"
    assert made.read_bytes() == b"data"
    assert made.stat().st_mode & 0o777 == 0o640
    assert made.stat().st_nlink == 1


def test_times_are_kept_when_asked(out: Path, ledger: Ledger) -> None:
    run_one(replace(commit_of(out / "a.jpg", b"data"), modified_ns=1_000_000_007), ledger)
    assert (out / "a.jpg").stat().st_mtime_ns == 1_000_000_007


def test_a_name_as_long_as_names_can_be_is_written(out: Path, ledger: Ledger) -> None:
    name = "x" * 251 + ".jpg"
    assert run_one(commit_of(out / name, b"data"), ledger) == []
    assert names_in(out) == [name]


def test_a_file_that_appeared_meanwhile_is_never_written_over(out: Path, ledger: Ledger) -> None:
    out.mkdir()
    (out / "a.jpg").write_bytes(b"yours")
    (failed,) = run_one(commit_of(out / "a.jpg", b"data"), ledger)
    assert failed.code == "exists"
    assert (out / "a.jpg").read_bytes() == b"yours"
    assert names_in(out) == ["a.jpg"]
    assert ledger.rows([out / "a.jpg"])[out / "a.jpg"].state is State.FAILED


def test_it_is_replaced_when_that_was_asked(out: Path, ledger: Ledger) -> None:
    out.mkdir()
    (out / "a.jpg").write_bytes(b"yours")
    assert run_one(commit_of(out / "a.jpg", b"data", replace=True), ledger) == []
    assert (out / "a.jpg").read_bytes() == b"data"


@pytest.mark.parametrize("replace_it", [False, True])
def test_a_file_system_without_hard_links_keeps_the_same_promises(
    out: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, replace_it: bool
) -> None:
    def refuse(_self: Path, _target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert run_one(commit_of(out / "a.jpg", b"data"), ledger) == []
    again = run_one(commit_of(out / "a.jpg", b"other", replace=replace_it), ledger)
    assert [one.code for one in again] == ([] if replace_it else ["exists"])
    assert (out / "a.jpg").read_bytes() == (b"other" if replace_it else b"data")
    assert names_in(out) == ["a.jpg"]


class FullContent(MemoryContent):
    """A disk that is full after the first bytes."""

    def write_to(self, file) -> None:  # type: ignore[no-untyped-def]
        file.write(b"part")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_fails_its_picture_clearly_and_leaves_no_part(
    out: Path, ledger: Ledger
) -> None:
    full = replace(commit_of(out / "a.jpg", b"data"), content=FullContent(b"data"))
    good = commit_of(out / "b.jpg", b"data")
    ledger.submitted([row_of(full), row_of(good)])
    (failed,) = Committer(disk=RealDisk(), record=ledger).commit([full, good])
    assert failed.destination == out / "a.jpg"
    assert "No space left on device" in failed.reason
    assert names_in(out) == ["b.jpg"]


def test_a_folder_that_cannot_be_made_fails_its_pictures(out: Path, ledger: Ledger) -> None:
    out.mkdir()
    (out / "sub").write_bytes(b"a file")
    (failed,) = run_one(commit_of(out / "sub" / "a.jpg", b"data"), ledger)
    assert failed.code == "unwritable"
    assert names_in(out) == ["sub"]


def test_another_owners_output_is_left_to_it(out: Path, tmp_path: Path, ledger: Ledger) -> None:
    commit = commit_of(out / "a.jpg", b"data")
    ledger.submitted([row_of(commit)])
    with Ledger(tmp_path / "ledger") as other:
        other.submitted([row_of(commit)])
        (failed,) = Committer(disk=RealDisk(), record=ledger).commit([commit])
        assert failed.code == "taken-over"
        assert names_in(out) == []
        assert other.rows([commit.destination])[commit.destination].state is State.SUBMITTED


def test_two_that_finish_the_same_commit_at_once_make_one_outcome(
    out: Path, tmp_path: Path
) -> None:
    commit = commit_of(out / "a.jpg", b"data")
    disk = RealDisk()
    with Ledger(tmp_path / "ledger") as dead:
        dead.submitted([row_of(commit)])
        disk.write(commit.temp, commit.content, modified_ns=None)
        dead.committing([commit.ready])
    with Ledger(tmp_path / "ledger") as one, Ledger(tmp_path / "ledger") as two:
        row = one.rows([commit.destination])[commit.destination]
        assert decide(row, disk) is Recovery.RENAME
        assert finish(row, disk=disk, record=one, replace=False)
        finish(row, disk=disk, record=two, replace=False)
        states = [change.state for change in one.history(commit.destination)]
    assert states.count(State.DONE) == 1
    assert names_in(out) == ["a.jpg"]


def test_a_folder_that_cannot_be_synced_ends_the_group_with_a_remedy(
    out: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = RealDisk()
    commit = commit_of(out / "a.jpg", b"data")
    out.mkdir()

    def broken(folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk, "sync_folder", broken)
    with pytest.raises(PixmeshError, match="run the same command again"):
        run_one(commit, ledger, disk)
    assert ledger.rows([commit.destination])[commit.destination].state is State.COMMITTING


def test_the_hook_runs_after_done_and_its_failure_undoes_nothing(out: Path, ledger: Ledger) -> None:
    seen: list[State] = []

    def hook(commit: Commit) -> None:
        seen.append(ledger.rows([commit.destination])[commit.destination].state)
        raise OSError(errno.EACCES, "Permission denied")

    commit = commit_of(out / "a.jpg", b"data")
    ledger.submitted([row_of(commit)])
    committer = Committer(disk=RealDisk(), record=ledger, on_done=hook)
    assert committer.commit([commit]) == []
    assert seen == [State.DONE]


def test_an_absent_file_has_no_digest(tmp_path: Path) -> None:
    assert RealDisk().digest(tmp_path / "none") is None
    content: Content = MemoryContent(b"x")
    RealDisk().write(tmp_path / "one", content, modified_ns=None)
    assert RealDisk().digest(tmp_path / "one") == digest_of(b"x")
