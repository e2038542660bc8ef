"""Scripts use a mesh of their own, whatever they look like and whatever lies beside them."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.photos import skimage_files
from pixmesh.tests.unit.tui.command import Finished, environment

PATIENCE = 60
STRAYS = ("numpy.py", "ops.py", "cv2.py", "zmq.py", "node.py", "broker.py", "msgspec.py")
STRAY = 'raise SystemExit("a stray module was imported")\n'
SCRIPT = """\
import sys
import pixmesh
mesh = pixmesh.Mesh.local(2)
for answer in mesh.map("grayscale | canny", sys.argv[1:]):
    print(answer.ok, answer.error, len(answer.bytes) > 0)
mesh.close()
"""


def python(*words: str, folder: Path) -> Finished:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def photos() -> list[str]:
    return [str(path) for path in skimage_files()[:4]]


@pytest.fixture
def polluted(tmp_path: Path) -> Path:
    folder = tmp_path / "polluted"
    folder.mkdir()
    for name in STRAYS:
        (folder / name).write_text(STRAY)
    return folder


def test_a_script_without_a_main_guard(tmp_path: Path, photos: list[str]) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = python(str(script), *photos, folder=tmp_path)
    assert (done.code, done.err, done.out) == (0, "", "True  True\n" * 4)


def test_python_c(tmp_path: Path, photos: list[str]) -> None:
    done = python("-c", SCRIPT, *photos, folder=tmp_path)
    assert (done.code, done.err, done.out) == (0, "", "True  True\n" * 4)


@pytest.mark.soak
def test_a_script_elsewhere_is_immune_to_the_current_folder(
    tmp_path: Path, polluted: Path, photos: list[str]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = python(str(script), *photos, folder=polluted)
    assert (done.code, done.err, done.out) == (0, "", "True  True\n" * 4)


@pytest.mark.soak
def test_python_c_without_the_current_folder_is_immune(polluted: Path, photos: list[str]) -> None:
    done = python("-P", "-c", SCRIPT, *photos, folder=polluted)
    assert (done.code, done.err, done.out) == (0, "", "True  True\n" * 4)


@pytest.mark.soak
def test_what_a_script_among_strays_starts_is_immune(polluted: Path, photos: list[str]) -> None:
    """Such a script's own imports are Python's business; it takes them before it goes there."""
    code = f"import os, cv2, numpy, msgspec, zmq, pixmesh.node.owner.mesh\n{SCRIPT}"
    code = code.replace("mesh = ", f"os.chdir({str(polluted)!r})\nsys.path.insert(0, '')\nmesh = ")
    done = python("-c", code, *photos, folder=polluted.parent)
    assert (done.code, done.err, done.out) == (0, "", "True  True\n" * 4)


def test_the_command_and_its_processes_are_immune(polluted: Path) -> None:
    """The installed command and `python -m` alike, with a mesh of its own and with a broker."""
    (polluted / "in").mkdir()
    cv2.imwrite(str(polluted / "in" / "a.png"), np.eye(64, dtype=np.uint8) * 255)
    script = str(Path(sys.executable).with_name("pixmesh"))
    for out, start in (("x", [script]), ("y", [sys.executable, "-m", "pixmesh.tui.cli"])):
        done = subprocess.run(
            [*start, "run", "blur", "in", "-o", out, "--local"],
            cwd=polluted,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert (done.returncode, "stray" in done.stderr) == (0, False), done.stderr
        assert (polluted / out / "a.png").is_file()


def test_brokers_and_nodes_started_among_strays_work(polluted: Path, tmp_path: Path) -> None:
    mesh = RealMesh(polluted)
    try:
        mesh.broker()
        mesh.node("alone", 1)
        (polluted / "in").mkdir()
        cv2.imwrite(str(polluted / "in" / "a.png"), np.eye(64, dtype=np.uint8) * 255)
        run = mesh.start("run", "blur", "in", "-o", "out")
        assert run.code() == 0, run.said()
        assert mesh.status().nodes[0].done == 1
    finally:
        mesh.end()


def test_a_script_killed_in_the_middle_leaves_no_process(tmp_path: Path) -> None:
    """The lifelines end what it started: the leak fixture looks for them."""
    script = "import os, pixmesh\nmesh = pixmesh.Mesh.local(2)\nos.kill(os.getpid(), 9)\n"
    done = python("-c", script, folder=tmp_path)
    assert done.code == -9 if os.name == "posix" else done.code
    from pixmesh.tests.support.meshes import sweep

    sweep()
