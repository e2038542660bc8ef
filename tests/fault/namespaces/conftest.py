"""What tests with several hosts share: a wire, a mesh on it, and a judge of its histories."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmesh.tests.fault.checker import check_history
from pixmesh.tests.integration.conftest import (  # noqa: F401  # fixtures, by their names
    no_pixels_stay,
    note,
    pyzmq_frees_memory,
)
from pixmesh.tests.support.lan.namespace import NotAllowed

from .held import Held
from .hosts import Lan
from .mesh import HostMesh


@pytest.fixture
def lan(nothing_leaks: None) -> Iterator[Lan]:
    """Two hosts and the wire between them; the test is skipped where there can be none."""
    try:
        lan = Lan.make()
    except NotAllowed as why:
        pytest.skip(f"no hosts as network namespaces: {why}")
    try:
        yield lan
    finally:
        lan.close()


@pytest.fixture
def mesh(
    tmp_path: Path,
    lan: Lan,
    no_pixels_stay: None,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[HostMesh]:
    """Members on two hosts, ended after the test; then their histories are judged."""
    history = tmp_path / "history"
    history.mkdir()
    monkeypatch.setenv("PIXMESH_HISTORY", str(history))
    mesh = HostMesh(tmp_path, lan=lan)
    try:
        yield mesh
    finally:
        lan.heal()
        mesh.end()
    check_history(
        json.loads(line)
        for path in history.glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    )


@pytest.fixture
def held(mesh: HostMesh) -> Iterator[Held]:
    """A run whose tasks are held on the node away."""
    held = Held.begin(mesh)
    try:
        yield held
    finally:
        held.go_on()
