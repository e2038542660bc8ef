"""A table's lines have exactly the width that there is, whatever is in it."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pixmesh.tui.view.grid import GAP, Column, Grid, Row, fitted, head, line, matching, places
from pixmesh.tui.view.nodes import COLUMNS as NODES
from pixmesh.tui.view.tone import Span, cut, first_that_fits, text_of

columns = st.lists(
    st.builds(
        Column,
        title=st.text(max_size=12),
        width=st.integers(1, 20),
        rank=st.integers(0, 9),
        right=st.booleans(),
        grows=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(columns, st.integers(1, 200))
def test_what_is_shown_is_never_wider_than_the_screen(some: list[Column], width: int) -> None:
    shown = places(some, width)
    assert sum(place.width for place in shown) + GAP * (len(shown) - 1) <= width or len(shown) == 1
    assert all(place.width <= width for place in shown)
    assert [place.index for place in shown] == sorted(place.index for place in shown)
    text = "".join(span.text for span in head(shown, "…"))
    assert cell_len(text) == sum(place.width for place in shown) + GAP * (len(shown) - 1)


@given(columns, st.integers(1, 200))
def test_what_matters_most_is_shown_longest(some: list[Column], width: int) -> None:
    shown = {place.index for place in places(some, width)}
    left_out = [column.rank for index, column in enumerate(some) if index not in shown]
    kept = [column.rank for index, column in enumerate(some) if index in shown]
    assert not left_out or min(left_out) >= max(kept)


def test_columns_that_grow_take_what_is_left_between_them() -> None:
    some = [Column("a", 5), Column("b", 5, grows=True), Column("c", 5, grows=True)]
    assert [place.width for place in places(some, 20)] == [5, 7, 6]
    assert [place.width for place in places(some, 17)] == [5, 5, 5]


def test_at_the_narrowest_a_node_still_has_a_name_a_state_and_what_it_does() -> None:
    titles = {place.column.title for place in places(NODES, 58)}
    assert {"NODE", "STATE", "SLOTS", "NOW"} <= titles
    assert {"NODE", "STATE", "NOW"} <= {place.column.title for place in places(NODES, 43)}


@given(st.text(max_size=40), st.integers(1, 30), st.booleans())
def test_a_cell_has_exactly_its_width(text: str, width: int, right: bool) -> None:
    plain = "".join(one for one in text if one.isprintable() and cell_len(one))
    assert cell_len(fitted(plain, width, "…", right=right)) == width


def test_numbers_stand_at_the_right_and_long_words_end_in_a_sign() -> None:
    assert fitted("12", 5, "…", right=True) == "   12"
    assert fitted("photographs", 5, "…") == "phot…"
    assert fitted("猫猫猫", 5, "…") == "猫猫…"
    cells = (Span("a"), Span("7"))
    shown = places([Column("x", 3), Column("y", 3, right=True)], 7)
    assert "".join(span.text for span in line(cells, shown, "…")) == "a     7"


def test_every_word_that_is_looked_for_is_in_a_row_that_is_shown() -> None:
    rows = [Row("1", (Span("atlas"), Span("working"))), Row("2", (Span("pi4"), Span("idle")))]
    grid = Grid((Column("a", 5), Column("b", 5)), tuple(rows))
    assert matching(grid.rows, "") == grid.rows
    assert [row.id for row in matching(rows, "ATL work")] == ["1"]
    assert matching(rows, "atlas idle") == ()


@given(st.lists(st.text(max_size=10), max_size=6), st.integers(0, 30))
def test_a_line_that_is_cut_is_as_long_as_there_is_room(words: list[str], width: int) -> None:
    spans = tuple(Span("".join(c for c in word if cell_len(c) == 1)) for word in words)
    text = text_of(cut(spans, width, "…"))
    whole = text_of(spans)
    assert text == whole if len(whole) <= width else len(text) == width


def test_of_several_lines_the_richest_that_fits_is_taken() -> None:
    lines = [(Span("a long line"),), (Span("short"),), (Span("s"),)]
    assert text_of(first_that_fits(lines, 11)) == "a long line"
    assert text_of(first_that_fits(lines, 10)) == "short"
    assert text_of(first_that_fits(lines, 0)) == "s"
