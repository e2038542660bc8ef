"""The wheel as strangers get it: built, looked into, installed and run far from here.

Owns building and installing into a throw-away folder. What the wheel must hold is read
from the checkout's folders, so a folder missing in pyproject.toml shows.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

NOT_SHIPPED = frozenset({"tests", "build", "dist"})
DATA = ("py.typed", "bench/METHOD.md", "broker/PROTOCOL.md")
SIZE_LIMIT_MB = 350
# Beside these the installed command must still find its own modules.
STRAYS = ("ops.py", "numpy.py", "zmq.py", "node/__init__.py", "broker/__init__.py")
STRAY = 'raise ImportError("a stray file of the current folder was imported")\n'


def expected_files(root: Path) -> set[str]:
    """Return what a wheel of this checkout holds below ``pixmesh/``."""
    modules = {path.relative_to(root) for path in root.rglob("*.py")}
    shipped = {path.as_posix() for path in modules if _is_shipped(path)}
    return shipped | set(DATA)


def build(root: Path, out: Path) -> Path:
    """Build the wheel from what the checkout tracks and return its path."""
    # setuptools writes build/ and egg-info into the folder it builds from: give it a copy.
    copy = out / "source"
    shutil.copytree(root, copy, symlinks=True, ignore=_left_out)
    _run([_uv(), "build", "--quiet", "--wheel", "--out-dir", str(out / "dist"), str(copy)], out)
    (wheel,) = (out / "dist").glob("*.whl")
    return wheel


def content_mistakes(wheel: Path, expected: set[str]) -> list[str]:
    """Compare a wheel's files with those expected; one line for each difference."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    held = {name.removeprefix("pixmesh/") for name in names if name.startswith("pixmesh/")}
    return [
        *(f"missing in the wheel: {name}" for name in sorted(expected - held)),
        *(f"not meant for the wheel: {name}" for name in sorted(held - expected)),
        *(f"outside pixmesh/: {name}" for name in sorted(names) if not name.startswith("pixmesh/")),
    ]


def install(wheel: Path, root: Path, out: Path) -> Path:
    """Install the wheel with its locked dependencies into a new venv; return the venv."""
    venv, pins = out / "venv", out / "constraints.txt"
    export = [_uv(), "export", "--quiet", "--frozen", "--no-dev", "--no-hashes"]
    _run([*export, "--no-emit-project", "--output-file", str(pins)], root)
    _run([_uv(), "venv", "--quiet", "--python", sys.executable, str(venv)], out)
    target = ["--python", str(_program(venv, "python"))]
    _run([_uv(), "pip", "install", "--quiet", *target, "-c", str(pins), str(wheel)], out)
    return venv


def run_mistakes(venv: Path, out: Path) -> list[str]:
    """Run what is installed from a folder full of stray modules; one line for each failure."""
    elsewhere = out / "elsewhere"
    for name in STRAYS:
        stray = elsewhere / name
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_text(STRAY)
    commands = [
        [str(_program(venv, "python")), "-c", "import pixmesh"],
        [str(_program(venv, "pixmesh")), "--help"],
        [str(_program(venv, "pixmesh")), "ops"],
    ]
    return [mistake for command in commands for mistake in _mistakes_of(command, elsewhere)]


def size_mb(venv: Path) -> float:
    """Return the megabytes (10^6) of everything installed, compiled files apart."""
    (packages,) = {path.parent for path in venv.rglob("msgpack") if path.is_dir()}
    files = (path for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sum(path.stat().st_size for path in files) / 1e6


def _uv() -> str:
    """Return the uv that runs this, which need not be on the PATH."""
    return os.environ.get("UV", "uv")


def _is_shipped(path: Path) -> bool:
    first = path.parts[0]
    return not first.startswith(".") and first not in NOT_SHIPPED


def _left_out(folder: str, names: list[str]) -> set[str]:
    hidden = {name for name in names if name.startswith(".") or name.endswith(".egg-info")}
    return hidden | {"__pycache__", "build", "dist", "node_modules"}


def _program(venv: Path, name: str) -> Path:
    return venv / "Scripts" / f"{name}.exe" if os.name == "nt" else venv / "bin" / name


def _mistakes_of(command: list[str], folder: Path) -> list[str]:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=_environment()
    )
    if done.returncode == 0:
        return []
    last = done.stderr.strip().splitlines()[-1:] or ["no message"]
    return [f"{Path(command[0]).name} {' '.join(command[1:])}: exit {done.returncode}: {last[0]}"]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=_environment()
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")


def _environment() -> dict[str, str]:
    """Return this environment without what points uv and Python at the checkout's venv."""
    bound = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT"}
    return {name: value for name, value in os.environ.items() if name not in bound}
