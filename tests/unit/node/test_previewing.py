"""A node shows one picture a second, and only while somebody looks."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pixmesh.node.previewing import EVERY, WANTED, Previewing


def test_nothing_is_shown_that_nobody_asked_for() -> None:
    assert not Previewing().next(0.0)


def test_what_was_asked_for_is_shown_until_nobody_looks_any_more() -> None:
    one = Previewing()
    one.asked(10.0)
    assert one.next(10.0)
    assert not one.next(10.0 + EVERY / 2)
    assert one.next(10.0 + EVERY)
    assert not one.next(10.0 + WANTED)
    one.asked(20.0)
    assert one.next(20.0)


@given(st.lists(st.tuples(st.floats(0, 0.2), st.booleans()), max_size=200))
def test_however_often_it_is_asked_and_works_it_shows_one_a_second(
    steps: list[tuple[float, bool]],
) -> None:
    one, now, shown = Previewing(), 0.0, []
    for pause, asks in steps:
        now += pause
        if asks:
            one.asked(now)
        if one.next(now):
            shown.append(now)
    assert all(later - earlier >= EVERY for earlier, later in itertools.pairwise(shown))
