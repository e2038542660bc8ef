"""What tests of the owner's files share: a ledger, a folder of pictures, a folder OUT."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmesh.node.owner.ledger import Ledger

from .fakes import picture


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger") as ledger:
        yield ledger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        picture(tmp_path / "in" / f"{name}.jpg")
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
