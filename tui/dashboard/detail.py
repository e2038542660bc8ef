"""What is known of the row under the cursor: in words, and the picture that was finished last."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from ...broker.plain import plain
from ...broker.views import Preview, Thumbnail
from ...ops.errors import PictureError
from ..view.glyphs import Glyphs
from ..view.tone import Line
from .lines import Lines
from .messages import Drawn, Key

HEIGHT = 10
LOW = 22
"""Screens with fewer lines than this have no room for details; enter opens them."""

WIDE = 96
"""Screens with fewer columns than this have no room for pictures."""

VERY_WIDE = 130
LARGE, SMALL = 28, 20
"""How many columns a picture has, with and without that much room."""


class Detail(Horizontal):
    """The pane below the table."""

    DEFAULT_CSS: ClassVar[str] = """
    Detail { height: 10; background: $background; border-top: solid $primary-muted; }
    Detail.ascii { border-top: ascii $foreground; }
    Detail #facts { width: 1fr; }
    Detail .picture { width: 20; height: 100%; padding: 0 0 0 1; display: none; }
    Detail.large .picture { width: 28; }
    Detail.pictures .picture { display: block; }
    """

    def __init__(self, glyphs: Glyphs, *, colours: bool, id: str) -> None:  # noqa: A002
        """Make an empty pane."""
        super().__init__(id=id, classes="ascii" if glyphs.is_ascii else "")
        self._glyphs = glyphs
        self._colours = colours
        self._drawn: dict[Key, Text] = {}
        self._drawing = False
        self._preview: Preview | None = None
        self._why = ""
        self._on = False

    def compose(self) -> ComposeResult:
        """Make the words and the two pictures."""
        yield Lines(self._glyphs, id="facts")
        yield Static(id="before", classes="picture")
        yield Static(id="after", classes="picture")

    @property
    def shows_pictures(self) -> bool:
        """Whether there is room for pictures."""
        return self.display and self.has_class("wide")

    def fit(self, width: int, height: int) -> None:
        """Take what room there is."""
        self.display = height >= LOW
        self.set_class(width >= WIDE, "wide")
        self.set_class(width >= VERY_WIDE, "large")

    def show(self, lines: Sequence[Line], *, table: bool) -> None:
        """Show what is known."""
        self.query_one("#facts", Lines).show(list(lines)[: HEIGHT - 1])
        if not table:
            self.set_class(False, "pictures")

    def show_pictures(self, preview: Preview | None, why: str, *, on: bool) -> None:
        """Show a picture before and after, or why there is none."""
        self.set_class(on, "pictures")
        if not on or (preview is self._preview and why == self._why and self._on):
            self._on = on
            return
        self._on, self._preview, self._why = on, preview, why
        self._update()

    def _update(self) -> None:
        preview = self._preview
        if preview is None:
            words = Text(plain(self._why) or "no picture yet")
            self.query_one("#before", Static).update(words, layout=False)
            self.query_one("#after", Static).update("", layout=False)
            return
        for name, one in (("before", preview.before), ("after", preview.after)):
            drawn = self._drawn.get(self._key(one))
            if drawn is None and not self._drawing:
                self._drawing = True
                self._draw(one, self._columns)
            size = _size(one, self._glyphs, bytes_too=self.has_class("large"))
            words = Text(f"{name} {size}\n", no_wrap=True)
            self.query_one(f"#{name}", Static).update(words + (drawn or Text("")), layout=False)

    @property
    def _columns(self) -> int:
        return LARGE if self.has_class("large") else SMALL

    def _key(self, one: Thumbnail) -> Key:
        return one.jpeg, self._columns

    @work(thread=True)
    def _draw(self, one: Thumbnail, columns: int) -> None:
        """OpenCV takes a moment to load: never in the screen's own thread, and one at a time."""
        from .half_cells import Canvas, drawn

        try:
            text = drawn(one.jpeg, Canvas(columns - 1, HEIGHT - 2, self._colours))
        except PictureError as error:
            text = Text(error.what)
        self.app.post_message(Drawn((one.jpeg, columns), text))

    def take(self, message: Drawn) -> None:
        """Keep a picture that is drawn: two are shown, and two were before them."""
        self._drawing = False
        while len(self._drawn) >= 4:
            del self._drawn[next(iter(self._drawn))]
        self._drawn[message.key] = message.text
        self._update()


def _size(one: Thumbnail, glyphs: Glyphs, *, bytes_too: bool) -> str:
    size = f" {one.size / 1e6:.1f} MB" if one.size >= 1e6 else f" {one.size / 1e3:.0f} kB"
    return f"{one.width}{glyphs.times}{one.height}{size if bytes_too else ''}"
