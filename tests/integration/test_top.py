"""`pixmesh top` in a real terminal, before a real mesh: true while there is a broker, and honest
when there is none.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from pixmesh.tests.screens.story import crowd
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.slowness import slowness
from pixmesh.tests.support.terminal import ENDED, Terminal, opened
from pixmesh.tests.unit.tui.command import pixmesh
from pixmesh.tui.recording import Recorder

SOON = 5.0


@contextmanager
def dashboard(
    mesh: RealMesh, *words: str, size: tuple[int, int] = (120, 36), lines: str = ""
) -> Iterator[Terminal]:
    command = mesh.command("top", *words)
    if lines:
        main = f"{lines}\nimport sys\nfrom pixmesh.tui.cli import main\nsys.exit(main())"
        script = mesh.folder / "spoilt.py"
        script.write_text(main)
        command = [command[0], "-P", str(script), "top", *words]
    with opened(command, folder=mesh.folder, environment=mesh.environment(), size=size) as terminal:
        yield terminal


def row(terminal: Terminal, name: str) -> int:
    """Return which line of the screen is a node's."""
    found = [i for i, line in enumerate(terminal.lines()) if line[2:].startswith(f"{name} ")]
    assert found, terminal.lines()
    return found[0]


def cursor(terminal: Terminal) -> str:
    return next(line for line in terminal.lines() if line.startswith("▸"))


def test_a_broker_that_goes_is_said_at_once_and_its_return_changes_nothing_else(
    mesh: RealMesh,
) -> None:
    broker = mesh.broker()
    mesh.nodes("atlas", "nuc", "pi4", slots=1)
    with dashboard(mesh) as top:
        top.wait_for("● live")
        eventually(lambda: row(top, "pi4"))
        top.press("s")
        top.wait_for("sorted by name")
        top.press("/", "p", "i", "Enter")
        top.wait_for("filter 'pi'")
        broker.kill()
        top.wait_for("NO BROKER", SOON)
        eventually(lambda: not top.shows("● live"))
        first = top.lines()[0]
        eventually(lambda: top.lines()[0] != first)  # the age counts up
        assert cursor(top).split()[1] == "pi4"
        mesh.ready(mesh.start("broker", "--port", "0"), "pixmesh broker at ")
        began = time.monotonic()
        top.wait_for("● live", SOON)
        assert time.monotonic() - began < SOON
        assert not top.shows("NO BROKER")
        eventually(lambda: row(top, "pi4"), 10)
        assert top.shows("sorted by name")
        assert cursor(top).split()[1] == "pi4"
        assert not top.shows("atlas")


def test_a_node_that_dies_is_late_then_lost_and_comes_back_on_its_row(mesh: RealMesh) -> None:
    mesh.broker()
    _, nuc, pi4 = mesh.nodes("atlas", "nuc", "pi4", slots=1)
    with dashboard(mesh) as top:
        eventually(lambda: row(top, "pi4"))
        place = row(top, "nuc")
        nuc.tell(signal.SIGSTOP)
        eventually(lambda: "! late" in top.lines()[place], 10)
        eventually(lambda: "move in" in top.lines()[place] or "moves" in top.lines()[place], 10)
        eventually(lambda: "✗ lost" in top.lines()[place], 10)
        nuc.tell(signal.SIGCONT)
        eventually(lambda: "○ idle" in top.lines()[place], 10)
        assert row(top, "nuc") == place
        pi4.kill()
        eventually(lambda: "✗ lost" in top.lines()[row(top, "pi4")], SOON)
        top.press("4")
        top.wait_for("went silent")
        top.wait_for("lost its connection")


@pytest.mark.parametrize("how", ["q", "SIGTERM", "an exception"])
def test_the_terminal_is_as_it_was_however_it_ends(mesh: RealMesh, how: str) -> None:
    mesh.broker()
    lines = ""
    if how == "an exception":
        lines = (
            "from pixmesh.tui.dashboard.app import Dashboard\n"
            "def broken(self): raise RuntimeError('spoilt')\n"
            "Dashboard.action_sort = broken"
        )
    with dashboard(mesh, lines=lines) as top:
        top.wait_for("● live")
        assert not top.is_plain()
        if how == "q":
            top.press("q")
        elif how == "SIGTERM":
            top.process("top").send_signal(signal.SIGTERM)
        else:
            top.press("s")
        top.wait_for(ENDED)
        eventually(top.is_plain)
        code = {"q": 0, "SIGTERM": 143, "an exception": 1}[how]
        assert top.shows(f"{ENDED}: {code}"), top.lines()
        eventually((mesh.folder / "after").exists)
        assert _modes(mesh.folder / "before") == _modes(mesh.folder / "after")
        if how == "an exception":
            assert top.shows("spoilt")


