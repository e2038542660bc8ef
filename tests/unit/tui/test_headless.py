"""What has no screen loads none; and what the dashboard shows is known without one."""

import subprocess
import sys

import pytest

HEADLESS = {
    "a node": ["pixmesh.node.service"],
    "a broker": ["pixmesh.broker.service"],
    "a watcher": ["pixmesh.node.folder.service"],
    "Python": ["pixmesh", "pixmesh.node.owner.mesh"],
}
VIEW = [
    f"pixmesh.tui.view.{name}"
    for name in ("actions", "folders", "heading", "jobs", "log", "mesh", "nodes")
]


def loads(modules: list[str], unwanted: str) -> str:
    """Return what is loaded besides, of what must not be."""
    lines = [f"import {name}" for name in modules]
    lines += ["import sys", f"print([n for n in sys.modules if n.split('.')[0] in {unwanted}])"]
    command = [sys.executable, "-P", "-c", "\n".join(lines)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("who", list(HEADLESS))
def test_what_has_no_screen_loads_none(who: str) -> None:
    assert loads(HEADLESS[who], "{'textual', 'rich', 'click'}") == "[]"


def test_what_the_dashboard_shows_is_known_without_a_screen() -> None:
    assert loads(VIEW, "{'textual', 'click', 'cv2'}") == "[]"
