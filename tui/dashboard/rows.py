"""A table that may change under the eye: the cursor stays on its row, wherever that goes.

Only the lines on the screen are drawn, and of those only the ones that differ.
"""

import itertools
from collections.abc import Sequence
from operator import attrgetter
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..view.glyphs import Glyphs
from ..view.grid import Grid, Place, Row, head, line, places
from ..view.tone import Span, Tone
from .paint import CLASSES, css_for, styles_of

GUTTER = 2


class Rows(ScrollView, can_focus=True, inherit_bindings=False):
    """One table."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*CLASSES.values(), "rows--cursor"}
    DEFAULT_CSS = """
    Rows { height: 1fr; background: $background; scrollbar-size-horizontal: 0; }
    Rows .rows--cursor { background: $primary-muted; text-style: bold; }
    """ + css_for("Rows")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("g,home", "first", "First", show=False),
        Binding("G,end", "last", "Last", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("space", "mark", "Mark"),
    ]

    class Moved(Message):
        """The cursor is on another row, or others are marked."""

    def __init__(self, glyphs: Glyphs, *, follows: bool = False, id: str) -> None:  # noqa: A002
        """Make an empty table; one that ``follows`` stays at its end until the cursor leaves it."""
        super().__init__(id=id)
        self._glyphs = glyphs
        self._follows = follows
        self._grid = Grid(())
        self._shown: list[Place] = []
        self._brushes: dict[bool, tuple[Style, dict[Tone, Style]]] = {}
        self.cursor = ""
        self.marked: set[str] = set()

    # ---- what is shown --------------------------------------------------------------

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows."""
        return self._grid.rows

    @property
    def chosen(self) -> list[str]:
        """The ids that an action is for: the marked rows, else the one under the cursor."""
        marked = [row.id for row in self.rows if row.id in self.marked]
        return marked or ([self.cursor] if self.cursor else [])

    def show(self, grid: Grid) -> None:
        """Show another table; the cursor stays on its row, or where that was."""
        before, self._grid = self._grid, grid
        at_end = self._follows and (not before.rows or self.cursor == before.rows[-1].id)
        was = self.cursor
        self._keep_cursor(before.rows, at_end=at_end)
        self.marked &= {row.id for row in grid.rows}
        if len(before.rows) != len(grid.rows) or _frame(before) != _frame(grid):
            self.virtual_size = Size(self.size.width, len(grid.rows) + 1)
            self._lay_out()
            self.refresh()
        else:
            self._refresh_changed(before.rows, was)
        if at_end:
            self._to_cursor()
        if was != self.cursor:
            self.post_message(self.Moved())

    def _keep_cursor(self, before: Sequence[Row], *, at_end: bool) -> None:
        rows = self.rows
        ids = [row.id for row in rows]
        if not ids:
            self.cursor = ""
        elif at_end:
            self.cursor = ids[-1]
        elif self.cursor not in ids:
            was = [row.id for row in before]
            place = was.index(self.cursor) if self.cursor in was else 0
            self.cursor = ids[min(place, len(ids) - 1)]

    def _refresh_changed(self, before: Sequence[Row], was: str) -> None:
        top = self.scroll_offset.y
        for number in range(self.size.height - 1):
            place = top + number
            if place >= len(self.rows):
                return
            row = self.rows[place]
            moved = was != self.cursor and row.id in {was, self.cursor}
            if moved or row != before[place]:
                self.refresh(Region(0, number + 1, self.size.width, 1))

    # ---- drawing --------------------------------------------------------------------

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the columns out anew."""
        self._lay_out()
        self.refresh()

    def on_mount(self) -> None:
        """Look colours up anew with every theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._forget_colours())

    def _forget_colours(self) -> None:
        self._brushes = {}
        self.refresh()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width or self.size.width
        self._shown = places(self._grid.columns, max(1, width - GUTTER))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        if not self._brushes:
            self._mix()
        width = self.size.width
        if y == 0:
            return self._strip([Span("  "), *head(self._shown, self._glyphs.more)], width)
        place = self.scroll_offset.y + y - 1
        if not self.rows:
            return self._strip(self._nothing(y - 1), width)
        if place >= len(self.rows):
            return self._strip([], width)
        row = self.rows[place]
        cells = line(row.cells, self._shown, self._glyphs.more)
        return self._strip([Span(self._gutter(row)), *cells], width, row.id == self.cursor)

    def _nothing(self, number: int) -> list[Span]:
        words = self._grid.nothing
        inside = 1 <= number <= len(words)
        return [Span(f"  {words[number - 1]}", Tone.QUIET)] if inside else []

    def _gutter(self, row: Row) -> str:
        cursor = self._glyphs.cursor if row.id == self.cursor else " "
        return cursor + (self._glyphs.mark if row.id in self.marked else " ")

    def _strip(self, spans: Sequence[Span], width: int, under_cursor: bool = False) -> Strip:
        base, styles = self._brushes[under_cursor]
        runs = itertools.groupby(spans, key=attrgetter("tone"))
        segments = [Segment("".join(span.text for span in run), styles[tone]) for tone, run in runs]
        return Strip(segments).adjust_cell_length(width, base)

    def _mix(self) -> None:
        """Look all colours up: for each line it would take longer than to draw it."""
        styles, plain = styles_of(self), self.rich_style
        chosen = self.get_component_rich_style("rows--cursor")
        cursor = Style(color=plain.color, bgcolor=chosen.bgcolor, bold=True)
        for base in (plain, cursor):
            brushes = {tone: base + style for tone, style in styles.items()}
            self._brushes[base is cursor] = (base, brushes)

    # ---- the cursor -----------------------------------------------------------------

    def _place(self) -> int:
        return next((i for i, row in enumerate(self.rows) if row.id == self.cursor), 0)

    def move_to(self, place: int) -> None:
        """Put the cursor on the row at a place, the nearest that there is."""
        if not self.rows:
            return
        self.cursor = self.rows[min(max(0, place), len(self.rows) - 1)].id
        self._to_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def _to_cursor(self) -> None:
        place, height = self._place(), max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if place < top:
            self.scroll_to(y=place, animate=False)
        elif place >= top + height:
            self.scroll_to(y=place - height + 1, animate=False)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.move_to(self._place() + by)

    def action_page(self, by: int) -> None:
        """Move it by a screen."""
        self.move_to(self._place() + by * max(1, self.size.height - 2))

    def action_first(self) -> None:
        """Move it to the first row."""
        self.move_to(0)

    def action_last(self) -> None:
        """Move it to the last row."""
        self.move_to(len(self.rows) - 1)

    def action_mark(self) -> None:
        """Mark the row, or unmark it, and go to the next."""
        if self.cursor:
            self.marked ^= {self.cursor}
            self.move_to(self._place() + 1)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse was."""
        if event.y:
            self.move_to(self.scroll_offset.y + event.y - 1)


def _frame(grid: Grid) -> tuple[object, ...]:
    """Return what a table has beside its rows."""
    return grid.columns, grid.nothing
