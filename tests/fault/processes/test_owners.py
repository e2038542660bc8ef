"""Rows 19 to 22, 30, 32, 35, 36 and 42 with real processes: owners, their pixels, their disks."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import zmq

from pixmesh.broker import wire
from pixmesh.broker.keys import KeyPair
from pixmesh.broker.messages import INLINE_BYTES, Hello, State, Submit, TaskItem, Window
from pixmesh.node.net.reach import running_broker
from pixmesh.node.state import StateFolder
from pixmesh.tests.integration.runs import seconds_until
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member

from .trial import Trial, at_work

Note = Callable[[str, float], None]
LARGE = 600  # the side of a picture whose file is over the inline limit
MEMORY_LIMIT = 500 * 1024**2


# ---- pixels that are not what they should be ---------------------------------------------------


def flip(path: Path) -> None:
    """Change one byte in the middle."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0xFF]))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


HARMS = pytest.mark.parametrize("harm", [flip, truncate, Path.unlink])


def spooled(node: Member, suffix: str) -> list[Path]:
    """Return the files of a kind in a node's spool."""
    locks = [
        one.path for one in psutil.Process(node.pid).open_files() if one.path.endswith(".lock")
    ]
    return [path for lock in locks for path in Path(lock).with_suffix("").glob(f"*{suffix}")]


@HARMS
def test_row19_P_a_result_corrupted_truncated_or_gone_is_found_and_made_anew(
    trial: Trial, harm: Callable[[Path], None]
) -> None:
    """The owner stands still while its results lie in the node's spool, and are harmed there."""
    trial.pictures(4, side=LARGE)
    trial.mesh.broker()
    node = trial.mesh.node("atlas")
    run = trial.begin(nap=0.5)
    at_work(node, 2)
    run.tell(signal.SIGSTOP)
    for path in eventually(lambda: _results(trial, node), 10):
        harm(path)
    run.tell(signal.SIGCONT)
    trial.judge(run)
    assert max(trial.tries().values()) > 1


def _results(trial: Trial, node: Member) -> list[Path]:
    """Return the results in a node's spool that no slot is still writing."""
    ended = {f"{fact['attempt']:x}.out" for fact in trial.facts("ended")}
    return [path for path in spooled(node, ".out") if path.name in ended]


@HARMS
def test_row19_P_a_picture_corrupted_truncated_or_gone_on_its_way_is_found_and_sent_anew(
    trial: Trial, harm: Callable[[Path], None]
) -> None:
    """The slots stand still while their next pictures lie in the spool, and are harmed there."""
    assert LARGE * LARGE > INLINE_BYTES
    trial.pictures(6, side=LARGE)
    trial.mesh.broker()
    node = trial.mesh.node("atlas")
    run = trial.begin(nap=0.5)
    at_work(node, 2)
    slots = node.children()
    for slot in slots:
        slot.suspend()
    waiting = eventually(lambda: _not_begun(trial, node), 10)
    for path in waiting:
        harm(path)
    for slot in slots:
        slot.resume()
    trial.judge(run)
    assert max(trial.tries().values()) > 1


def _not_begun(trial: Trial, node: Member) -> list[Path]:
    """Return the whole pictures in a node's spool that no slot has begun."""
    begun = {f"{attempt:x}.in" for attempt in node.running()}
    whole = {source.read_bytes() for source in trial.sources}
    return [
        path
        for path in spooled(node, ".in")
        if path.name not in begun and path.read_bytes() in whole
    ]


# ---- owners that die, freeze, start again --------------------------------------------------


@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "broker"])
def test_row20_P_an_owner_killed_in_the_middle_goes_on_and_repeats_nothing(
    trial: Trial, embedded: bool
) -> None:
    trial.pictures(40)
    where = ["--local", "--slots", "2"] if embedded else []
    if not embedded:
        trial.mesh.broker()
        trial.mesh.node("atlas")
    first = trial.begin(*where)
    eventually(lambda: trial.done() >= 10, 30, first.said())
    family = first.children()
    first.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    done = {path for path, (state, _) in trial.states().items() if state == "done"}
    stamps = {path: Path(path).stat().st_mtime_ns for path in done}
    trial.judge(trial.begin(*where))
    assert {path: Path(path).stat().st_mtime_ns for path in done} == stamps


def test_row21_P_an_owner_that_stands_still_while_nodes_fetch_blocks_nobody_else(
    trial: Trial,
) -> None:
    trial.pictures(20, side=LARGE)
    other = Trial(trial.mesh, trial.histories, "other").pictures(10)
    trial.mesh.broker()
    node = trial.mesh.node("atlas")
    frozen = trial.begin(nap=0.2)
    at_work(node, 1)
    frozen.tell(signal.SIGTSTP)  # the one that owners can prepare for
    took = seconds_until(lambda: _whole_run(other), 40)
    assert took < 20
    frozen.tell(signal.SIGCONT)
    trial.judge(frozen)


