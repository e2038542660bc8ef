"""What is said behind the curtain is shown when it rises, in order, and nothing is lost before."""

import subprocess
import sys

HUNG = """
import os, sys
from pixmesh.tui.curtain import hung
with hung() as curtain:
    print("before", file=sys.stderr, flush=True)
    os.system("echo a child >&2")
    {wait}
    curtain.fall()
    for number in range({lines}):
        print("behind", number, file=sys.stderr, flush=True)
    os.write(curtain.terminal, b"on the screen\\n")
    {after}
print("after", file=sys.stderr)
"""
WAIT = "import threading; threading.Event().wait(0.3)"


def said(lines: int, after: str = "pass") -> list[str]:
    code = HUNG.format(lines=lines, after=after, wait=WAIT)
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stderr.splitlines()


def test_what_is_said_behind_it_comes_after_what_was_on_the_screen() -> None:
    screen = said(3)
    assert screen[:3] == ["before", "a child", "on the screen"]
    assert screen[3:] == ["behind 0", "behind 1", "behind 2", "after"]


def test_of_much_the_last_is_kept() -> None:
    screen = said(500)
    behind = [line for line in screen if line.startswith("behind")]
    assert behind == [f"behind {number}" for number in range(400, 500)]


def test_when_it_has_risen_words_come_through_at_once() -> None:
    after = "; ".join((WAIT, "curtain.rise()", 'print("risen", file=sys.stderr, flush=True)'))
    assert said(1, after)[2:] == ["on the screen", "behind 0", "risen", "after"]
