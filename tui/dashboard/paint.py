"""From tones to a theme's colours: one place decides how a line of spans is drawn."""

from collections.abc import Sequence
from typing import Final

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from ..view.tone import Span, Tone

CLASSES: Final = {tone: f"tone--{tone.value}" for tone in Tone}

CSS: Final = """
{widget} .tone--plain {{ color: $foreground; }}
{widget} .tone--busy {{ color: $text-primary; }}
{widget} .tone--warn {{ color: $text-warning; text-style: bold; }}
{widget} .tone--quiet {{ color: $foreground 75%; }}
{widget} .tone--strong {{ color: $foreground; text-style: bold; }}
"""


def css_for(widget: str) -> str:
    """Return the styles of all tones in a widget."""
    return CSS.format(widget=widget)


def styles_of(widget: Widget) -> dict[Tone, Style]:
    """Return how each tone is drawn in a widget, with no background of its own."""
    found = {tone: widget.get_component_rich_style(name) for tone, name in CLASSES.items()}
    return {tone: Style(color=one.color, bold=one.bold) for tone, one in found.items()}


def painted(spans: Sequence[Span], styles: dict[Tone, Style]) -> Text:
    """Return a line as it is drawn; it is never wrapped."""
    text = Text(no_wrap=True, overflow="ellipsis", end="")
    for span in spans:
        text.append(span.text, styles[span.tone])
    return text
