"""A slot decodes a reference once, keeps a few, and takes nothing else for one."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.node import album
from pixmesh.node.album import Album
from pixmesh.node.attempts import ELSEWHERE
from pixmesh.node.slot_messages import SlotTask
from pixmesh.node.slots import Runner
from pixmesh.node.spool import reference_path
from pixmesh.ops.decode import MAX_PIXELS
from pixmesh.ops.digest import digest_of
from pixmesh.ops.errors import PictureError
from pixmesh.ops.reference import Reference, pixels_of, taken_from
from pixmesh.ops.supplies import Supplies
from pixmesh.tests.support.photos import Pixels, drawn


def kept(folder: Path, seed: int) -> str:
    """Put a reference where an agent keeps it; return its word."""
    data = cv2.imencode(".png", drawn(seed, 20, 10))[1].tobytes()
    known = taken_from(data, max_pixels=MAX_PIXELS)
    reference_path(folder, known.digest).write_bytes(data)
    return known.canonical()


def count_decodings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    decoded: list[object] = []

    def counted(reference: Reference, data: bytes) -> Pixels:
        decoded.append(reference)
        return pixels_of(reference, data)

    monkeypatch.setattr(album, "pixels_of", counted)
    return decoded


def test_it_is_decoded_once_and_nobody_can_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word, decoded = kept(tmp_path, 1), count_decodings(monkeypatch)
    one = Album(tmp_path)
    pixels = one.find(word)
    assert (pixels == drawn(1, 20, 10)).all()
    assert one.find(word) is pixels
    assert len(decoded) == 1
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0] = 1


def test_a_few_stay_and_the_least_recently_used_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (kept(tmp_path, seed) for seed in (1, 2, 3))
    decoded = count_decodings(monkeypatch)
    one = Album(tmp_path, room=2 * 20 * 10 * 3)
    for word in (first, second, first, third, first):
        one.find(word)
    assert len(decoded) == 3
    one.find(second)
    assert len(decoded) == 4


def test_one_that_is_too_large_to_stay_is_found_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word, decoded = kept(tmp_path, 1), count_decodings(monkeypatch)
    one = Album(tmp_path, room=100)
    for _ in range(2):
        assert one.find(word).shape == (10, 20, 3)
    assert len(decoded) == 2


def task(recipe: str) -> SlotTask:
    data = cv2.imencode(".png", np.full((70, 90, 3), 9, np.uint8))[1].tobytes()
    return SlotTask(7, recipe, "{}", digest_of(data), data)


@pytest.mark.parametrize("spoilt", [None, b"", b"other bytes"])
def test_one_that_is_missing_or_spoilt_sends_the_attempt_elsewhere(
    tmp_path: Path, spoilt: bytes | None
) -> None:
    word = kept(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    runner = Runner(tmp_path, Supplies(reference=Album(tmp_path).find))
    if spoilt is None:
        path.unlink()
    else:
        path.write_bytes(spoilt)
    end = runner.run(task(f"match reference={word}"))
    assert end.code == "no-reference"
    assert end.code in ELSEWHERE
    assert not path.exists()
    assert kept(tmp_path, 1) == word
    assert runner.run(task(f"match reference={word}")).code == ""


def test_a_path_says_nothing_to_a_node(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(cv2.imencode(".png", drawn(1, 20, 10))[1].tobytes())
    with pytest.raises(PictureError, match="called by a path"):
        Album(tmp_path).find(str(secret))
    runner = Runner(tmp_path, Supplies(reference=Album(tmp_path).find))
    assert runner.run(task(f"match reference={secret}")).code == "no-reference"
