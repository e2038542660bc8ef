"""A package installed for a test: modules and their entry points, in a folder on the path."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

GROUP = "pixmesh.operations"


def put_on_path(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Have every process started from now on find modules in a folder before all others."""
    known = os.environ.get("PYTHONPATH")
    patch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{known}" if known else str(folder))


def install(
    folder: Path,
    package: str,
    modules: Mapping[str, str],
    points: Mapping[str, str],
    patch: pytest.MonkeyPatch,
) -> None:
    """Install a package as an installer does; every process started from now on finds it."""
    folder.mkdir()
    for name, code in modules.items():
        (folder / f"{name}.py").write_text(code)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    put_on_path(folder, patch)
