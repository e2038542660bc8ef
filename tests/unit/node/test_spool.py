"""A spool folder lives as long as its process, and is swept when that was killed."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import pytest

from pixmesh.broker.locks import lock_now
from pixmesh.node import spool
from pixmesh.node.errors import PixmeshError
from pixmesh.node.spool import SpoolFile, spool_folder

HOLDER = """
import sys
from pathlib import Path
from pixmesh.node.spool import spool_folder
with spool_folder(Path(sys.argv[1])) as folder:
    (folder / "pixels").write_bytes(b"p" * 1000)
    print(folder, flush=True)
    sys.stdin.read()
"""


def hold(home: Path) -> tuple[subprocess.Popen[bytes], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().decode().strip())


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def test_the_folder_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    killed, its_folder = hold(tmp_path)
    living, other_folder = hold(tmp_path)
    try:
        assert its_folder.is_dir()
        end(killed)
        assert its_folder.is_dir()
        with spool_folder(tmp_path) as mine:
            assert not its_folder.exists()
            assert {path.name for path in tmp_path.iterdir()} == {
                name for one in (mine, other_folder) for name in (one.name, f"{one.name}.lock")
            }
            assert (other_folder / "pixels").is_file()
    finally:
        end(living)


def test_a_folder_is_private_and_leaves_nothing(tmp_path: Path) -> None:
    with spool_folder(tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "left").write_bytes(b"over")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_swept_before_it_was_held_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[Path] = []

    def sweep_first(lock: IO[bytes]) -> bool:
        if not swept:
            swept.extend(tmp_path.glob("*.lock"))
            swept[0].unlink()
        return lock_now(lock)

    monkeypatch.setattr(spool, "lock_now", sweep_first)
    with spool_folder(tmp_path) as folder:
        assert (tmp_path / f"{folder.name}.lock").is_file()
        assert folder.name != swept[0].stem


def test_many_may_begin_at_once(tmp_path: Path) -> None:
    begun = threading.Barrier(8)
    folders: list[Path] = []

    def one() -> None:
        begun.wait()
        with spool_folder(tmp_path) as folder:
            assert folder.is_dir()
            folders.append(folder)
            begun.wait()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(folders)) == 8
    assert list(tmp_path.iterdir()) == []


def test_the_common_folder_must_be_the_users_alone() -> None:
    with spool_folder() as folder:
        home = folder.parent
    home.chmod(0o755)
    with pytest.raises(PixmeshError, match="not yours alone"), spool_folder():
        pass
    home.rmdir()


def test_pieces_are_written_in_any_order(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "pixels", 6)
    file.write(3, b"def")
    file.write(0, memoryview(b"abc"))
    file.close()
    assert file.path.read_bytes() == b"abcdef"
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_full_disk_is_an_error_before_a_byte_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(spool, "allocate", full)
    with pytest.raises(OSError, match="No space"):
        SpoolFile(tmp_path / "pixels", 10)
    assert list(tmp_path.iterdir()) == []


def test_a_file_discarded_is_gone(tmp_path: Path) -> None:
    SpoolFile(tmp_path / "pixels", 10).discard()
    assert list(tmp_path.iterdir()) == []
