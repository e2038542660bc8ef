"""A slot's cell says what it runs, to whoever maps the file, also after the slot is gone."""

import signal
import subprocess
import sys
from pathlib import Path

from pixmesh.node.cell import IDLE, Cell

SLOT = """
import os, signal, sys
from pathlib import Path
from pixmesh.node.cell import Cell
Cell(Path(sys.argv[1])).attempt = 2**63 - 1
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_new_cell_is_idle_and_goes_with_its_file(tmp_path: Path) -> None:
    cell = Cell(tmp_path / "cell")
    assert cell.attempt == IDLE
    cell.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_slot_ran_is_still_there(tmp_path: Path) -> None:
    cell = Cell(tmp_path / "cell")
    ended = subprocess.run([sys.executable, "-c", SLOT, str(tmp_path / "cell")], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert cell.attempt == 2**63 - 1
    cell.close()


def test_two_mappings_of_a_cell_are_one(tmp_path: Path) -> None:
    agent, slot = Cell(tmp_path / "cell"), Cell(tmp_path / "cell")
    slot.attempt = 7
    assert agent.attempt == 7
    slot.attempt = IDLE
    assert agent.attempt == IDLE
    agent.close()
    slot.close()
