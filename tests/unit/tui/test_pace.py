"""How fast, and how long yet, on a virtual clock."""

import pytest

from pixmesh.tui.pace import Counts, Pace, clock, counted, line


def after(seconds: int, *, per_second: int) -> tuple[Counts, Pace]:
    counts, pace = Counts(100), Pace()
    for second in range(seconds + 1):
        counts.done = second * per_second
        counts.pixels = counts.done * 2_000_000
        pace.look(counts, float(second))
    return counts, pace


def test_a_steady_pace_is_told_as_it_is() -> None:
    counts, pace = after(8, per_second=5)
    assert (pace.images, pace.megapixels) == (5.0, 10.0)
    assert pace.seconds_left(counts) == 12.0
    assert line(counts, pace) == "40/100 done, 60 left, 5.0 images/s, 10 MP/s, 0:12 to go"


def test_what_was_long_ago_does_not_count() -> None:
    counts, pace = Counts(1000), Pace(window=10.0)
    for second in range(60):
        counts.done = min(second, 30) * 4
        pace.look(counts, float(second))
    assert pace.images == 0.0
    assert pace.seconds_left(counts) is None


def test_looks_are_bounded() -> None:
    pace = Pace(window=10.0)
    for tick in range(100_000):
        pace.look(Counts(1), tick * 0.1)
    assert len(pace._seen) < 110


def test_nothing_known_yet_promises_nothing() -> None:
    counts, pace = Counts(3, failed=1), Pace()
    pace.look(counts, 0.0)
    assert line(counts, pace) == "0/3 done, 1 failed, 2 left"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (39, "0:39"), (61, "1:01"), (3599.6, "1:00:00")]
)
def test_durations(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_one_thing_is_one() -> None:
    assert (counted(1, "node"), counted(0, "node")) == ("1 node", "0 nodes")
