"""`pixmesh run` with a real mesh: outputs, exit codes, Ctrl-C, and who says what where."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import sweep
from pixmesh.tests.unit.tui.command import pixmesh, started

SLOW = "nap seconds=0.3"
PATIENCE = 40.0


def draw(folder: Path, count: int, *, side: int = 64) -> list[Path]:
    """Write distinct pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(5)
    paths = []
    for number in range(count):
        path = folder / f"{number:03}.png"
        cv2.imwrite(str(path), random.integers(0, 256, (side, side, 3), np.uint8))
        paths.append(path)
    return paths


def outputs(folder: Path) -> set[str]:
    """Name everything in a folder, temp files included."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@contextmanager
def running(*words: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a command beside the test, and end it with SIGTERM."""
    with started(*words, folder=folder) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline(), f"{words} said nothing"
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def test_pictures_come_out_and_the_same_command_again_has_nothing_to_do(tmp_path: Path) -> None:
    draw(tmp_path / "in" / "deep", 5)
    first = pixmesh("run", "grayscale", "in", "-o", "out", "--json", folder=tmp_path)
    data = json.loads(first.out)
    assert (first.code, data["schema"], data["done"], data["failed"]) == (0, 1, 5, [])
    assert outputs(tmp_path / "out") == {f"deep/{number:03}.png" for number in range(5)}
    again = json.loads(
        pixmesh("run", "grayscale", "in", "-o", "out", "--json", folder=tmp_path).out
    )
    assert (again["done"], again["skipped"]) == (0, 5)


def test_a_broken_picture_is_named_with_its_reason_and_the_exit_code_is_5(tmp_path: Path) -> None:
    whole, broken = draw(tmp_path / "in", 2)
    broken.write_bytes(broken.read_bytes()[:300])
    done = pixmesh("run", "grayscale", "in", "-o", "out", "--json", folder=tmp_path)
    data = json.loads(done.out)
    assert (done.code, data["done"]) == (5, 1)
    assert data["failed"][0]["source"] == str(broken)
    assert data["failed"][0]["reason"] in done.err
    assert str(broken) in done.err
    assert outputs(tmp_path / "out") == {whole.name}


