"""What a test left behind: processes, threads, descriptors, shared memory, temp files.

Owns the comparison of before and after, and ending what leaked. It knows nothing of
pytest; ``tests/conftest.py`` drives it around every test.

A child is known by an environment variable that all processes of this test run inherit,
so an orphan whose parent is gone is found as well. Only process ids that appeared since
the snapshot are looked at, which keeps an innocent test's share under 2 ms.
"""

import contextlib
import gc
import io
import os
import secrets
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from .eventually import eventually

MARK = "LEAKS_OF_TEST_RUN"
GRACE = 2.0
PATIENCE_WITH_THE_DYING = 5.0

# Opened once by a library at its first use, and kept: not a test's doing.
KEPT_BY_LIBRARIES = ("/dev/null", "/dev/random", "/dev/urandom", "/proc/", "/sys/")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # where POSIX shared memory shows
SHARED_MEMORY_NAMES = ("pixmesh", "psm_", "sem.mp-")


def mark_this_run() -> None:
    """Let every process started from now on carry this test run's mark."""
    os.environ.setdefault(MARK, f"{os.getpid()}-{secrets.token_hex(8)}")


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing left behind: its kind, and what identifies it to a person."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there was at one moment; what is there later and not here has leaked."""

    pids: frozenset[int]
    threads: frozenset[threading.Thread]
    descriptors: frozenset[tuple[int, str]]
    shared: frozenset[Path]
    temporary: frozenset[Path]
    folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))

    @classmethod
    def take(cls, folder: Path | None = None) -> "Snapshot":
        """Look at this process, its machine, and the folder for temp files."""
        folder = folder or Path(tempfile.gettempdir())
        return cls(
            pids=frozenset(psutil.pids()),
            threads=frozenset(threading.enumerate()),
            descriptors=frozenset(_descriptors()),
            shared=frozenset(_shared_memory()),
            temporary=frozenset(_temporary(folder)),
            folder=folder,
        )

    def leaks(self, grace: float = GRACE) -> list[Leak]:
        """Return what is still there after what is merely slow to end has ended."""
        if not self._now():
            return []
        gc.collect()
        with contextlib.suppress(AssertionError):
            eventually(lambda: not self._now(), deadline=grace)
        return self._now()

    def end_leaks(self) -> None:
        """End what leaked, so that the next test starts clean.

        A thread cannot be ended from outside; the next snapshot counts it as there.
        """
        end_processes(self._processes())
        for path in self._files():
            _remove(path)
        _close_owners(dict(self._descriptors()))
        for number, name in self._descriptors():
            if name.startswith(("pipe:", "/")):
                with contextlib.suppress(OSError):
                    os.close(number)

    def _now(self) -> list[Leak]:
        return [
            *(Leak("process", describe(process)) for process in self._processes()),
            *(Leak("thread", thread.name) for thread in self._threads()),
            *(Leak("descriptor", f"{number} -> {name}") for number, name in self._descriptors()),
            *(Leak("shared memory", str(path)) for path in self._segments()),
            *(Leak("temp file", path.name) for path in _temporary(self.folder) - self.temporary),
        ]

    def _processes(self) -> list[psutil.Process]:
        ours = {os.getpid()}
        found = []
        for pid in sorted(set(psutil.pids()) - self.pids):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                if _is_ours(process, ours):
                    ours.add(pid)
                    found.append(process)
        return found

    def _threads(self) -> list[threading.Thread]:
        # A thread that Python did not start stays listed for ever once it has asked its name.
        return [
            thread
            for thread in threading.enumerate()
            if thread not in self.threads and not isinstance(thread, threading._DummyThread)
        ]

    def _descriptors(self) -> list[tuple[int, str]]:
        appeared = _descriptors() - self.descriptors
        return sorted(one for one in appeared if not one[1].startswith(KEPT_BY_LIBRARIES))

    def _files(self) -> set[Path]:
        return self._segments() | (_temporary(self.folder) - self.temporary)

    def _segments(self) -> set[Path]:
        appeared = _shared_memory() - self.shared
        return appeared - _mapped_by_others() if appeared else appeared