def _modes(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def test_what_is_recorded_is_shown_again_without_a_mesh(mesh: RealMesh) -> None:
    broker = mesh.broker()
    mesh.nodes("atlas", slots=1)
    with dashboard(mesh, "--record", "session.jsonl") as top:
        eventually(lambda: row(top, "atlas"))
        top.press("q")
        top.wait_for(f"{ENDED}: 0")
    broker.tell(signal.SIGTERM)
    broker.code()
    with dashboard(mesh, "--replay", "session.jsonl") as top:
        eventually(lambda: row(top, "atlas"))
        top.wait_for("read-only")
        top.wait_for("the recording ends here")
        top.press("q")
        top.wait_for(f"{ENDED}: 0")


def test_a_node_is_drained_and_resumed_by_keys(mesh: RealMesh) -> None:
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    with dashboard(mesh) as top:
        eventually(lambda: row(top, "atlas"))
        top.press("d")
        top.wait_for("pixmesh nodes drain atlas")
        top.press("y")
        eventually(lambda: "◑ drained" in top.lines()[row(top, "atlas")])
        top.press("u")
        eventually(lambda: "○ idle" in top.lines()[row(top, "atlas")])


def test_up_opens_into_it_and_asks_what_becomes_of_the_mesh(mesh: RealMesh) -> None:
    command = mesh.command("up", "--port", "0", "--slots", "1", "--name", "atlas")
    with opened(command, folder=mesh.folder, environment=mesh.environment()) as top:
        eventually(lambda: row(top, "atlas"), 20)
        top.press("q")
        top.wait_for("Leave the dashboard?")
        top.press("l")
        top.wait_for("the mesh goes on")
        assert mesh.node_view("atlas") is not None
        top.press("C-c")
        top.wait_for(f"{ENDED}: 0")


def test_draining_from_the_screen_of_up_ends_it(mesh: RealMesh) -> None:
    command = mesh.command("up", "--port", "0", "--slots", "1", "--name", "atlas")
    with opened(command, folder=mesh.folder, environment=mesh.environment()) as top:
        eventually(lambda: row(top, "atlas"), 20)
        top.press("q")
        top.wait_for("Leave the dashboard?")
        top.press("d")
        top.wait_for(f"{ENDED}: 0")
        assert top.is_plain()


def test_a_screen_does_not_outlive_its_up_however_that_ends(mesh: RealMesh) -> None:
    command = mesh.command("up", "--port", "0", "--slots", "1", "--name", "atlas")
    with opened(command, folder=mesh.folder, environment=mesh.environment()) as top:
        eventually(lambda: row(top, "atlas"), 20)
        screen = top.process("top", "--of-up")
        top.process("up").kill()
        screen.wait(SOON)
        top.wait_for("'pixmesh up' has ended")
        assert top.is_plain()


def share_of_a_core(process: psutil.Process, seconds: float) -> float:
    """Return how much of a core a process takes, on a machine of the usual speed."""
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    threading.Event().wait(seconds)
    used = sum(process.cpu_times()[:2]) - before
    return used / (time.monotonic() - began) / slowness()


@pytest.mark.soak  # of shares nothing is said while other tests have the processors
def test_fifty_nodes_take_little_of_a_core_and_almost_nothing_while_nobody_looks(
    mesh: RealMesh,
) -> None:
    now = 0.0
    with Recorder(mesh.folder / "crowd.jsonl", "0.1.0", clock=lambda: now) as recorder:
        record = recorder.through(lambda _told: None)
        for one in crowd(50, 60):
            record(one)
            now += 0.5
    with dashboard(mesh, "--replay", "crowd.jsonl", size=(160, 45)) as top:
        eventually(lambda: row(top, "node07"))
        process = top.process("top")
        assert any(share_of_a_core(process, 4) < 0.10 for _ in range(3))
        top.press("-l", "\x1b[O")  # what a terminal says when another window has the focus
        share_of_a_core(process, 1)
        assert any(share_of_a_core(process, 4) < 0.02 for _ in range(3))
        before = top.lines()
        top.press("-l", "\x1b[I")
        eventually(lambda: top.lines() != before)


def test_without_a_terminal_it_says_what_to_do_instead(tmp_path: Path) -> None:
    done = pixmesh("top", folder=tmp_path)
    assert done.code == 2
    assert "'pixmesh status' prints the same facts" in done.err


def test_without_any_mesh_it_says_so(tmp_path: Path, mesh: RealMesh) -> None:
    with dashboard(mesh) as top:
        top.wait_for(f"{ENDED}: 3")
        assert top.shows("there is no broker")