def test_piped_talk_is_plain_and_quiet_says_nothing(tmp_path: Path) -> None:
    draw(tmp_path / "in", 2)
    done = pixmesh("run", "grayscale", "in", "-o", "out", folder=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert "2 done" in done.err
    assert not set("\r\x1b") & set(done.err)
    with (  # run never waits silently; a mesh of its own may be a while starting
        running("broker", "--port", "0", folder=tmp_path),
        running("node", "--slots", "1", folder=tmp_path),
    ):
        quiet = pixmesh("run", "canny", "in", "-o", "out2", "-q", folder=tmp_path)
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert len(outputs(tmp_path / "out2")) == 2


def test_an_unknown_output_stops_everything_before_it_starts(tmp_path: Path) -> None:
    draw(tmp_path / "in", 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "001.png").write_text("somebody's own")
    words = ("run", "grayscale", "in", "-o", "out")
    refused = pixmesh(*words, folder=tmp_path)
    assert (refused.code, outputs(tmp_path / "out")) == (2, {"001.png"})
    assert "--on-exists" in refused.err
    assert pixmesh(*words, "--on-exists", "skip", folder=tmp_path).code == 0
    assert outputs(tmp_path / "out") == {"000.png", "001.png"}
    assert (tmp_path / "out" / "001.png").read_text() == "somebody's own"


def test_several_outputs_each_get_their_folder(tmp_path: Path) -> None:
    draw(tmp_path / "in", 2)
    done = pixmesh(
        *("run", "--to", "edges=grayscale | canny", "--to", "small=resize width=16"),
        *("in", "-o", "out", "--format", "jpeg", "--json"),
        folder=tmp_path,
    )
    assert (done.code, json.loads(done.out)["done"]) == (0, 4)
    assert outputs(tmp_path / "out") == {
        f"{folder}/{number:03}.jpg" for folder in ("edges", "small") for number in range(2)
    }
    small = cv2.imread(str(tmp_path / "out" / "small" / "000.jpg"))
    assert small is not None
    assert small.shape == (16, 16, 3)


def test_first_does_some_now_and_the_rest_later(tmp_path: Path) -> None:
    draw(tmp_path / "in", 3)
    words = ("run", "grayscale", "in", "-o", "out", "--json")
    first = json.loads(pixmesh(*words, "--first", "2", folder=tmp_path).out)
    assert (first["done"], first["later"]) == (2, 1)
    rest = json.loads(pixmesh(*words, folder=tmp_path).out)
    assert (rest["done"], rest["skipped"]) == (1, 2)


@pytest.mark.usefixtures("nap")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_the_first_signal_finishes_what_runs_and_leaves_no_partial_file(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    draw(tmp_path / "in", 30)
    out = tmp_path / "out"
    words = ("run", SLOW, "in", "-o", "out", "--slots", "1")
    with started(*words, folder=tmp_path) as process:
        eventually(lambda: any(out.glob("*.png")), PATIENCE, "no output appears")
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, err
    assert "finishing what runs" in err
    done = outputs(out)
    assert 0 < len(done) < 30
    assert all(name.endswith(".png") and not name.startswith(".") for name in done)
    assert all(cv2.imread(str(out / name)) is not None for name in done)
    plan = json.loads(pixmesh(*words, "--dry-run", "--json", folder=tmp_path).out)
    assert (plan["known"], plan["pictures"]) == (len(done), 30 - len(done))


def test_the_second_ctrl_c_ends_it_now(tmp_path: Path, nap: Path) -> None:
    draw(tmp_path / "in", 4)
    out = tmp_path / "out"
    words = ("run", "nap seconds=600", "in", "-o", "out", "--slots", "1", "-v")
    with started(*words, folder=tmp_path) as process:
        assert process.stderr is not None
        eventually(nap.exists, PATIENCE, "no slot works")
        process.send_signal(signal.SIGINT)
        for line in process.stderr:
            if "finishing what runs" in line:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=5)
    assert process.returncode == 130
    assert not any(out.glob("[!.]*"))
    sweep()  # it ends now: on a slow machine what it has left to remove is the next start's


def test_a_broker_and_a_node_in_processes_of_their_own_do_the_work(tmp_path: Path) -> None:
    draw(tmp_path / "in", 4)
    with (
        running("broker", "--port", "0", folder=tmp_path),
        running("node", "--slots", "1", "--name", "atlas", folder=tmp_path),
    ):
        status = pixmesh("status", "--wait", "nodes=1", "--json", folder=tmp_path)
        done = pixmesh("run", "grayscale", "in", "-o", "out", folder=tmp_path)
        after = pixmesh("status", "--json", folder=tmp_path)
        words = pixmesh("status", folder=tmp_path).out
    nodes = json.loads(status.out)["nodes"]
    assert [(node["name"], node["slots"]) for node in nodes] == [("atlas", 1)]
    assert (done.code, outputs(tmp_path / "out")) == (0, {f"{n:03}.png" for n in range(4)})
    assert json.loads(after.out)["schema"] == 1
    assert "atlas" in words


def test_without_a_node_run_says_what_it_waits_for_and_gives_up_with_6(tmp_path: Path) -> None:
    draw(tmp_path / "in", 2)
    with running("broker", "--port", "0", folder=tmp_path):
        done = pixmesh("run", "grayscale", "in", "-o", "out", "--wait", "1", folder=tmp_path)
    assert done.code == 6, done.err
    assert "waiting: no node is connected" in done.err
    assert "--local" in done.err
    assert not outputs(tmp_path / "out")


def test_a_configured_mesh_that_does_not_answer_is_3_and_local_still_works(
    tmp_path: Path,
) -> None:
    draw(tmp_path / "in", 1)
    with running("broker", "--port", "0", folder=tmp_path):
        port = json.loads(pixmesh("status", "--json", folder=tmp_path).out)["broker"]
    words = ("run", "grayscale", "in", "-o", "out")
    done = pixmesh(*words, "--wait", "2", PIXMESH_BROKER=port, folder=tmp_path)
    assert done.code == 3, done.err
    assert "waiting for the broker" in done.err
    assert port in done.err
    assert "--local" in done.err
    assert pixmesh(*words, "--local", PIXMESH_BROKER=port, folder=tmp_path).code == 0


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_on_a_terminal_there_is_a_bar_and_the_cursor_comes_back(tmp_path: Path) -> None:
    draw(tmp_path / "in", 3)
    said = _on_a_terminal(tmp_path, "run", "grayscale", "in", "-o", "out")
    assert "3/3" in said
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")


def _on_a_terminal(folder: Path, *words: str) -> str:
    import pty

    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with started_on(slave, folder, environment, *words) as process:
        os.close(slave)
        said = b""
        with os.fdopen(master, "rb", buffering=0) as terminal:
            while True:
                try:
                    part = terminal.read(4096)
                except OSError:  # what Linux says when the other end is closed
                    break
                if not part:
                    break
                said += part
        assert process.wait(timeout=PATIENCE) == 0
    return said.decode()


def started_on(
    descriptor: int, folder: Path, environment: dict[str, str], *words: str
) -> "subprocess.Popen[bytes]":
    """Start the command with stderr on a terminal."""
    import sys

    return subprocess.Popen(
        [sys.executable, "-m", "pixmesh.tui.cli", *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=descriptor,
    )


def test_the_demo_draws_runs_and_says_what_to_type_next(tmp_path: Path) -> None:
    words = ("demo", "--count", "3", "--slots", "2")
    done = pixmesh(*words, folder=tmp_path)
    assert done.code == 0, done.err
    demo = tmp_path / "pixmesh-demo"
    assert outputs(demo / "in") == outputs(demo / "out")
    assert len(outputs(demo / "in")) == 3
    assert "pixmesh run" in done.err
    before = {path: path.stat().st_mtime_ns for path in demo.rglob("*")}
    assert pixmesh(*words, folder=tmp_path).code == 0
    assert {path: path.stat().st_mtime_ns for path in demo.rglob("*")} == before
