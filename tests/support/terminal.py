"""A real terminal for tests: a tmux of the test's own, with one window of a chosen size."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from .eventually import eventually

PATIENCE = 30.0
ENDED = "the shell is back"


@dataclass(frozen=True, slots=True)
class Terminal:
    """The window; ``socket`` is where its tmux listens."""

    socket: Path

    def tmux(self, *words: str) -> str:
        """Tell tmux something; return what it prints."""
        command = ["tmux", "-S", str(self.socket), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names."""
        self.tmux("send-keys", *keys)

    def lines(self) -> list[str]:
        """Return what is on the screen."""
        return [line.rstrip() for line in self.tmux("capture-pane", "-p").split("\n")]

    def shows(self, words: str) -> bool:
        """Whether this is on the screen."""
        return any(words in line for line in self.lines())

    def wait_for(self, words: str, patience: float = PATIENCE) -> None:
        """Return when this is on the screen."""
        try:
            eventually(lambda: self.shows(words), patience)
        except AssertionError:
            raise AssertionError("\n".join([f"no {words!r} on:", *self.lines()])) from None

    def is_plain(self) -> bool:
        """Whether a program has left the window as it was: its own screen, cursor and mouse."""
        form = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{keypad_flag}"
        return self.tmux("display-message", "-p", form).split() == ["0", "1", "0", "0"]

    def process(self, *words: str) -> psutil.Process:
        """Return the process in the window that has all of these words on its command line."""
        shell = psutil.Process(int(self.tmux("display-message", "-p", "#{pane_pid}")))
        return next(
            one
            for one in [shell, *shell.children(recursive=True)]
            if set(words) <= set(one.cmdline())
        )


@contextmanager
def opened(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    size: tuple[int, int] = (120, 36),
) -> Iterator[Terminal]:
    """Run a command in a window; after it the shell says with which code it ended."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    terminal = Terminal(folder / "tmux")
    script = folder / "window.sh"
    words = " ".join(f"'{word}'" for word in command)
    script.write_text(
        f"trap : INT\nstty -a > before\n{words}\necho {ENDED}: $?\nstty -a > after\ncat\n"
    )
    width, height = map(str, size)
    start = ["-f", os.devnull, "new-session", "-d", "-x", width, "-y", height, "sh", str(script)]
    subprocess.run(
        ["tmux", "-S", str(terminal.socket), *start],  # noqa: S607  # the machine's own tmux
        check=True,
        cwd=folder,
        env={**environment, "TERM": "screen-256color", "LC_ALL": "C.UTF-8"},
    )
    server = int(terminal.tmux("display-message", "-p", "#{pid}"))
    window = psutil.Process(int(terminal.tmux("display-message", "-p", "#{pane_pid}")))
    try:
        yield terminal
    finally:
        ours = [psutil.Process(server), window, *window.children(recursive=True)]
        terminal.tmux("kill-server")
        psutil.wait_procs(ours, PATIENCE)
