"""A few lines above or below a table, each cut at the screen's edge."""

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.widgets import Static

from ..view.glyphs import Glyphs
from ..view.tone import Line, Span, Tone, cut
from .paint import CLASSES, css_for, painted, styles_of


class Lines(Static):
    """They. A banner takes the place of the last line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*CLASSES.values(), "lines--banner"}
    DEFAULT_CSS = """
    Lines { width: 100%; height: auto; padding: 0 1; background: $background; }
    Lines .lines--banner { background: $warning-muted; color: $text-warning; text-style: bold; }
    """ + css_for("Lines")

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002
        """Make none."""
        super().__init__(id=id)
        self._more = glyphs.more
        self._lines: list[Line] = []
        self._banner = ""

    def show(self, lines: Sequence[Line], *, banner: str = "") -> None:
        """Show these, if they are others than before."""
        if list(lines) == self._lines and banner == self._banner:
            return
        grows = len(lines) != len(self._lines)
        self._lines, self._banner = list(lines), banner
        self._update(layout=grows)

    def on_mount(self) -> None:
        """Look colours up anew with every theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._update())

    def on_resize(self, _event: events.Resize) -> None:
        """Cut the lines anew."""
        self._update()

    def _update(self, *, layout: bool = False) -> None:
        width = self.content_region.width or self.app.size.width
        styles = styles_of(self)
        drawn = [painted(cut(line, width, self._more), styles) for line in self._lines]
        if self._banner:
            one = self.get_component_rich_style("lines--banner")
            style = {tone: Style(color=one.color, bgcolor=one.bgcolor, bold=True) for tone in Tone}
            drawn[-1:] = [painted(cut((Span(self._banner),), width, self._more), style)]
        self.update(Text("\n").join(drawn), layout=layout)
