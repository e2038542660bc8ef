"""What was recorded is told again as it was, each at its time; what is no recording is said."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pixmesh.node.errors import UsageError
from pixmesh.node.net.following import Away, Shown, Told
from pixmesh.tests.screens.story import minute, preview
from pixmesh.tui.recording import Recorder, Replay, entries

TOLD: list[Told] = [*minute(), Shown("atlas", preview(b"\xff\xd8")), Away("refused")]


def recorded(path: Path, told: list[Told], every: float) -> list[Told]:
    passed: list[Told] = []
    now = [0.0]
    with Recorder(path, "0.1.0", clock=lambda: now[0]) as recorder:
        record = recorder.through(passed.append)
        for one in told:
            record(one)
            now[0] += every
    return passed


def test_what_is_recorded_is_handed_on_and_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "session"
    assert recorded(path, TOLD, 0.5) == TOLD
    found = list(entries(path))
    assert [one.told for one in found] == TOLD
    assert [one.at for one in found] == [0.5 * number for number in range(len(TOLD))]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a disk that is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_nothing_can_be_written_it_does_not_begin(tmp_path: Path) -> None:
    with (
        largest_file(0),
        pytest.raises(UsageError, match="session cannot be written: File too large"),
        Recorder(tmp_path / "session", "0.1.0"),
    ):
        pass


def test_a_disk_that_fills_up_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    passed: list[Told] = []
    with Recorder(tmp_path / "session", "0.1.0") as recorder:
        record = recorder.through(passed.append)
        record(TOLD[0])
        assert recorder.note == "recording"
        with largest_file((tmp_path / "session").stat().st_size + 100):
            for one in TOLD[1:]:
                record(one)
        assert recorder.note == "NO LONGER RECORDED: File too large"
    assert passed == TOLD
    assert [one.told for one in entries(tmp_path / "session")] == TOLD[:1]


def test_it_is_told_again_in_order_and_then_that_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "session"
    recorded(path, TOLD[:5], 0.001)
    told: queue.SimpleQueue[Told] = queue.SimpleQueue()
    replay = Replay(list(entries(path)))
    replay.start(told.put)
    assert [told.get(timeout=5) for _ in range(5)] == TOLD[:5]
    assert told.get(timeout=5) == Away("the recording ends here")
    replay.stop()


def test_a_replay_can_be_left_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "session"
    recorded(path, TOLD[:2], 3600.0)
    told: queue.SimpleQueue[Told] = queue.SimpleQueue()
    replay = Replay(list(entries(path)))
    replay.start(told.put)
    told.get(timeout=5)
    replay.stop()
    assert told.empty()


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "session"
    recorded(path, TOLD[:3], 0.5)
    path.write_bytes(path.read_bytes()[:-10])
    assert [one.told for one in entries(path)] == TOLD[:2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no recording"),
        (b"\x89PNG\r\n", "is no recording"),
        (b'{"pixmesh": "9.0", "schema": 9}\n', "was recorded by pixmesh 9.0"),
        (b'{"pixmesh": "0.1.0", "schema": 1}\n{"at": "now"}\n', "is damaged"),
    ],
)
def test_what_is_no_recording_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "session"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        list(entries(path))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        list(entries(tmp_path / "nothing"))
