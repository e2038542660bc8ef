"""The demo's pictures: distinct, the same everywhere, and over nobody's files."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.tui import gallery

SMALL = (150, 200)


def test_names_are_distinct_however_many() -> None:
    names = [one.name for one in gallery.drawings(100)]
    assert len(set(names)) == 100


@pytest.mark.parametrize("number", range(12))
def test_a_drawing_is_the_same_twice_and_not_flat(number: int) -> None:
    one = gallery.drawings(12)[number]
    small = gallery.Drawing(one.number, one.name, one.draw, SMALL, one.variant)
    first, second = small.encoded(), small.encoded()
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    pixels = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert pixels.shape == (*SMALL, 3)
    assert pixels.std() > 12


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    chosen = [
        gallery.Drawing(one.number, one.name, one.draw, SMALL, one.variant)
        for one in gallery.drawings(3)
    ]
    (tmp_path / chosen[1].name).write_bytes(b"somebody's own")
    drawn = list(gallery.draw_into(tmp_path, chosen, threads=2))
    assert {one.name for one in drawn} == {one.name for one in chosen}
    assert (tmp_path / chosen[1].name).read_bytes() == b"somebody's own"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(one.name for one in chosen)
