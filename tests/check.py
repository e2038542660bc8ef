"""Every check and every test, in one command: ``uv run tests/check.py [PYTEST ARGUMENTS]``.

Goes on after a failure, so that one run shows everything, and ends with one line per step.
Tests with real processes mostly wait, and have deadlines: they run in lanes beside those that
compute, which are polite to them. Lanes share nothing: each is a pytest of its own, whose tests
have their own folders, meshes and hosts.
The exit code is the number of failed steps. The rules of the house itself are tests, under
``tests/unit/house``.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pixmesh.tests.support import audit, wheel

ROOT = Path(__file__).resolve().parent.parent
VIEW = ROOT / ".view" / "pixmesh"
PROCESSES = "tests/fault/processes"
ON_A_LAN = tuple(
    f"tests/integration/test_{name}.py"
    for name in ("joining_lan", "beacon_lan", "doctor", "limits")
)
WATCHED = tuple(
    f"tests/integration/test_{name}.py"
    for name in ("watch", "watch_troubles", "watch_cloud", "up_watch", "jobs", "references")
)
MODELS = tuple(f"tests/integration/test_{name}.py" for name in ("models", "captions", "raw"))
SIMULATED = ("tests/fault/simulated",)
OPERATIONS = ("tests/unit/ops",)
POLITE = (SIMULATED, OPERATIONS)
IMPOLITE = ("tests/unit/node/test_load.py",)  # it measures what others use, who are not polite
BROKEN = tuple(f"{PROCESSES}/test_{name}.py" for name in ("brokers", "slots_and_nodes"))
LANES = (
    *POLITE,
    (*BROKEN, *IMPOLITE, *MODELS),
    (PROCESSES,),
    ("tests/integration",),
    WATCHED,
    ("tests/fault/namespaces", *ON_A_LAN),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One check: what it is called, and what it found wrong; or why it was not made."""

    name: str
    passed: bool
    seconds: float
    skipped: str = ""

    def __str__(self) -> str:
        if self.skipped:
            return f"skip  {self.name:14}  ({self.skipped})"
        return f"{'ok  ' if self.passed else 'FAIL'}  {self.name:14} {self.seconds:6.1f} s"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not be made here, through no fault of the checkout's."""

    why: str


def main(arguments: list[str]) -> int:
    """Run every step, then count."""
    link_view()
    closing: list[str] = []
    steps = [
        step("ruff check", lambda: tool("ruff", "check")),
        step("ruff format", lambda: tool("ruff", "format", "--check")),
        step("mypy", lambda: tool("mypy")),
        step("import-linter", lambda: run(script("lint-imports"), "--no-logo")),
        step("pip-audit", nothing_known_is_wrong),
        step("wheel", wheel_is_right),
        step(
            "pytest",
            lambda: tests(arguments, closing, polite=False) if arguments else all_tests(closing),
        ),
    ]
    say("")
    for done in steps:
        say(str(done))
    for line in closing:
        say(line)
    return sum(not done.passed for done in steps)


def step(name: str, check: Callable[[], bool | Skipped]) -> Step:
    """Run one check under a heading."""
    say(f"\n== {name}")
    began = time.monotonic()
    found = check()
    seconds = time.monotonic() - began
    if isinstance(found, Skipped):
        return Step(name, True, seconds, skipped=found.why)
    return Step(name, found, seconds)


def tool(module: str, *arguments: str) -> bool:
    """Run a module of this environment in the checkout."""
    return run(sys.executable, "-P", "-m", module, *arguments)


