"""What comes over a page and asks for an answer: a question, the keys, one row in full."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ...broker.plain import plain
from ..view.actions import Action

BOX = """
{name} {{ align: center middle; }}
{name} > VerticalScroll {{
    width: auto; min-width: 36; max-width: 90%; height: auto; max-height: 90%;
    background: $surface; color: $foreground; border: round $primary; padding: 0 1;
}}
{name}.ascii > VerticalScroll {{ border: ascii $primary; }}
{name} Static {{ width: auto; max-width: 100%; background: $surface; }}
"""


class Dialog(ModalScreen[str]):
    """A box over the page."""

    def __init__(self, lines: Sequence[str], *, ascii_only: bool) -> None:
        """Make one of these lines."""
        super().__init__(classes="ascii" if ascii_only else "")
        self._lines = [plain(line) for line in lines]

    def compose(self) -> ComposeResult:
        """Show the lines."""
        with VerticalScroll():
            yield Static(Text("\n".join(self._lines)), id="words")

    def action_answer(self, answer: str) -> None:
        """End with an answer."""
        self.dismiss(answer)


class Confirm(Dialog):
    """A question about ids; the table may move meanwhile."""

    DEFAULT_CSS = BOX.format(name="Confirm")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('yes')", "Yes"),
        Binding("n,escape,q", "answer('')", "No"),
    ]

    def __init__(self, action: Action, *, ascii_only: bool) -> None:
        """Ask before an action."""
        commands = [deed.command for deed in action.deeds[:5]]
        more = len(action.deeds) - len(commands)
        lines = [action.question, "", "y  yes      n  no", "", "the same as:"]
        lines += [f"  {one}" for one in commands]
        lines += [f"  and {more} more"] if more > 0 else []
        super().__init__(lines, ascii_only=ascii_only)


class Leave(Dialog):
    """What becomes of `up` when its screen is left."""

    DEFAULT_CSS = BOX.format(name="Leave")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "answer('leave')", "Leave running"),
        Binding("d", "answer('drain')", "Drain and stop"),
        Binding("escape,n,q", "answer('')", "Stay"),
    ]

    def __init__(self, *, ascii_only: bool) -> None:
        """Ask."""
        lines = (
            "Leave the dashboard?",
            "",
            "l    leave the mesh running in this terminal",
            "d    drain: finish what runs, then stop all",
            "esc  stay here",
        )
        super().__init__(lines, ascii_only=ascii_only)


class Told(Dialog):
    """Something to read."""

    DEFAULT_CSS = BOX.format(name="Told")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark", "answer('')", "Close"),
    ]
