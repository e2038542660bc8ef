"""The dashboard's pages: four tables of one mesh, kept true twice a second.

What is shown is ``tui/view``'s; here are Textual's widgets and timers. Whatever takes time is
done in threads, which post messages. What can be done to what is shown is ``app``'s.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from textual import events, work
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, Footer, Input, Static

from ...node.errors import PixmeshError
from ...node.net.following import Shown
from ...node.net.following import Told as Heard
from ..view import folders, heading, jobs, log, nodes
from ..view.actions import Action
from ..view.glyphs import Glyphs
from ..view.grid import Grid, matching, nothing_of
from ..view.mesh import MeshView
from ..view.tone import Line, text_of
from .detail import Detail
from .dialogs import Told
from .lines import Lines
from .messages import Came, Drawn, Loaded, Unread
from .rows import Rows
from .sources import Doer, Pictures, Source

LEAST: Final = (40, 12)
LOOKING: Final = ("The broker is looked for.",)
ANSI: Final = ("ansi-dark", "ansi-light")
"""Themes of the terminal's own colours, of which NO_COLOR makes black on black."""

PERIOD: Final = 0.5
BLURRED: Final = 4
"""How many periods pass between two looks at a screen that nobody looks at."""

LOAD_AGAIN: Final = 2.0


class Pages(App[str]):
    """The screen, looked at. Its result says how it was left: ``leave``, ``drain``, or nothing."""

    TITLE = "pixmesh"
    COMMAND_PALETTE_BINDING = "colon"
    CSS = """
    Screen { background: $background; }
    ModalScreen { background: $background 60%; }
    #small { display: none; width: 100%; height: 100%; content-align: center middle; }
    .too-small #small { display: block; }
    .too-small #mesh { display: none; }
    #filter { display: none; height: 1; border: none; padding: 0 1; }
    #pages { height: 1fr; }
    #batches { max-height: 5; }
    """

    def __init__(
        self,
        *,
        source: Source,
        glyphs: Glyphs,
        doer: Doer | None = None,
        pictures: Pictures | None = None,
        note: Callable[[], str] = str,
        of_up: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Show what ``source`` tells. Without a ``doer`` nothing can be done: it is read-only."""
        super().__init__()
        self._source = source
        self._glyphs = glyphs
        self._doer = doer
        self._pictures = pictures
        self._note = note
        self._of_up = of_up
        self._clock = clock
        self._wall = wall
        self.view = MeshView()
        self.page = heading.PAGES[0]
        self.words = ""
        self.by = "as they came"
        self.frozen = False
        self._below: tuple[Line, ...] = ()
        self._previews = True
        self._ticks = 0
        self._loaded_at = float("-inf")
        self.listed = jobs.Listing()
        self._offered: tuple[object, ...] = ()

    # ---- the screen -----------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Make the widgets."""
        glyphs = self._glyphs
        yield Static(id="small")
        with Vertical(id="mesh"):
            yield Lines(glyphs, id="heading")
            yield Input(placeholder="words to look for", id="filter", compact=True)
            with ContentSwitcher(id="pages", initial="Nodes"):
                yield Rows(glyphs, id="Nodes")
                with Vertical(id="Jobs"):
                    yield Lines(glyphs, id="batches")
                    yield Rows(glyphs, id="pictures")
                    yield Lines(glyphs, id="counts")
                yield Rows(glyphs, id="Folders")
                yield Rows(glyphs, id="Log", follows=True)
            yield Detail(glyphs, colours=self._has_colours, id="detail")
            yield Footer(compact=True, show_command_palette=False)

    @property
    def _has_colours(self) -> bool:
        return not (self.no_color or self._glyphs.is_ascii)

    def on_mount(self) -> None:
        """Begin to follow."""
        if self.no_color:
            for theme in ANSI:
                self.unregister_theme(theme)
        self.table.focus()
        self._source.start(self._came)
        self.set_interval(PERIOD, self._tick)
        self.load()
        self.draw()

    def on_unmount(self) -> None:
        """End what was begun."""
        self._source.stop()

    def _came(self, told: Heard) -> None:
        """Called in the source's thread."""
        self.post_message(Came(told))

    @property
    def table(self) -> Rows:
        """The page's table."""
        return self.query_one("#pictures" if self.page == "Jobs" else f"#{self.page}", Rows)

    def on_resize(self, event: events.Resize) -> None:
        """Say so where the screen is too small; show details where there is room."""
        width, height = event.size
        small = width < LEAST[0] or height < LEAST[1]
        need = f"pixmesh needs {LEAST[0]}x{LEAST[1]}\nthis is {width}x{height}"
        page = self.screen_stack[0]  # a dialog may be over it
        page.set_class(small, "too-small")
        page.query_one("#small", Static).update(need)
        page.query_one("#detail", Detail).fit(width, height)
        self.draw()

    # ---- what is told ---------------------------------------------------------------

    def on_came(self, message: Came) -> None:
        """Take in what the source tells."""
        self.hear(message.told)

    def hear(self, told: Heard) -> None:
        """Take it in; the screen shows it at its next turn, at once if it is the first."""
        first = self.view.snapshot is None
        self.view.take(told, self._clock())
        if first:
            self.draw()

    def _tick(self) -> None:
        self._ticks += 1
        if self.app_focus or self._ticks % BLURRED == 0:
            self.draw()
            self._load_if_due()

    def draw(self) -> None:
        """Show what is known now."""
        if not self.is_running:
            return
        self._draw_heading()
        if self.frozen:
            return
        if self.page == "Jobs":
            self._draw_jobs()
        else:
            self.table.show(self._grid())
        self._draw_detail()
        self._offer()

    def _offer(self) -> None:
        """Show the keys that do something now, if they are others: Textual makes them all anew."""
        offered = (self.page, bool(self.table.cursor), *(one.label for one in self.actions_now()))
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def _draw_heading(self) -> None:
        """Say whether it is true, also while the figures below stand."""
        now = self._clock()
        width = self.size.width - 2
        if not self.frozen:
            below = (
                heading.progress(self.view, self._glyphs, width=width),
                heading.limits(self.view),
            )
            self._below = below
        lines = [self._title(now, width), *self._below]
        self.query_one("#heading", Lines).show(lines, banner=heading.banner(self.view, now))

    def _title(self, now: float, width: int) -> Line:
        notes = [
            *([self._note()] if self._note() else []),
            *(["read-only"] if self._doer is None else []),
            *(["FROZEN"] if self.frozen else []),
            *([f"sorted by {self.by}"] if self.by != "as they came" else []),
            *([f"filter {self.words!r}"] if self.words else []),
        ]
        clock_text = datetime.fromtimestamp(self._wall()).strftime("%H:%M:%S")
        return heading.title(
            self.view,
            self._glyphs,
            page=self.page,
            now=now,
            clock_text=clock_text,
            notes=notes,
            width=width,
        )

    def _grid(self) -> Grid:
        match self.page:
            case "Nodes":
                grid = nodes.grid(self.view, self._glyphs, by=self.by)
            case "Folders":
                grid = folders.grid(self.view, self._glyphs)
            case _:
                grid = log.grid(self.view, self._glyphs)
        known = self.view.snapshot is not None
        nothing = nothing_of(grid.nothing, self.words) if known else LOOKING
        rows = matching(grid.rows, self.words)
        return Grid(grid.columns, rows, nothing)

    def _draw_jobs(self) -> None:
        self.query_one("#batches", Lines).show(jobs.batches(self.view, self._glyphs, most=4))
        self.table.show(jobs.grid(self.listed, self._glyphs))
        self.query_one("#counts", Lines).show([jobs.counts(self.listed)])

    def _draw_detail(self) -> None:
        detail = self.query_one("#detail", Detail)
        detail.show(self._detail(), table=self.page == "Nodes")
        watched = self.table.cursor if self.page == "Nodes" and detail.shows_pictures else ""
        watched = watched if self._previews and self.app_focus else ""
        self._source.watch(watched)
        if not watched:
            self.view.previews = {}  # they would grow old unseen
        shown = self.view.previews.get(watched) or Shown(watched, None)
        detail.show_pictures(shown.preview, shown.why, on=bool(watched))

    def _detail(self) -> Sequence[Line]:
        chosen = self.table.cursor
        match self.page:
            case "Nodes":
                return nodes.detail(self.view, chosen, self._glyphs)
            case "Folders":
                return folders.detail(self.view, chosen, self._glyphs)
            case "Jobs":
                return jobs.detail(self.listed.lines, chosen)
            case _:
                return log.detail(self.view, chosen)

    def on_rows_moved(self, _message: Rows.Moved) -> None:
        """The cursor is elsewhere: other details, other keys."""
        self._draw_detail()
        self._offer()

    # ---- pages, filter, order -------------------------------------------------------

    def action_page(self, page: str) -> None:
        """Show another page."""
        self.page = page
        self.query_one("#pages", ContentSwitcher).current = page
        self.table.focus()
        self._thaw()
        self.load()

    def action_filter(self) -> None:
        """Ask for words."""
        box = self.query_one("#filter", Input)
        box.display = True
        self.screen.set_focus(box)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show only what has these words."""
        if event.input.id != "filter":
            return  # the palette's
        self.words = event.value
        self._thaw()
        self.load()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go back to the table; the words stay."""
        if event.input.id != "filter":
            return
        self.query_one("#filter", Input).display = bool(self.words)
        self.screen.set_focus(self.table)

    def action_clear(self) -> None:
        """Show everything again."""
        box = self.query_one("#filter", Input)
        box.value = ""
        box.display = False
        self.table.marked.clear()
        self.table.focus()
        self.table.refresh()

    def action_sort(self) -> None:
        """Sort by the next figure."""
        ways = list(nodes.orders(self.view))
        self.by = ways[(ways.index(self.by) + 1) % len(ways)]
        self._thaw()

    def action_freeze(self) -> None:
        """Let the figures stand, or go on."""
        if self.frozen:
            self._thaw()
            return
        self.frozen = True
        self._draw_heading()

    def _thaw(self) -> None:
        self.frozen = False
        self.draw()

    def action_preview(self) -> None:
        """Show pictures, or do not."""
        self._previews = not self._previews
        self._draw_detail()

    def action_open(self) -> None:
        """Show all that is known of a row."""
        lines = [text_of(line) for line in self._detail()]
        if lines:
            self.push_screen(Told(lines, ascii_only=self._glyphs.is_ascii))

    # ---- the ledger -----------------------------------------------------------------

    def _load_if_due(self) -> None:
        if self.page == "Jobs" and self._clock() - self._loaded_at >= LOAD_AGAIN:
            self.load()

    def load(self) -> None:
        """Read the ledger again, if it is shown."""
        if self.page == "Jobs" and self._pictures is not None:
            self._loaded_at = self._clock()
            self._load_pictures(self._pictures, self.words)

    @work(thread=True, exclusive=True, group="ledger")
    def _load_pictures(self, pictures: Pictures, words: str) -> None:
        try:
            self.post_message(Loaded(pictures.load(words)))
        except PixmeshError as error:
            self.post_message(Unread(words, error.what))

    def on_loaded(self, message: Loaded) -> None:
        """Show the pictures, unless other words were typed meanwhile."""
        if message.listing.words == self.words:
            self.listed = message.listing
            self.draw()

    def on_unread(self, message: Unread) -> None:
        """Say that the pictures, if these words have any, are those of an earlier time."""
        known = self.listed if self.listed.words == message.words else jobs.Listing(message.words)
        self.listed = replace(known, trouble=message.why)
        self.draw()

    def on_drawn(self, message: Drawn) -> None:
        """A thumbnail is drawn."""
        self.query_one("#detail", Detail).take(message)

    def actions_now(self) -> list[Action]:
        """Return what can be done now: nothing, on a screen that is only looked at."""
        return []
