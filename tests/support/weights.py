"""Weights for tests: those of the shared folder, as a cache has them."""

import shutil
from pathlib import Path

from pixmesh.ops.weights import U2NETP, YUNET

from .photos import require_data


def fill(folder: Path) -> Path:
    """Put YuNet's and u2netp's where a cache of this folder looks for them; return it."""
    for one in (YUNET, U2NETP):
        (folder / one.name).mkdir(parents=True)
        for file in one.files:
            shutil.copyfile(require_data("models", file.name), folder / one.name / file.name)
    return folder
