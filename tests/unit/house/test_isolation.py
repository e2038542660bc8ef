"""Every test has a state folder and a temp folder of its own, and a plain environment."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

# A socket in the state folder must fit sockaddr_un: 104 bytes on macOS, 108 on Linux.
ROOM_FOR_A_SOCKET = 50


@pytest.mark.parametrize("turn", [1, 2])
def test_the_state_folder_is_new_private_and_short(turn: int, state_folder: Path) -> None:
    assert os.environ["PIXMESH_STATE"] == str(state_folder)
    assert list(state_folder.iterdir()) == []
    assert stat.S_IMODE(state_folder.stat().st_mode) == 0o700
    assert len(str(state_folder)) < ROOM_FOR_A_SOCKET
    (state_folder / "keys").write_text(f"of turn {turn}")


def test_temp_files_of_this_process_and_its_children_land_in_one_empty_folder() -> None:
    assert tempfile.gettempdir() == os.environ["TMPDIR"]
    assert os.listdir(tempfile.gettempdir()) == []  # noqa: PTH208


def test_no_setting_of_the_person_at_the_keyboard_gets_in() -> None:
    ours = {name for name in os.environ if name.startswith("PIXMESH_")}
    assert ours - {"PIXMESH_TEST_DATA"} == {"PIXMESH_STATE", "PIXMESH_MODELS"}
    assert os.environ["NO_COLOR"]
