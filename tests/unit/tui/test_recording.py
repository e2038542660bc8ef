"""What was recorded is told again as it was, each at its time; what is no recording is said."""

import queue
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
    with path.open("wb") as file:
        record = Recorder(file, "0.1.0", passed.append, clock=lambda: now[0])
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
