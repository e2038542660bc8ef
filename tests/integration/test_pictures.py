"""Real, odd and hostile pictures through the command itself: what comes out, and what is said."""

import json
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.tests.support.photos import require_data

BAD = [
    "zero_*",
    "one_byte*",
    "magic_only*",
    "header_only*",
    "trunc_*",
    "garbage*",
    "elf_named*",
    "gzip_named*",
    "html_named*",
    "json_named*",
    "text_named*",
    "bitflip_200*",
    "bomb_400mp*",
    "bomb_900mp*",
    "bomb_4295mp*",
]
EITHER = "bitflip_20_*"


def run(recipe: str, folder: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    words = ["run", recipe, str(folder), "-o", str(out), "--json", "--slots", "2"]
    return subprocess.run(
        [sys.executable, "-P", "-m", "pixmesh.tui.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def is_bad(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in BAD)


def test_each_bad_picture_is_named_with_its_reason_and_the_good_ones_come_out(
    tmp_path: Path,
) -> None:
    folder = require_data("bad")
    done = run("resize width=300", folder, tmp_path / "out")
    assert done.returncode == 5, done.stderr
    names = {path.name for path in folder.iterdir()}
    bad = {name for name in names if is_bad(name)}
    surely_good = {name for name in names - bad if not fnmatch(name, EITHER)}
    failed = {Path(one["source"]).name: one for one in json.loads(done.stdout)["failed"]}
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert bad <= failed.keys()
    assert all(one["code"] and one["reason"] for one in failed.values())
    assert surely_good <= written
    assert not written & bad
    assert written | failed.keys() == names
    for path in (tmp_path / "out").iterdir():
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None, path
        assert pixels.shape[1] == 300, path


@pytest.mark.parametrize("kind", ["Landscape", pytest.param("Portrait", marks=pytest.mark.soak)])
def test_every_orientation_comes_out_upright(kind: str, tmp_path: Path) -> None:
    done = run("resize width=300", require_data("exif"), tmp_path)
    assert done.returncode == 0, done.stderr
    shown = [
        cv2.imread(str(tmp_path / f"{kind}_{number}.jpg"), cv2.IMREAD_COLOR) for number in range(9)
    ]
    upright = shown[1]
    assert upright is not None
    for number, pixels in enumerate(shown):
        assert pixels is not None
        assert pixels.shape == upright.shape, number
        assert np.abs(pixels.astype(int) - upright).mean() < 12, number


def test_every_format_is_processed_and_keeps_its_depth_and_alpha(tmp_path: Path) -> None:
    folder = require_data("formats")
    done = run("identity", folder, tmp_path)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in tmp_path.iterdir()}
    named = {"anim.gif": "anim.png", "garden.heic": "garden.jpg"}
    assert written == {named.get(path.name, path.name) for path in folder.iterdir()}
    deep = cv2.imread(str(tmp_path / "garden_16bit_gray.png"), cv2.IMREAD_UNCHANGED)
    floats = cv2.imread(str(tmp_path / "kodim03_float32.tif"), cv2.IMREAD_UNCHANGED)
    alpha = cv2.imread(str(tmp_path / "astronaut_rgba.png"), cv2.IMREAD_UNCHANGED)
    assert deep is not None
    assert floats is not None
    assert alpha is not None
    assert deep.dtype == np.uint16
    assert floats.dtype == np.float32
    assert alpha.shape[2] == 4
