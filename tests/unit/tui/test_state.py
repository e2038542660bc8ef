"""The state folder is this user's alone."""

import os
from pathlib import Path

import pytest

from pixmesh.node.errors import ConfigError
from pixmesh.node.state import SOCKET_NAME_BYTES, SOCKET_PATH_BYTES, StateFolder

posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


def opened(path: Path) -> StateFolder:
    return StateFolder.open({"PIXMESH_STATE": str(path)})


@posix
def test_every_folder_is_made_private(tmp_path: Path) -> None:
    state = opened(tmp_path / "deep" / "state")
    for folder in (state.root, state.keys, state.runtime):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert opened(tmp_path / "deep" / "state") == state


@posix
@pytest.mark.parametrize("mode", [0o755, 0o710, 0o704])
def test_a_folder_that_others_can_read_is_refused_with_the_remedy(
    tmp_path: Path, mode: int
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)
    with pytest.raises(ConfigError) as raised:
        opened(tmp_path / "state")
    assert raised.value.remedy == f"chmod 700 {tmp_path / 'state'}"


@posix
def test_a_link_is_no_state_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "state").symlink_to(tmp_path / "real")
    with pytest.raises(ConfigError, match="is not a folder"):
        opened(tmp_path / "state")


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        opened(tmp_path / "state")


@posix
def test_sockets_fit_whatever_the_length_of_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path)[:40])
    for length in (1, 30, 90, 200):
        runtime = StateFolder(Path("/" + "s" * length)).runtime
        assert len(str(runtime)) + 1 + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES
