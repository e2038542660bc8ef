"""`pixmesh.Mesh` as Python code sees it, with real processes behind it."""

import itertools
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import pixmesh
from pixmesh.broker.messages import CHUNK_BYTES, INLINE_BYTES
from pixmesh.node.owner.content import SPOOLED_FROM
from pixmesh.tests.integration.exact import blurred
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh, attempts_of
from pixmesh.tests.support.photos import Pixels, drawn

SLOW = blurred(101, 12)
NPY_HEADER = 128


@pytest.fixture
def local(no_pixels_stay: None) -> Iterator[pixmesh.Mesh]:
    with pixmesh.Mesh.local(2) as mesh:
        yield mesh


def small(number: int) -> Pixels:
    return np.full((8, 8), number, np.uint8)


def test_a_future_has_the_answer_or_raises(local: pixmesh.Mesh) -> None:
    future = local.submit("identity", small(1))
    assert isinstance(future, Future)
    answer = future.result(30)
    assert (answer.ok, answer.attempts, answer.node != "") == (True, 1, True)
    assert np.array_equal(answer.array, small(1))
    with pytest.raises(pixmesh.JobFailed, match="nowhere"):
        local.submit("identity", "nowhere.png").result(30)
    with pytest.raises(pixmesh.RecipeError):
        local.submit("blurr", small(1))
    with pytest.raises(pixmesh.RecipeError, match="written out"):
        local.submit(" | ".join(["blur"] * 300), small(1))
    assert local.submit("blur", small(1)).result(30).ok


def test_a_stream_takes_no_more_than_its_window(local: pixmesh.Mesh) -> None:
    taken = itertools.count()
    sources = (small(next(taken)) for _ in range(60))
    for answered, answer in enumerate(local.stream("identity", sources, window=5)):
        assert answer.ok
        in_work = next(taken) - answered
        taken = itertools.count(next(taken) - 1)
        assert in_work <= 5


def test_a_stream_answers_in_the_order_of_completion_and_a_map_in_that_of_its_pictures(
    local: pixmesh.Mesh,
) -> None:
    pictures = [drawn(1, 700, 700), *(small(number) for number in range(20))]
    streamed = [answer.input for answer in local.stream(SLOW, pictures)]
    assert streamed[-1] is pictures[0]
    mapped = [answer.input for answer in local.map(SLOW, pictures)]
    assert all(one is other for one, other in zip(mapped, pictures, strict=True))


def test_an_error_is_one_pictures_answer(local: pixmesh.Mesh, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.npy", tmp_path / "broken.png"
    np.save(whole, small(3))
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    pictures: list[Any] = [
        whole,
        tmp_path / "missing.png",
        broken,
        b"no picture",
        object(),
        small(4),
    ]
    pictures += ["http://127.0.0.1:9/refused.png"]
    for answers in (list(local.map("blur", pictures)), list(local.stream("blur", pictures))):
        by_input = {id(answer.input): answer for answer in answers}
        oks = [by_input[id(picture)].ok for picture in pictures]
        assert oks == [True, False, False, False, False, True, False]
        assert all(answer.ok != bool(answer.error and answer.code) for answer in answers)


def test_leaving_the_loop_early_cancels_the_rest(mesh: RealMesh) -> None:
    mesh.broker()
    mesh.node("alone")
    with pixmesh.Mesh() as ours:
        for answer in ours.stream(SLOW, (drawn(seed, 512, 512) for seed in itertools.count())):
            assert answer.ok
            break
        eventually(lambda: not mesh.status().batches, 15, "work goes on that nobody wants")
        assert [node.held for node in mesh.status().nodes if node.held > 2] == []
        assert ours.submit("identity", small(1)).result(30).ok
    eventually(lambda: mesh.status().owners == 0, 5, "the owner's leaving went unnoticed")


def test_closing_with_work_under_way_cancels_it() -> None:
    mesh = pixmesh.Mesh.local(1)
    futures = [mesh.submit(SLOW, drawn(seed, 256, 256)) for seed in range(20)]
    futures[0].result(30)
    mesh.close()
    mesh.close()
    codes = set()
    for future in futures:
        error = future.exception(0)
        assert error is None or isinstance(error, pixmesh.JobFailed)
        codes.add(getattr(error, "code", ""))
    assert codes == {"", "cancelled"}
    with pytest.raises(pixmesh.JobFailed, match="closed"):
        mesh.submit("identity", small(1)).result(5)


def test_two_meshes_one_after_the_other_and_side_by_side() -> None:
    with pixmesh.Mesh.local(1) as one, pixmesh.Mesh.local(1) as two:
        first, second = one.submit("identity", small(1)), two.submit("identity", small(2))
        assert np.array_equal(first.result(30).array, small(1))
        assert np.array_equal(second.result(30).array, small(2))
    with pixmesh.Mesh.local(1) as three:
        assert three.submit("identity", small(3)).result(30).ok


def test_sizes_about_the_limits_come_back_exactly(local: pixmesh.Mesh) -> None:
    """Of what travels inline, and of one chunk."""
    chance = np.random.default_rng(1)
    sizes = [limit + more for limit in (INLINE_BYTES, CHUNK_BYTES) for more in (-1, 0, 1)]
    pictures = [chance.integers(0, 256, (1, size - NPY_HEADER), np.uint8) for size in sizes]
    for size, pixels, answer in zip(sizes, pictures, local.map("identity", pictures), strict=True):
        assert len(answer.bytes) == size
        assert np.array_equal(answer.array, pixels)


def test_a_result_too_large_for_memory_goes_through_the_spool(local: pixmesh.Mesh) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (4000, 6000, 3), np.uint8)
    assert pixels.nbytes > SPOOLED_FROM
    answer = local.submit("identity", pixels).result(60)
    assert np.array_equal(answer.array, pixels)


def test_a_picture_that_kills_slots_is_stopped_and_its_neighbours_are_not_blamed() -> None:
    """Its slot dies three times, twice while it runs alone: then it is given up."""
    with pixmesh.Mesh.local(1) as mesh:
        agent = eventually(_agents, 10)[0]
        deadly = mesh.submit(blurred(255, 120), drawn(1, 900, 900))
        killed: set[int] = set()
        for _ in range(3):
            (attempt,) = eventually(lambda: set(attempts_of(agent)) - killed, 30)
            killed.add(attempt)
            for slot in agent.children():
                slot.kill()
        neighbours = [mesh.submit("identity", small(number)) for number in range(10)]
        error = deadly.exception(30)
        assert isinstance(error, pixmesh.JobFailed)
        assert error.code == "quarantined"
        assert [one.result(30).attempts for one in neighbours] == [1] * 10


def _agents() -> list[psutil.Process]:
    """Return the parents of the slots that this process's meshes have."""
    children = psutil.Process().children(recursive=True)
    slots = [one for one in children if "pixmesh.node.slots" in one.cmdline()]
    return [parent for slot in slots if (parent := slot.parent()) is not None]