def processes_of_this_run() -> list[psutil.Process]:
    """Return every process anywhere that carries this run's mark, except this one."""
    ours = {os.getpid()}
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if pid != os.getpid() and _is_ours(process, ours):
                found.append(process)
    return found


def _is_ours(process: psutil.Process, ours: set[int]) -> bool:
    if process.status() == psutil.STATUS_ZOMBIE:
        return False
    if process.ppid() in ours:
        return True
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get(MARK) == os.environ.get(MARK, "")
    return False


def describe(process: psutil.Process) -> str:
    """Name a process: its id and the start of its command line."""
    with contextlib.suppress(psutil.Error):
        return f"{process.pid} {' '.join(process.cmdline())[:200]}"
    return str(process.pid)


def _descriptors() -> set[tuple[int, str]]:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return _descriptors_by_psutil()
    found = set()
    for number in os.listdir(folder):  # noqa: PTH208  # runs around every test
        # The descriptor of this very listing is gone by the time it is looked up.
        with contextlib.suppress(OSError):
            found.add((int(number), os.readlink(f"/proc/self/fd/{number}")))  # noqa: PTH115
    return found


def _descriptors_by_psutil() -> set[tuple[int, str]]:
    me = psutil.Process()
    files = {(one.fd, one.path) for one in me.open_files()}
    return files | {(one.fd, f"socket:{one.laddr}") for one in me.net_connections(kind="all")}


def _shared_memory() -> set[Path]:
    if sys.platform != "linux":
        return set()
    with contextlib.suppress(OSError):
        names = os.listdir(SHARED_MEMORY)  # noqa: PTH208  # runs around every test
        return {SHARED_MEMORY / name for name in names if name.startswith(SHARED_MEMORY_NAMES)}
    return set()


def _mapped_by_others() -> set[Path]:
    """Return the shared memory of processes that are not this run's: all runs share one folder."""
    ours, found = {os.getpid()}, set()
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):
            if pid != os.getpid() and not _is_ours(psutil.Process(pid), ours):
                words = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").split()
                found |= {Path(word) for word in words if word.startswith(f"{SHARED_MEMORY}/")}
    return found


def _temporary(folder: Path) -> set[Path]:
    with contextlib.suppress(OSError):
        return {folder / name for name in os.listdir(folder)}  # noqa: PTH208  # every test
    return set()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def end_processes(processes: list[psutil.Process]) -> None:
    """Kill processes and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=PATIENCE_WITH_THE_DYING)


def _close_owners(leaked: dict[int, str]) -> None:
    """Close the objects behind leaked descriptors, by number and name.

    A descriptor closed beneath its owner is closed again by the owner later, when the
    number already means something else; libzmq aborts the whole process.
    """
    if not leaked:
        return
    for owner in _owners(leaked):
        with contextlib.suppress(OSError, ValueError, sqlite3.Error):
            owner.close()
    if "zmq" in sys.modules and any(name.startswith("anon_inode:") for name in leaked.values()):
        _end_zmq()


def _owners(leaked: dict[int, str]) -> Iterator[socket.socket | io.IOBase | sqlite3.Connection]:
    files = any(name.startswith("/") for name in leaked.values())
    for thing in gc.get_objects():
        kind = type(thing)  # not isinstance: that asks what a dead weak proxy stands for
        if issubclass(kind, sqlite3.Connection):
            if files:
                yield thing
        elif issubclass(kind, (socket.socket, io.IOBase)):
            with contextlib.suppress(OSError, ValueError):
                if thing.fileno() in leaked:
                    yield thing


def _end_zmq() -> None:
    import zmq
    from zmq.utils.garbage import gc as senders_memory

    # pyzmq's own context lives as long as the process; ending it aborts.
    kept = senders_memory._context
    for thing in gc.get_objects():
        kind = type(thing)  # not isinstance: what torch deprecates warns when it is asked
        if issubclass(kind, zmq.Context) and thing is not kept and not thing.closed:
            thing.destroy(linger=0)