def run(*command: str) -> bool:
    """Run a command in the checkout, its output being ours."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def script(name: str) -> str:
    """Find a command of this environment, on the PATH or not."""
    return shutil.which(name, path=Path(sys.executable).parent) or name


def all_tests(closing: list[str]) -> bool:
    """Run those with real processes beside all others; show what they said afterwards."""
    with contextlib.ExitStack() as stack:
        lanes = [(paths, stack.enter_context(beside(paths))) for paths in LANES]
        passed = tests(all_but(), closing, polite=True)
        for paths, lane in lanes:
            passed = lane.ended_well() and passed
            say(f"\n== pytest {' '.join(paths)}")
            closing += closing_of(lane.said)
    return passed


def all_but(*own: str) -> list[str]:
    """Return what leaves out every lane's tests but one's own."""
    return [f"--ignore={path}" for paths in LANES for path in paths if path not in own]


@dataclass(frozen=True, slots=True)
class Lane:
    """Tests that run beside others; what they say is kept for later."""

    running: subprocess.Popen[str]
    said: IO[str]

    def ended_well(self) -> bool:
        """Wait for the end."""
        passed = self.running.wait() == 0
        self.said.seek(0)
        return passed


@contextlib.contextmanager
def beside(paths: tuple[str, ...]) -> Iterator[Lane]:
    """Run some tests while the block runs, and to their end."""
    command = pytest(*paths, *all_but(*paths), polite=paths in POLITE)
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as said,
        subprocess.Popen(
            command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, text=True
        ) as running,
    ):
        yield Lane(running, said)


def tests(arguments: list[str], closing: list[str], *, polite: bool) -> bool:
    """Run pytest, and keep its count of skips and its closing line for the very end."""
    command = pytest(*arguments, polite=polite)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        closing += closing_of(running.stdout)
    return running.returncode == 0


def pytest(*arguments: str, polite: bool = False) -> list[str]:
    """Return the command that runs these tests; a polite one lets others have the processor."""
    colour = "yes" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "no"
    nice = shutil.which("nice") if polite else None
    command = [sys.executable, "-P", "-m", "pytest", f"--color={colour}", *arguments]
    return [nice, "-n", "10", *command] if nice else command


def closing_of(lines: Iterable[str]) -> list[str]:
    """Say all lines; return the count of skips, if there is one, and the last one."""
    counted: list[str] = []
    line = ""
    for line in map(str.rstrip, lines):
        say(line)
        if line.startswith("skipped "):
            counted = [line]
    return [*counted, line]


def nothing_known_is_wrong() -> bool | Skipped:
    """Look up what the lock pins among known vulnerabilities; without a network nobody can."""
    told = audit.audited(ROOT)
    for line in told.lines:
        say(line)
    if told.said == "no answer":
        return Skipped("its database does not answer")
    return told.said == "clean"


def wheel_is_right() -> bool:
    """Build, look into, install and run the wheel."""
    out = Path(tempfile.mkdtemp(prefix="pixmesh-wheel-"))
    try:
        mistakes = wheel_mistakes(out)
    except (OSError, RuntimeError, ValueError) as error:
        mistakes = [str(error)]
    finally:
        shutil.rmtree(out, ignore_errors=True)
    for mistake in mistakes:
        say(mistake)
    return not mistakes


def wheel_mistakes(out: Path) -> list[str]:
    """Return everything that is wrong with the wheel of this checkout."""
    built = wheel.build(ROOT, out)
    venv = wheel.install(built, ROOT, out)
    size = wheel.size_mb(venv)
    say(f"base install: {size:.0f} MB")
    mistakes = wheel.content_mistakes(built, wheel.expected_files(ROOT))
    mistakes += wheel.run_mistakes(venv, out)
    if size >= wheel.SIZE_LIMIT_MB:
        mistakes.append(f"the base install has {size:.0f} MB, over {wheel.SIZE_LIMIT_MB}")
    return mistakes


def link_view() -> None:
    """Let mypy see the checkout as a package called pixmesh, whatever its folder is called."""
    VIEW.parent.mkdir(exist_ok=True)
    if VIEW.exists():
        return
    if os.name == "nt":
        # A junction, unlike a symbolic link, needs no privilege.
        subprocess.run(["cmd", "/c", "mklink", "/J", str(VIEW), str(ROOT)], check=True)  # noqa: S607
    else:
        VIEW.symlink_to("..", target_is_directory=True)


def say(line: str) -> None:
    """Write a line before the next tool writes its own."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
