"""Every operation does what it declares: depths, channels, shapes, cuts; and changes no input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixmesh.ops.operation import Layout, Operation, Value
from pixmesh.ops.recipe import Step, parse
from pixmesh.ops.reference import Reference
from pixmesh.ops.registry import OWN
from pixmesh.tests.support.photos import Pixels, drawn

OTHER = drawn(6, 50, 70)
"""What an operation is given that takes a picture besides."""

DEPTHS = {"uint8": 8, "uint16": 16, "float32": 32}
SLOW = {"denoise"}
CROPS = {"autocrop"}
"""Operations whose output's shape no header foretells: what is foretold is the most it can be."""


def arguments(operation: Operation) -> dict[str, Value]:
    """Return what its example says, or its defaults."""
    step: Step = parse(operation.example or operation.name).steps[-1]
    return step.with_pictures(lambda _: Reference(bytes(32), 1, layout(OTHER)).canonical()).values


def given_of(operation: Operation, chosen: dict[str, Value]) -> dict[str, object]:
    """Return what its function is given of these arguments: pictures as their pixels."""
    return {**chosen, **{name: OTHER if chosen[name] else None for name in operation.pictures}}


def layout(pixels: Pixels) -> Layout:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return Layout(pixels.shape[1], pixels.shape[0], channels, pixels.dtype.itemsize)


def picture(operation: Operation, depth: str, channels: int) -> Pixels:
    size = (31, 23) if operation.name in SLOW else (63, 41)
    return drawn(5, *size, depth=DEPTHS[depth], channels=channels)


CLASSIC = {name: one for name, one in OWN.items() if not one.has_model}
"""Those without a model: `test_models` and `test_caption` have the others."""

CASES = [
    pytest.param(operation, depth, channels, id=f"{operation.name}-{depth}-{channels}")
    for operation in CLASSIC.values()
    for depth in operation.depths
    for channels in operation.channels
]


@pytest.mark.parametrize(("operation", "depth", "channels"), CASES)
def test_it_gives_what_it_foretells_at_every_depth_with_all_channels(
    operation: Operation, depth: str, channels: int
) -> None:
    pixels = picture(operation, depth, channels)
    before = pixels.copy()
    for chosen in (arguments(operation), {p.name: p.default for p in operation.parameters}):
        if operation.complaint(chosen):
            continue
        result = operation.run(pixels, **given_of(operation, chosen))
        assert (pixels == before).all()
        foretold = operation.layout(layout(pixels), chosen)
        if operation.name in CROPS:
            assert layout(result).nbytes <= foretold.nbytes
        else:
            assert layout(result) == foretold
        assert result.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("operation", CLASSIC.values(), ids=list(CLASSIC))
def test_its_example_is_a_recipe_that_ends_in_it(operation: Operation) -> None:
    assert parse(operation.example or operation.name).steps[-1].operation is operation
    assert operation.help
    assert operation.cost >= 0


CUT = [one for one in OWN.values() if one.cut.kind in {"pointwise", "neighbourhood"}]


@pytest.mark.parametrize("operation", CUT, ids=lambda one: one.name)
@settings(max_examples=6)
@given(data=st.data())
def test_what_it_gives_in_strips_is_what_it_gives_whole(
    operation: Operation, data: st.DataObject
) -> None:
    channels = data.draw(st.sampled_from(operation.channels))
    depth = data.draw(st.sampled_from(operation.depths))
    pixels = drawn(7, 37, 90, depth=DEPTHS[depth], channels=channels)
    chosen = arguments(operation)
    halo = operation.cut.halo(chosen)
    whole = operation.run(pixels, **chosen)
    start = data.draw(st.integers(0, 80))
    end = data.draw(st.integers(start + 1, 90))
    top, bottom = max(0, start - halo), min(90, end + halo)
    strip = operation.run(np.ascontiguousarray(pixels[top:bottom]), **chosen)
    assert (strip[start - top : end - top] == whole[start:end]).all()


def test_there_are_all_that_people_expect() -> None:
    expected = """
        grayscale invert brightness contrast gamma equalize clahe normalize sepia posterize
        threshold
        blur median bilateral sharpen unsharp denoise canny sobel laplacian lines contours
        erode dilate open close gradient tophat blackhat morphology
        resize thumbnail crop pad rotate flip autocrop watermark watershed sketch match
        convert strip info histogram faces cutout caption
    """
    assert set(expected.split()) <= set(OWN)
