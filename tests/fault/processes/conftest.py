"""A trial: a mesh whose processes know the faulty operation and keep histories."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmesh.tests.fault.processes.siege import Siege, besieged
from pixmesh.tests.fault.processes.trial import Trial
from pixmesh.tests.integration.conftest import mesh, no_pixels_stay, note
from pixmesh.tests.support import plugin
from pixmesh.tests.support.meshes import RealMesh

__all__ = ["mesh", "no_pixels_stay", "note", "siege", "trial"]


@pytest.fixture
def trial(mesh: RealMesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    code = (Path(__file__).parent / "faulty.py").read_text(encoding="utf-8")
    plugin.install(
        tmp_path / "site", "faulty_package", {"faulty": code}, {"f": "faulty:FAULTY"}, monkeypatch
    )
    histories = tmp_path / "histories"
    histories.mkdir()
    monkeypatch.setenv("PIXMESH_HISTORY", str(histories))
    return Trial(mesh, histories)


@pytest.fixture
def siege(trial: Trial) -> Iterator[Siege]:
    with besieged(trial) as siege:
        yield siege
