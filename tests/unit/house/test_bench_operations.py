"""Every operation is compared with its plain twin, which gives the same."""

import json

import cv2
import numpy as np
import pytest

from pixmesh.bench import operations, plain
from pixmesh.ops.recipe import Step, parse
from pixmesh.ops.registry import OWN
from pixmesh.tests.support.photos import Pixels, drawn, skimage_photos

SLOW = {"denoise", "watershed", "bilateral"}


def pictures(name: str) -> list[Pixels]:
    """Return a drawn one, one with a border, a photo; and one that is larger than what is cut."""
    framed = np.full((116, 158, 3), (7, 9, 80), np.uint8)
    framed[9:109, 5:155] = drawn(3, 150, 100)
    small = [drawn(1, 210, 140), framed, skimage_photos()["coffee"][:200, :300]]
    return small if name in SLOW else [*small, drawn(2, 1200, 800)]


def encoded(pixels: Pixels) -> bytes:
    return cv2.imencode(".jpg", pixels, plain.JPEG)[1].tobytes()


def step(twin: plain.Twin) -> Step:
    (one,) = parse(twin.recipe).steps
    return one


@pytest.mark.parametrize("name", OWN)
def test_an_operation_has_a_twin_or_a_reason(name: str) -> None:
    assert (name in operations.names()) != bool(operations.not_compared(OWN[name]))


@pytest.mark.parametrize("twin", plain.TWINS, ids=lambda one: one.recipe)
def test_a_twin_gives_what_the_operation_gives(twin: plain.Twin) -> None:
    assert step(twin).operation.name == twin.operation
    for pixels in pictures(twin.operation):
        data = encoded(pixels)
        ours, theirs = operations.ours(twin.recipe)(data), twin(data)
        if twin.tell is not None:
            assert json.loads(ours) == json.loads(theirs)
        elif not twin.within:
            assert ours == theirs
        else:
            assert_near(twin, data)


def assert_near(twin: plain.Twin, data: bytes) -> None:
    """What a twin rounds elsewhere is compared before it is encoded: JPEG would spread it."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    one = step(twin)
    pictures = {name: pixels if one.values[name] else None for name in one.operation.pictures}
    ours = one.operation.run(pixels, **one.values | pictures).astype(int)
    assert np.abs(ours - twin.change(pixels.copy())).max() <= twin.within


def test_what_is_not_the_same_work_is_not_compared() -> None:
    other = plain.Twin(recipe="invert", change=lambda pixels: pixels)
    with pytest.raises(RuntimeError, match="invert is not what its plain twin gives"):
        operations.compared(other, encoded(drawn(4, 40, 30)), rounds=1)


def test_a_round_has_both_sides() -> None:
    taken = operations.compared(plain.TWINS[0], encoded(drawn(5, 40, 30)), rounds=2)
    assert len(taken.ours) == len(taken.plain) == 2


@pytest.mark.parametrize(("ours", "ratio", "held"), [(2.0, 0.8, False), (1.6, 1.0, True)])
def test_who_takes_longer_has_the_lower_ratio(ours: float, ratio: float, held: bool) -> None:
    taken = operations.Taken(recipe="blur", ours=(ours, 9.0, 0.1), plain=(1.6, 1.0, 9.0))
    assert taken.ratio.median == pytest.approx(ratio)
    assert taken.held is held


@pytest.mark.parametrize("shape", [(30, 90), (90, 30), (40, 60)])
def test_the_photo_is_brought_to_its_size_and_not_distorted(shape: tuple[int, int]) -> None:
    found = operations.sized(np.zeros((*shape, 3), np.uint8), 0.06)
    assert found.shape == (200, 300, 3)


@pytest.mark.parametrize("words", [["--megapixels", "0"], ["--rounds", "0"], ["--only", "nothing"]])
def test_what_cannot_be_measured_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        operations.main(words)
    assert refused.value.code == 2
