"""A node's pixels: what cannot be fetched is given back with the reason, and whose fault it is."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from msgspec import structs

from pixmesh.broker.lifecycle import AILMENTS
from pixmesh.broker.messages import End, EndItem
from pixmesh.node import pixels as rooms
from pixmesh.node.attempts import Attempts
from pixmesh.node.net.connection import Connection
from pixmesh.node.pixels import Pixels
from pixmesh.node.spool import attempt_paths, source_path

from .items import assign, assign_item


class Nobody:
    """Stands in for a Connection over which nobody answers."""

    def send_to(self, *_words: object) -> bool:
        return True


def given_back(folder: Path, size: int) -> Iterator[EndItem]:
    """Let a node fetch a task of that size; yield its ends."""
    attempts = Attempts()
    pixels = Pixels(folder, attempts, cast(Connection, Nobody()))
    item = assign_item(1, large=True)
    attempts.assigned(assign(structs.replace(item, task=structs.replace(item.task, size=size))))
    for held in attempts.next_fetches():
        pixels.fetch(held, 0.0)
    yield from (held.end for held in attempts.untold(0.0) if held.end is not None)
    pixels.forget(1)


@pytest.mark.parametrize("size", [0, 2**48])
def test_a_size_that_no_picture_has_is_not_the_nodes_ailment(tmp_path: Path, size: int) -> None:
    """A node rests for its own: an owner could let all of them rest."""
    (end,) = given_back(tmp_path, size)
    assert (end.end, end.code) == (End.RETURNED, "size")
    assert end.code not in AILMENTS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk-full"), (errno.EIO, "spool"), (errno.EDQUOT, "disk-full")],
)
def test_a_disk_without_room_for_a_picture_is_the_nodes_ailment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fails(_path: Path, _size: int) -> None:
        raise OSError(number, "it fails")

    monkeypatch.setattr(rooms, "SpoolFile", fails)
    (end,) = given_back(tmp_path, 1000)
    assert (end.end, end.code) == (End.RETURNED, code)
    assert end.code in AILMENTS


def test_nothing_stays_of_an_attempt_that_is_forgotten(tmp_path: Path) -> None:
    paths = attempt_paths(tmp_path, 1)
    assert {path.suffix for path in paths} == {".in", ".out", ".seen", ".made"}
    for path in (*paths, other := source_path(tmp_path, 2)):
        path.write_bytes(b"pixels")
    Pixels(tmp_path, Attempts(), cast(Connection, Nobody())).forget(1)
    assert list(tmp_path.iterdir()) == [other]
