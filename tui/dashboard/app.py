"""The dashboard: its keys, and what they do to what is shown. The pages are ``pages``'.

Orders are carried out in threads, which post messages; each is for the ids of the moment in which
its key was pressed.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input

from ...broker.plain import plain
from ...node.errors import PixmeshError
from ..view import actions, heading
from ..view.actions import Action
from .dialogs import Confirm, Leave, Told
from .messages import Done
from .pages import Pages


class Dashboard(Pages):
    """The pages, and what can be done there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        # With priority, since the letters that follow may be here already: they are for the box.
        Binding("slash", "filter", "Filter", key_display="/", priority=True),
        Binding("1", "page('Nodes')", "Nodes", show=False),
        Binding("2", "page('Jobs')", "Jobs", show=False),
        Binding("3", "page('Folders')", "Folders", show=False),
        Binding("4", "page('Log')", "Log", show=False),
        Binding("enter", "open", "Open", key_display="enter"),
        Binding("s", "sort", "Sort"),
        Binding("z", "freeze", "Freeze", show=False),
        Binding("v", "preview", "Preview"),
        Binding("c", "copy", "Copy join line", show=False),
        Binding("a", "act('Approve')", "Approve"),
        Binding("d", "act('Drain')", "Drain"),
        Binding("p", "act('Pause')", "Pause"),
        Binding("u", "act('Resume')", "Resume"),
        Binding("r", "act('Retry')", "Retry"),
        Binding("x", "act('Forget')", "Forget"),
        Binding("x", "act('Cancel')", "Cancel"),
        Binding("escape", "clear", "Clear", show=False),
        Binding("q", "leave", "Quit"),
    ]

    # ---- help and palette -----------------------------------------------------------

    def keys_now(self) -> list[tuple[str, str]]:
        """Return what can be done by a key now, and by which."""
        keys: dict[str, list[str]] = {}
        active = [one for one in self.screen.active_bindings.values() if one.enabled]
        for one in sorted(active, key=lambda one: one.node is not self):  # ours first
            if one.binding.description:
                shown = self.get_key_display(one.binding)
                keys.setdefault(one.binding.description, []).append(shown)
        return [(" ".join(some), what) for what, some in keys.items()]

    def action_help(self) -> None:
        """Show the keys that do something now, and the commands that do the same."""
        lines = [f"{key:>12}  {what}" for key, what in self.keys_now()]
        deeds = [deed for action in self.actions_now() for deed in action.deeds[:1]]
        lines += ["", *(deed.command for deed in deeds)] if deeds else []
        self.push_screen(Told(lines, ascii_only=self._glyphs.is_ascii))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Return what the palette offers: what the keys do, and Textual's own."""
        for action in self.actions_now():
            about = ", ".join(deed.about for deed in action.deeds[:3])
            title, same = f"{action.label} {about}", action.deeds[0].command
            yield SystemCommand(_unmarked(title), _unmarked(same), self._doing(action))
        for page in heading.PAGES:
            yield SystemCommand(page, f"Show {page.lower()}", self._showing(page))
        for command in super().get_system_commands(screen):
            if command.title in {"Theme", "Screenshot"}:
                yield command

    def _doing(self, action: Action) -> Callable[[], None]:
        return lambda: self._begin(action)

    def _showing(self, page: str) -> Callable[[], None]:
        return lambda: self.action_page(page)

    # ---- actions --------------------------------------------------------------------

    def actions_now(self) -> list[Action]:
        """Return what can be done now to what is marked, or under the cursor."""
        if self._doer is None:
            return []
        chosen = self.table.chosen
        match self.page:
            case "Nodes":
                own = actions.for_nodes(self.view, chosen)
            case "Folders":
                own = actions.for_folders(self.view, chosen)
            case "Jobs":
                own = actions.for_jobs(self.listed.chosen(chosen))
            case _:
                own = []
        return own + actions.for_everyone(self.view)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell whether a key does something now."""
        if len(self.screen_stack) > 1 or not self.is_running:
            return action not in _OF_THE_PAGE
        match action:
            case "filter":
                return not isinstance(self.focused, Input)
            case "act":
                return any(one.label == parameters[0] for one in self.actions_now())
            case "copy":
                does = self._doer is not None
            case "sort" | "preview":
                does = self.page == "Nodes"
            case "open":
                does = bool(self.table.cursor)
            case _:
                does = True
        return does

    def action_act(self, label: str) -> None:
        """Do something, after asking where that is due."""
        for action in self.actions_now():
            if action.label == label:
                self._begin(action)
                return

    def _begin(self, action: Action) -> None:
        """The deeds are those of this moment: what moves meanwhile changes nothing."""
        if not action.question:
            self._do(action)
            return

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self._do(action)

        self.push_screen(Confirm(action, ascii_only=self._glyphs.is_ascii), answered)

    @work(thread=True)
    def _do(self, action: Action) -> None:
        doer = self._doer
        for deed in action.deeds if doer is not None else ():
            try:
                told = doer.do(deed) if doer is not None else ""
                self.post_message(Done(f"{deed.command}: {told}"))
            except PixmeshError as error:
                self.post_message(Done(f"{deed.command}: {error}", failed=True))

    @work(thread=True)
    def action_copy(self) -> None:
        """Copy the line by which another machine joins."""
        if self._doer is None:
            return
        try:
            self.post_message(Done(self._doer.join_line(), copied=True))
        except PixmeshError as error:
            self.post_message(Done(f"pixmesh ticket new: {error}", failed=True))

    def on_done(self, message: Done) -> None:
        """Tell what came of it."""
        if message.copied:
            self.copy_to_clipboard(message.told)
            self.push_screen(Told(_to_paste(message.told), ascii_only=self._glyphs.is_ascii))
            return
        severity: SeverityLevel = "warning" if message.failed else "information"
        self.notify(plain(message.told), severity=severity, markup=False)
        self.table.marked.clear()
        self.load()

    def action_leave(self) -> None:
        """End; `up` asks what becomes of the mesh."""
        if self._of_up:
            self.push_screen(Leave(ascii_only=self._glyphs.is_ascii), self._left)
        else:
            self.exit("")

    def _left(self, answer: str | None) -> None:
        if answer:
            self.exit(answer)


_OF_THE_PAGE: Final = frozenset(
    {"help", "filter", "page", "open", "sort", "freeze", "preview", "copy", "act", "leave", "clear"}
)


def _unmarked(text: str) -> str:
    """Return others' words as the palette shows them: it takes brackets for markup."""
    return plain(text).replace("[", "\\[")


def _to_paste(text: str) -> list[str]:
    return ["copied; paste it on another machine:", "", *text.split("\n"), "", "esc  close"]