def _whole_run(trial: Trial) -> bool:
    run = trial.begin(nap=0.1)
    trial.judge(run)
    return True


def test_row22_P_an_owner_that_starts_again_at_once_gets_one_result_for_each_job(
    trial: Trial,
) -> None:
    """Its tasks still run when it asks for the same ones again."""
    trial.pictures(6)
    trial.mesh.broker()
    node = trial.mesh.node("atlas")
    first = trial.begin(nap=1.0)
    at_work(node, 2)
    first.kill()
    trial.judge(trial.begin(nap=1.0))
    jobs = [fact["job"] for fact in trial.facts("asked")]
    assert len(set(jobs)) == 6


# ---- owners that ask for too much, or read nothing -----------------------------------------


class Rude:
    """An owner that asks for a million tasks and looks at no window."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        way = running_broker(StateFolder.open())
        assert way is not None
        self.key = KeyPair.fresh()
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = 10
        self.socket.connect(way.first.control)
        self.say(
            Hello(
                role="owner",
                name="rude",
                key=self.key.raw,
                boot=bytes(8),
                lowest=wire.LOWEST_VERSION,
                highest=wire.HIGHEST_VERSION,
            )
        )

    def say(self, message: Hello | State | Submit) -> None:
        self.socket.send_multipart(wire.encode(message))

    def windows(self) -> list[Window]:
        """Return every window told so far."""
        found = []
        while self.socket.poll(200):
            message, _ = wire.decode(self.socket.recv_multipart())
            found += [message] if isinstance(message, Window) else []
        return found

    def asks(self, first: int, count: int, inline: bytes | None) -> None:
        tasks = tuple(_task(number, inline) for number in range(first, first + count))
        self.say(Submit(seq=first, batch=1, recipe="blur", output="", tasks=tasks, needs=("no",)))


def _task(number: int, inline: bytes | None) -> TaskItem:
    size = len(inline) if inline is not None else 10**6
    return TaskItem(number.to_bytes(16, "big"), bytes(16), size, bytes(32), 0.1, 1, inline)


@pytest.mark.parametrize(
    ("submits", "together", "inline"),
    [
        pytest.param(1_000_000, 1000, None, id="a million"),
        pytest.param(20_000, 7, bytes(INLINE_BYTES), id="with pixels inline"),
    ],
)
@pytest.mark.timeout(300)
def test_row30_P_submits_without_end_are_bounded_and_the_window_closes(
    trial: Trial, submits: int, together: int, inline: bytes | None, note: Note
) -> None:
    broker = trial.mesh.broker()
    with zmq.Context() as context:
        rude = Rude(context)
        with rude.socket:
            for first in range(0, submits, together):
                rude.asks(first, together, inline)
            rude.say(State())
            window = eventually(rude.windows, 60)[-1]
    note("megabytes", broker.memory() / 1e6)
    assert broker.memory() < MEMORY_LIMIT
    assert window.held >= (window.tasks if inline is None else 1)
    trial.pictures(6)
    trial.mesh.node("atlas")
    trial.judge(trial.begin())


def test_row32_P_a_member_that_reads_nothing_is_evicted_and_others_are_unaffected(
    trial: Trial,
) -> None:
    """It asks for its status without end and takes no answer; then it stands still for ever."""
    trial.pictures(20)
    broker = trial.mesh.broker()
    trial.mesh.node("atlas")
    before = broker.memory()
    with zmq.Context() as context:
        rude = Rude(context)
        with rude.socket:
            rude.windows()
            for _ in range(200_000):
                rude.say(State())
            trial.judge(trial.begin())
            assert broker.memory() - before < 64 * 1024**2
    eventually(lambda: trial.mesh.status().owners == 0, 15, "it was never forgotten")
    assert not broker.ended


# ---- what runs out -----------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, megabytes: float) -> Iterator[Path]:
    """Mount a disk of so many megabytes; skipped where that is not allowed."""
    if os.name != "posix" or os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")
    folder.mkdir()
    size = f"size={int(megabytes * 1024)}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_row36_P_a_full_disk_at_the_owner_is_a_clear_error_and_leaves_nothing_partial(
    trial: Trial,
) -> None:
    trial.pictures(12, side=LARGE)
    with small_disk(trial.out, 2.0):
        run = trial.begin("--local", "--slots", "2", nap=0)
        assert run.code(60) == 5, run.said()
        assert "No space left on device" in run.said()
        outputs = [path for path in trial.out.iterdir() if not path.name.startswith(".")]
        whole = {path.stat().st_size for path in outputs}
        states = trial.states()
        assert {str(path) for path in outputs} == {
            path for path, (state, _) in states.items() if state == "done"
        }
        assert 0 < len(outputs) < 12
        assert min(whole) > LARGE * LARGE // 2
        assert {code for state, code in states.values() if state == "failed"} == {"unwritable"}
        assert [path for path in trial.out.iterdir() if path.name.startswith(".")] == []


def test_row36_P_a_full_disk_at_a_node_sends_its_work_elsewhere(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.pictures(12, side=LARGE)
    trial.mesh.broker()
    with small_disk(tmp_path / "small", 0.5):
        with monkeypatch.context() as patch:
            patch.setenv("TMPDIR", str(tmp_path / "small"))
            full = trial.mesh.node("full")
        trial.mesh.node("roomy")
        trial.judge(trial.begin(nap=0))
        ends = [fact for fact in trial.facts("ended") if fact["code"] == "disk-full"]
        assert ends
        full.tell(signal.SIGTERM)
        assert full.code(15) == 0


def use_up_descriptors(member: Member) -> psutil.Process:
    """Let a process open nothing more; what it has open it keeps, as in every real shortage.

    Less than it polls would be none: poll itself refuses that. Pixels are open for a moment.
    """
    found = {int(one.name): one.readlink() for one in Path(f"/proc/{member.pid}/fd").iterdir()}
    kept = {number for number, path in found.items() if not is_open_for_a_moment(path)}
    first_free = min(set(range(len(kept) + 1)) - kept)
    process = psutil.Process(member.pid)
    process.rlimit(psutil.RLIMIT_NOFILE, (first_free, process.rlimit(psutil.RLIMIT_NOFILE)[1]))
    return process


def is_open_for_a_moment(path: Path) -> bool:
    """Whether this is a picture, one being written, a folder, or in the spool of a process."""
    spooled = path.parent.parent.name.startswith("pixmesh-")
    return spooled or path.suffix in {".png", ".part"} or path.is_dir()


def test_row36_P_descriptors_that_run_out_at_a_node_end_nothing(trial: Trial) -> None:
    """It may open nothing more; what it cannot do it returns, and later it goes on."""
    trial.pictures(12, side=LARGE)
    trial.mesh.broker()
    node = trial.mesh.node("tight", 1)
    run = trial.begin(nap=0.1)
    at_work(node, 1)
    usual = psutil.Process(node.pid).rlimit(psutil.RLIMIT_NOFILE)
    process = eventually(lambda: use_up_descriptors(node))
    eventually(lambda: "spool" in {fact["code"] for fact in trial.facts("ended")}, 20)
    assert not node.ended, node.said()
    process.rlimit(psutil.RLIMIT_NOFILE, usual)
    trial.mesh.node("roomy", 1)
    trial.judge(run)
    assert not node.ended


def test_row36_P_descriptors_that_run_out_at_an_owner_are_a_clear_error(trial: Trial) -> None:
    trial.pictures(40)
    run = trial.begin("--local", "--slots", "1", nap=0.1)
    eventually(lambda: trial.done() >= 2, 20, run.said())
    eventually(lambda: use_up_descriptors(run))
    code = run.code(60)
    assert code in {1, 5}, run.said()
    assert "Too many open files" in run.said() or "unable to open database" in run.said()
    assert "Traceback" not in run.said()
    trial.judge(trial.begin("--local", "--slots", "2"))


def test_row42_P_bad_pictures_among_good_ones_are_named_and_the_good_ones_done(
    trial: Trial,
) -> None:
    trial.pictures(12)
    whole = trial.sources[3].read_bytes()
    for number, data in {3: whole[:-20], 5: b"", 7: b"<html>" * 99, 9: whole[:8] * 9}.items():
        trial.sources[number].write_bytes(data)
    trial.mesh.broker()
    trial.mesh.node("atlas")
    run = trial.begin(nap=0)
    assert run.code(60) == 5, run.said()
    bad = [trial.sources[number] for number in (3, 5, 7, 9)]
    assert all(source.name in run.said() for source in bad)
    done = {path for path, (state, _) in trial.states().items() if state == "done"}
    good = [source for source in trial.sources if source not in bad]
    assert done == {str(trial.out / source.name) for source in good}
    assert {path.name for path in trial.out.iterdir()} == {source.name for source in good}


@pytest.mark.soak
def test_row35_P_a_wall_clock_that_is_moved_an_hour_changes_nothing(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: Debian's faketime moves the wall clocks of broker, node and owner apart."""
    if not shutil.which("faketime"):
        pytest.skip("faketime is not installed")
    trial.pictures(20)
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    for role, shift in (("broker", "+1h"), ("node", "-1h")):
        monkeypatch.setenv("FAKETIME", shift)
        trial.mesh.broker() if role == "broker" else trial.mesh.node("atlas")
    monkeypatch.setenv("FAKETIME", "+30d x50")
    trial.judge(trial.begin())
    assert trial.facts("gone", "lost") == []
