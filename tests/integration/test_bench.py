"""A mesh that is measured is a real one, comes in by the door that is named, and ends."""

from pathlib import Path

import pytest

from pixmesh.tests.support.measured import measured


@pytest.mark.parametrize("door", ["local", pytest.param("network", marks=pytest.mark.soak)])
def test_a_mesh_that_stays_writes_every_picture_and_tells_its_cost(
    door: str, tmp_path: Path
) -> None:
    cost = measured(door, tmp_path)
    assert 0 < cost.slots < cost.cpu
    assert cost.wall > 0
