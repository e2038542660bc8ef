"""What is drawn can be read without colours, and without anything but ASCII."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmesh.broker.status import STATES
from pixmesh.tui.view.glyphs import ASCII, FULL, TONES, Glyphs, bar, fitting, spark

BOTH = [FULL, ASCII]


@pytest.mark.parametrize("glyphs", BOTH, ids=["full", "ascii"])
def test_every_state_has_a_sign_of_its_own_and_a_tone(glyphs: Glyphs) -> None:
    assert set(glyphs.states) == {*STATES, "lost"} == set(TONES)
    assert len(set(glyphs.states.values())) == len(glyphs.states)


def test_the_plain_set_is_ascii() -> None:
    signs = asdict(ASCII)
    drawn = "".join(str(value) for value in signs.values())
    assert drawn.isascii()


@given(st.lists(st.floats(0, 1), max_size=80), st.integers(1, 60), st.sampled_from(BOTH))
def test_a_graph_has_its_width_and_rises_with_its_values(
    values: list[float], width: int, glyphs: Glyphs
) -> None:
    drawn = spark(values, most=1.0, width=width, glyphs=glyphs)
    assert len(drawn) == width
    shown = values[-width:]
    heights = [glyphs.levels.index(sign) for sign in drawn[width - len(shown) :]]
    assert all(height >= 1 for height in heights)
    for (one, low), (other, high) in zip(
        sorted(zip(shown, heights, strict=True)),
        sorted(zip(shown, heights, strict=True))[1:],
        strict=False,
    ):
        assert one > other or low <= high


def test_the_ends_of_a_graph_are_the_lowest_and_the_highest_sign() -> None:
    assert spark([0.0, 1.0], most=1.0, width=3, glyphs=FULL) == " ▁█"
    assert spark([5.0], most=0.0, width=1, glyphs=FULL) == "▁"


@given(st.floats(-1, 2), st.integers(0, 40), st.sampled_from(BOTH))
def test_a_bar_has_its_width(share: float, width: int, glyphs: Glyphs) -> None:
    assert len(bar(share, width=width, glyphs=glyphs)) == width


def test_a_bar_is_as_full_as_its_share() -> None:
    assert bar(0.0, width=4, glyphs=FULL) == "░░░░"
    assert bar(0.375, width=4, glyphs=FULL) == "█▌░░"
    assert bar(1.0, width=4, glyphs=FULL) == "████"


@pytest.mark.parametrize(
    ("environ", "encoding", "expected"),
    [
        ({"LANG": "de_DE.UTF-8"}, "utf-8", FULL),
        ({}, "UTF-8", FULL),
        ({"LANG": "C"}, "utf-8", ASCII),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, "utf-8", ASCII),
        ({"LC_ALL": "C.utf8"}, "utf-8", FULL),
        ({"LANG": "en_US.UTF-8"}, "iso8859-1", ASCII),
    ],
)
def test_a_terminal_is_drawn_for_as_its_locale_says(
    environ: dict[str, str], encoding: str, expected: Glyphs
) -> None:
    assert fitting(environ, encoding) is expected
