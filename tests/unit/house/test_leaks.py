"""Each kind of leak is seen, named and ended; an innocent test costs next to nothing."""

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest
import zmq

from pixmesh.tests.support import leaks
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.leaks import MARK, SHARED_MEMORY, Leak, Snapshot

SHORT = 0.05
WAITS_FOR_EVER = "import threading; threading.Event().wait()"
MAPS_FOR_EVER = """
import mmap, threading
with open("{path}", "wb+") as file:
    file.truncate(1)
    kept = mmap.mmap(file.fileno(), 1)
threading.Event().wait()
"""
LEAVES_AN_ORPHAN = """
import subprocess, sys
command = [sys.executable, "-c", sys.argv[1]]
quiet = subprocess.DEVNULL
print(subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True).pid)
"""
# Children of these tests are ended through the module under test, not by their Popen.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def only_leak(before: Snapshot) -> Leak:
    found = before.leaks(grace=SHORT)
    assert len(found) == 1, found
    return found[0]


def assert_clean(before: Snapshot) -> None:
    assert before.leaks(grace=SHORT) == []


def test_a_child_is_a_leak_and_is_ended() -> None:
    before = Snapshot.take()
    child = subprocess.Popen([sys.executable, "-c", WAITS_FOR_EVER])
    leak = only_leak(before)
    assert (leak.kind, leak.name.split()[0]) == ("process", str(child.pid))
    before.end_leaks()
    assert_clean(before)


def test_an_orphan_in_its_own_session_is_a_leak_and_is_ended() -> None:
    before = Snapshot.take()
    command = [sys.executable, "-c", LEAVES_AN_ORPHAN, WAITS_FOR_EVER]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    orphan = int(done.stdout)
    leak = only_leak(before)
    assert (leak.kind, leak.name.split()[0]) == ("process", str(orphan))
    before.end_leaks()
    assert_clean(before)


def test_a_process_of_someone_else_is_no_leak() -> None:
    before = Snapshot.take()
    theirs = {name: value for name, value in os.environ.items() if name != MARK}
    command = [sys.executable, "-c", LEAVES_AN_ORPHAN, WAITS_FOR_EVER]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=theirs)
    stranger = psutil.Process(int(done.stdout))
    assert_clean(before)
    stranger.kill()
    eventually(lambda: not _runs(stranger))


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_thread_is_a_leak_by_its_name() -> None:
    before = Snapshot.take()
    enough = threading.Event()
    thread = threading.Thread(target=enough.wait, name="forgotten", daemon=True)
    thread.start()
    assert only_leak(before) == Leak("thread", "forgotten")
    enough.set()
    thread.join()
    assert_clean(before)


def test_what_is_merely_slow_to_end_is_no_leak() -> None:
    before = Snapshot.take()
    thread = threading.Thread(target=threading.Event().wait, args=(0.1,))
    thread.start()
    assert before.leaks(grace=2.0) == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc/self/fd")
class TestDescriptors:
    def test_a_pipe(self) -> None:
        before = Snapshot.take()
        os.pipe()
        assert [leak.kind for leak in before.leaks(grace=SHORT)] == ["descriptor"] * 2
        before.end_leaks()
        assert_clean(before)

    def test_a_socket_is_closed_through_its_owner(self) -> None:
        before = Snapshot.take()
        with socket.socket() as kept:
            assert "socket:" in only_leak(before).name
            before.end_leaks()
            assert kept.fileno() == -1
        assert_clean(before)

    def test_a_file(self, tmp_path: Path) -> None:
        before = Snapshot.take()
        with (tmp_path / "notes").open("w") as kept:
            assert only_leak(before).name.endswith("/notes")
            before.end_leaks()
            assert kept.closed
        assert_clean(before)

    def test_a_database(self, tmp_path: Path) -> None:
        before = Snapshot.take()
        database = sqlite3.connect(tmp_path / "ledger")
        assert only_leak(before).name.endswith("/ledger")
        before.end_leaks()
        assert_clean(before)
        with pytest.raises(sqlite3.ProgrammingError):
            database.execute("select 1")

    def test_a_zmq_socket_ends_with_its_context(self) -> None:
        before = Snapshot.take()
        context = zmq.Context()
        kept = context.socket(zmq.DEALER)
        assert before.leaks(grace=SHORT)
        before.end_leaks()
        assert (context.closed, kept.closed) == (True, True)
        assert_clean(before)


def test_a_temp_folder_is_a_leak_and_is_removed() -> None:
    before = Snapshot.take()
    folder = Path(tempfile.mkdtemp(prefix="pixmesh-"))
    (folder / "spool").write_bytes(b"pixels")
    assert only_leak(before) == Leak("temp file", folder.name)
    before.end_leaks()
    assert not folder.exists()


@pytest.fixture
def segment(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A name in shared memory that only this test looks for: other runs look beside it."""
    if not SHARED_MEMORY.is_dir():
        pytest.skip("needs /dev/shm")
    monkeypatch.setattr(leaks, "SHARED_MEMORY_NAMES", ("test-leaks-",))
    return SHARED_MEMORY / f"test-leaks-{os.getpid()}"


def test_shared_memory_is_a_leak_and_is_removed(segment: Path) -> None:
    before = Snapshot.take()
    segment.write_bytes(b"pixels")
    assert only_leak(before) == Leak("shared memory", str(segment))
    before.end_leaks()
    assert not segment.exists()


def test_shared_memory_of_another_run_is_none_of_ours(
    segment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Snapshot.take()
    command = [sys.executable, "-c", LEAVES_AN_ORPHAN, MAPS_FOR_EVER.format(path=str(segment))]
    with monkeypatch.context() as patch:
        patch.delenv(MARK)
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    stranger = psutil.Process(int(done.stdout))
    try:
        maps = Path(f"/proc/{stranger.pid}/maps")
        eventually(lambda: str(segment) in maps.read_text(), 20)
        assert_clean(before)
    finally:
        stranger.kill()
        eventually(lambda: not stranger.is_running())
    assert only_leak(before) == Leak("shared memory", str(segment))
    before.end_leaks()


def test_an_innocent_test_costs_under_two_milliseconds() -> None:
    def cost() -> float:
        began = time.thread_time()
        assert Snapshot.take().leaks() == []
        return time.thread_time() - began

    assert min(cost() for _ in range(20)) < 0.002


LEAKY = """
import tempfile, threading
from pathlib import Path

def test_leaks() -> None:
    threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True).start()
    tempfile.mkdtemp(prefix="pixmesh-")

def test_next_starts_clean() -> None:
    assert not list(Path(tempfile.gettempdir()).iterdir())
"""


def run_pytest(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_leaky.py").write_text(text)
    command = [sys.executable, "-P", "-m", "pytest", "-p", "pixmesh.tests.conftest"]
    command += ["--basetemp", str(folder / "base"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_the_leaking_test_fails_and_names_it_and_the_next_one_passes(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, LEAKY)
    assert done.returncode == 1
    assert "2 passed, 1 error" in done.stdout
    assert "thread: forgotten" in done.stdout
    assert "temp file: pixmesh-" in done.stdout


OUTLIVES = """
import subprocess, sys, pytest

@pytest.fixture(scope="session")
def node() -> None:
    program = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    quiet = subprocess.DEVNULL
    node.process = subprocess.Popen(program, stdout=quiet, stderr=quiet)

def test_passes(node: None) -> None:
    assert True
"""


def test_a_process_that_outlives_a_session_fixture_fails_the_run(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, OUTLIVES)
    assert "1 passed" in done.stdout
    assert done.returncode == 1
    assert "outlived the tests: process" in done.stdout
