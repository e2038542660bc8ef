"""Every test alone: its own state and temp folder, a plain environment, nothing left over.

Owns the fixtures that surround each test and the closing count of skips. What counts as
left over is ``support/leaks.py``.
"""

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from pixmesh.tests.support import leaks

if TYPE_CHECKING:
    from pixmesh.node.weights import WeightsCache
    from pixmesh.tests.support.lan.lan import Lan

KEPT = frozenset({"PIXMESH_TEST_DATA", "PIXMESH_TEST_SEEDS", "PIXMESH_TEST_SHOTS"})
SESSION_FOLDER = pytest.StashKey[Path]()
STRAYS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a short folder of its own: ipc:// paths end at about 107 bytes.

    Nothing is judged by how long an example takes: the machine may be busy.
    """
    hypothesis.settings.register_profile("unhurried", deadline=None)
    hypothesis.settings.load_profile("unhurried")
    leaks.mark_this_run()
    place = "/tmp" if os.name == "posix" else None  # noqa: S108  # mkdtemp makes it 0700
    config.stash[SESSION_FOLDER] = Path(tempfile.mkdtemp(prefix="pm-", dir=place))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the run's folder away."""
    folder = config.stash.get(SESSION_FOLDER, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def test_numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Number the tests; pytest's own folder is made before any test has another TMPDIR."""
    tmp_path_factory.getbasetemp()
    return iter(range(1_000_000))


@pytest.fixture(autouse=True)
def state_folder(request: pytest.FixtureRequest, test_numbers: Iterator[int]) -> Iterator[Path]:
    """Isolate the test; return the folder where pixmesh keeps keys, sockets and ledgers."""
    home = request.config.stash[SESSION_FOLDER] / str(next(test_numbers))
    state = home / "state"
    temporary = home / "tmp"
    for folder in (home, state, temporary):
        folder.mkdir(mode=0o700)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PIXMESH_")]:
            if name not in KEPT:
                patch.delenv(name)
        patch.delenv("PYTHONPATH", raising=False)
        patch.setenv("PIXMESH_STATE", str(state))
        patch.setenv("PIXMESH_MODELS", str(state / "models"))
        patch.setenv("XDG_CONFIG_HOME", str(home))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing is fetched from the web
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", str(temporary))
        yield state
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True)
def nothing_leaks(state_folder: Path) -> Iterator[None]:
    """Fail the test that leaves something behind, by name, and end what it left."""
    before = leaks.Snapshot.take()
    yield
    left = before.leaks()
    if left:
        before.end_leaks()
        pytest.fail("the test leaked\n  " + "\n  ".join(map(str, left)), pytrace=False)


@pytest.fixture(scope="session")
def filled_models(request: pytest.FixtureRequest) -> Path:
    """Return a folder of weights for all tests, YuNet's and u2netp's; nobody changes them."""
    from pixmesh.tests.support.weights import fill

    return fill(request.config.stash[SESSION_FOLDER] / "models")


@pytest.fixture
def weights(filled_models: Path, monkeypatch: pytest.MonkeyPatch) -> "WeightsCache":
    """Return weights for this test and its processes."""
    from pixmesh.node.weights import VARIABLE, WeightsCache

    monkeypatch.setenv(VARIABLE, str(filled_models))
    return WeightsCache.open()


@pytest.fixture
def lan(state_folder: Path, nothing_leaks: None) -> "Iterator[Lan]":
    """Two hosts, atlas and pi4, on a LAN; the test is skipped where there can be none."""
    from pixmesh.tests.support.lan.lan import Lan
    from pixmesh.tests.support.lan.namespace import NotAllowed

    with contextlib.ExitStack() as stack:
        try:
            lan = stack.enter_context(Lan.of(state_folder.parent / "lan", "atlas", "pi4"))
        except NotAllowed as why:
            pytest.skip(f"no hosts as network namespaces: {why}")
        yield lan


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run for a process that outlived the fixtures of modules and the session."""
    strays = leaks.processes_of_this_run()
    session.config.stash[STRAYS] = [leaks.describe(process) for process in strays]
    if strays:
        leaks.end_processes(strays)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name strays, and count the skips by reason in the last line but one."""
    for stray in terminalreporter.config.stash.get(STRAYS, []):
        terminalreporter.write_line(f"outlived the tests: process {stray}", red=True)
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        counted = "; ".join(f"{count}: {reason}" for reason, count in reasons.most_common())
        terminalreporter.write_line(f"skipped {reasons.total()}, {counted}")


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")
