"""The command as a person meets it: what it answers without any mesh."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pixmesh.tests.unit.tui.command import environment, mistaken, pixmesh, started

HEAVY = {"zmq", "cv2", "numpy", "rich", "textual", "torch", "PIL", "msgspec", "psutil", "sqlite3"}
HELP_SECONDS = 0.150


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from pixmesh.tui.cli import main; code = main(['--help']);"
        "print(code, *sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    code_word, *modules = done.stderr.split()
    assert code_word == "0"
    assert not HEAVY & set(modules)
    assert "run" in done.stdout


def test_help_answers_at_once(tmp_path: Path) -> None:
    """With byte code compiled, as on any second start.

    It waits for nothing, so its CPU seconds are what it takes on a machine with a core to
    spare; the wall's clock would measure the neighbours.
    """
    words = [sys.executable, "-m", "pixmesh.tui.cli", "--help"]
    env = environment(PYTHONPYCACHEPREFIX=str(tmp_path / "cache"))
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    seconds = []
    for _ in range(9):
        before = _seconds_of_children()
        subprocess.run(words, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, check=True)
        seconds.append(_seconds_of_children() - before)
    assert min(seconds) < HELP_SECONDS


def _seconds_of_children() -> float:
    used = os.times()
    return used.children_user + used.children_system


def test_version(tmp_path: Path) -> None:
    assert pixmesh("--version", folder=tmp_path).out.startswith("pixmesh 0.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rum"], "did you mean 'run'?"),
        (["frobnicate"], "the commands are run"),
        (["ops", "blurr"], "did you mean 'blur'?"),
        (["ops", "--colour"], "--color"),
        (["run"], "quotes"),
        (["run", "grayscale"], "quotes"),
        (["run", "blur", "ksize=5", "in", "-o", "out"], "quotes"),
        (["run", "grayscale", "in"], "-o"),
        (["run", "blurr", "in", "-o", "out"], "did you mean 'blur'?"),
        (["run", "in", "-o", "out"], "there is no INPUT"),
        (["run", "in", "in", "-o", "out"], "the recipe comes first"),
        (["run", "grayscale | blur ksize=4", "in", "-o", "out"], "must be odd"),
        (["run", "grayscale", "nowhere", "-o", "out"], "'nowhere'"),
        (["run", "grayscale", "https://host/a.jpg", "-o", "out"], "fetch it first"),
        (["run", "grayscale", "in", "-o", "out", "--format", "xyz"], "png"),
        (["run", "grayscale", "in", "-o", "out", "--quality", "0"], "1 to 100"),
        (["run", "grayscale", "in", "-o", "in"], "would become inputs"),
        (["run", "--to", "a", "in", "-o", "out"], "NAME=RECIPE"),
        (["run", "--to", "../a=blur", "in", "-o", "out"], "no name for a folder"),
        (["run", "--to", "a=blur", "--to", "A=canny", "in", "-o", "out"], "twice"),
        (["run", "grayscale", "in", "-o", "out", "--slots", "0"], "flag --slots"),
        (["broker", "--bind", "0.0.0.0"], "means every interface"),  # noqa: S104
        (["broker", "--bind", "eth77"], "no interface and no address"),
        (["ticket", "new", "--expires", "soon"], "24h"),
        (["status", "--broker", "a..b"], "is not HOST[:PORT]"),
        (["status", "--wait", "3"], "nodes=3"),
        (["ops", "--config", "nothing.toml", "--json", "blurr"], "blur"),
    ],
)
def test_a_mistake_is_told_on_stderr_with_exit_2(
    tmp_path: Path, words: list[str], says: str
) -> None:
    (tmp_path / "in").mkdir()
    done = mistaken(*words, folder=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_a_recipe_mistake_points_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    err = pixmesh("run", "grayscale | blur size=5", "in", "-o", "out", folder=tmp_path).err
    lines = err.splitlines()
    caret = next(number for number, line in enumerate(lines) if line.strip() == "^")
    assert lines[caret - 1][lines[caret].index("^") :].startswith("size=5")


def test_ops_as_json_has_every_parameter_with_its_range(tmp_path: Path) -> None:
    done = pixmesh("ops", "--json", folder=tmp_path)
    data = json.loads(done.out)
    assert (done.code, data["schema"], done.err) == (0, 1, "")
    blur = next(one for one in data["operations"] if one["name"] == "blur")
    ksize = blur["parameters"][0]
    assert (ksize["name"], ksize["minimum"], ksize["maximum"], ksize["odd"]) == (
        "ksize",
        1,
        255,
        True,
    )
    assert all(one["example"] for one in data["operations"])


def test_data_goes_to_stdout_and_talk_to_stderr(tmp_path: Path) -> None:
    talking, quiet = pixmesh("ops", folder=tmp_path), pixmesh("ops", "-q", folder=tmp_path)
    assert talking.out == quiet.out
    assert "grayscale" in talking.out
    assert talking.err
    assert not quiet.err


def test_common_options_are_taken_before_and_after_the_command(tmp_path: Path) -> None:
    before, after = (
        pixmesh("--json", "ops", "blur", folder=tmp_path),
        pixmesh("ops", "blur", "--json", folder=tmp_path),
    )
    assert json.loads(before.out) == json.loads(after.out)


@pytest.mark.parametrize("stray", ["numpy.py", "ops.py", "click.py", "json.py", "pixmesh.py"])
def test_a_stray_module_in_the_current_folder_breaks_nothing(tmp_path: Path, stray: str) -> None:
    (tmp_path / stray).write_text("raise SystemExit('a stray module was imported')\n")
    (tmp_path / "in").mkdir()
    script = Path(sys.executable).with_name("pixmesh")
    for words in (["ops", "--json"], ["run", "grayscale", "in", "-o", "out", "--dry-run"]):
        done = subprocess.run(
            [script, *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "stray" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize("stray", ["numpy.py", "ops.py", "click.py"])
def test_neither_does_it_with_python_m(tmp_path: Path, stray: str) -> None:
    (tmp_path / stray).write_text("raise SystemExit('a stray module was imported')\n")
    assert pixmesh("ops", "--json", folder=tmp_path).code == 0


def test_a_closed_pipe_is_no_error_to_talk_about(tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("pipes break elsewhere in other ways")
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [sys.executable, "-m", "pixmesh.tui.cli", "ops", "-q"],
        cwd=tmp_path,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writer)
        _, err = process.communicate()
    assert (process.returncode, err) == (128 + signal.SIGPIPE, "")


def test_an_unexpected_error_is_1_and_says_how_to_see_more(tmp_path: Path) -> None:
    code = (
        "import sys, pixmesh.ops.registry as registry\n"
        "from pixmesh.tui.cli import main\n"
        "def broken(): raise LookupError('the sky fell')\n"
        "registry.every = broken\n"
        "sys.exit(main(['ops', *sys.argv[1:]]))\n"
    )
    for words, shown in (([], False), (["-v"], True)):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "LookupError: the sky fell" in done.stderr
        assert ("Traceback" in done.stderr) is shown


def test_status_without_a_broker_is_3_and_names_what_was_tried(tmp_path: Path) -> None:
    done = pixmesh("status", "--json", folder=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "broker" in done.err


def test_dry_run_names_outputs_and_changes_nothing(tmp_path: Path, state_folder: Path) -> None:
    pictures = tmp_path / "in" / "deep"
    pictures.mkdir(parents=True)
    (pictures / "a.png").write_bytes(_one_pixel_png())
    (pictures / "notes.txt").write_text("no picture")
    words = ("run", "grayscale", "in", "-o", "out", "--dry-run", "--format", "jpeg")
    done = pixmesh(*words, "--json", folder=tmp_path)
    data = json.loads(done.out)
    assert (done.code, data["schema"], data["pictures"]) == (0, 1, 1)
    assert data["skipped"] == {".txt": 1}
    assert data["outputs"][0]["destination"] == str(tmp_path / "out" / "deep" / "a.jpg")
    assert str(tmp_path / "out" / "deep" / "a.jpg") in pixmesh(*words, folder=tmp_path).out
    assert not (tmp_path / "out").exists()


def test_a_project_file_names_recipes_and_its_mistakes_are_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "pixmesh.toml").write_text('[recipes]\nweb = "resize width=9"\nbad = "blurr"\n')
    words = ("in", "-o", "out", "--dry-run")
    assert pixmesh("run", "web", *words, folder=tmp_path).code == 0
    wrong = pixmesh("run", "bad", *words, folder=tmp_path)
    assert (wrong.code, "did you mean 'blur'?" in wrong.err) == (2, True)


def test_a_state_folder_that_others_can_read_is_refused(tmp_path: Path, state_folder: Path) -> None:
    if os.name != "posix":
        pytest.skip("modes are POSIX")
    (tmp_path / "in").mkdir()
    state_folder.chmod(0o755)
    done = pixmesh("run", "grayscale", "in", "-o", "out", folder=tmp_path)
    assert (done.code, f"chmod 700 {state_folder}" in done.err) == (2, True)


def test_a_broker_says_where_it_is_and_ends_with_sigterm(tmp_path: Path) -> None:
    with started("broker", "--port", "0", folder=tmp_path) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert said.startswith("pixmesh broker at 127.0.0.1:")
    assert (out, err, process.returncode) == ("", "", 0)


def _one_pixel_png() -> bytes:
    import cv2
    import numpy as np

    return bytes(cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1])
