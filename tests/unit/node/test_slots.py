"""A slot makes a preview of what it is asked to show, and no task is worse for it."""

import itertools
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from msgspec import structs

from pixmesh.broker.messages import INLINE_BYTES
from pixmesh.broker.previews import MOST_BYTES
from pixmesh.broker.views import Preview
from pixmesh.node import slots
from pixmesh.node.slot_messages import SlotTask
from pixmesh.node.slots import Runner
from pixmesh.node.spool import result_path, source_path
from pixmesh.ops.digest import digest_of
from pixmesh.ops.errors import PictureError
from pixmesh.ops.thumbnail import thumbnail
from pixmesh.tests.support.photos import Pixels, drawn

NOISE = np.random.default_rng(1).integers(0, 256, (800, 1200, 3), np.uint8)


def png(pixels: Pixels) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def task(
    data: bytes, recipe: str = "resize width=30 | grayscale", *, asked: bool = True
) -> SlotTask:
    return SlotTask(7, recipe, "{}", digest_of(data), data, asked, "a.png" if asked else "")


def test_a_preview_shows_what_came_and_what_was_made(tmp_path: Path) -> None:
    data = png(drawn(1, 60, 40))
    end = Runner(tmp_path).run(task(data))
    assert end.preview is not None
    shown = msgspec.msgpack.decode(end.preview, type=Preview)
    assert (shown.name, shown.recipe) == ("a.png", "resize width=30 | grayscale")
    assert (shown.before.width, shown.before.height, shown.before.size) == (60, 40, len(data))
    assert (shown.after.width, shown.after.height, shown.after.size) == (30, 20, end.size)
    assert shown.seconds == end.seconds


def test_pictures_from_the_spool_are_shown_and_few_bytes_long(tmp_path: Path) -> None:
    data = png(NOISE)
    source_path(tmp_path, 7).write_bytes(data)
    end = Runner(tmp_path).run(structs.replace(task(data, "blur ksize=3"), inline=None))
    assert end.size > INLINE_BYTES
    assert end.inline is None
    assert result_path(tmp_path, 7).stat().st_size == end.size
    assert end.preview is not None
    assert len(end.preview) < MOST_BYTES


def test_what_is_not_asked_for_or_remains_the_same_or_fails_has_no_preview(tmp_path: Path) -> None:
    data, runner = png(drawn(1, 60, 40)), Runner(tmp_path)
    assert runner.run(task(data, asked=False)).preview is None
    same = runner.run(task(data, ""))
    assert (same.code, same.format, same.preview) == ("", "same", None)
    failed = runner.run(task(data[: len(data) // 2]))
    assert (failed.code, failed.preview) == ("truncated", None)


@pytest.mark.parametrize(
    "error", [PictureError("corrupt", "broken"), MemoryError(), ValueError("unheard of")]
)
def test_whatever_befalls_a_preview_the_task_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(_data: object) -> None:
        raise error

    data = png(drawn(1, 60, 40))
    plain = Runner(tmp_path).run(task(data, asked=False))
    monkeypatch.setattr(slots, "thumbnail", fails)
    end = Runner(tmp_path).run(task(data))
    assert (end.code, end.preview) == ("", None)
    assert (end.digest, end.inline) == (plain.digest, plain.inline)


def test_the_time_that_a_preview_takes_is_not_told_as_the_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tasks are predicted to take comes from it."""
    ticks = itertools.count()

    def slow(data: bytes) -> object:
        for _ in range(1000):
            next(ticks)
        return thumbnail(data)

    monkeypatch.setattr(slots, "thumbnail", slow)
    end = Runner(tmp_path, clock=lambda: float(next(ticks))).run(task(png(drawn(1, 60, 40))))
    assert end.preview is not None
    assert end.seconds == 1.0
