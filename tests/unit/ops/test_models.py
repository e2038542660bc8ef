"""What models find: faces and what is in front, on real photographs with the real weights."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.node.weights import WeightsCache
from pixmesh.ops import caption, cutout, faces
from pixmesh.ops.errors import PictureError
from pixmesh.ops.operation import Layout, Operation
from pixmesh.ops.picture import to_depth
from pixmesh.ops.process import Output, Product, output_for, process
from pixmesh.ops.recipe import parse
from pixmesh.ops.supplies import Supplies
from pixmesh.ops.weights import U2NETP, YUNET
from pixmesh.tests.support.photos import Pixels, skimage_photos

SILENCING = {"ORT_DISABLE_TELEMETRY", "CI"}
DEPTHS = ("uint8", "uint16", "float32")
LANDMARKS = {"right_eye": (200, 102), "left_eye": (247, 103), "nose": (220, 125)}
"""Of astronaut.png, as seen by a person."""

FIGURE = """
    97,52 108,22 140,8 178,22 187,48 180,70 172,86 188,118 190,148 212,170 228,200 236,222
    268,213 303,234 318,268 319,319 16,319 12,280 13,240 20,205 34,170 58,150 79,128 80,106
    100,94 112,84 100,70
"""
"""The outline of astronaut.png's figure and helmet, drawn by hand on 320x320 pixels."""


def made(recipe: str, pixels: Pixels, weights: WeightsCache) -> Product:
    read = parse(recipe)
    encoded = cv2.imencode(".png", pixels)[1].tobytes()
    return process(encoded, read, output_for(read, Output()), Supplies(weights=weights.find))


def told(recipe: str, pixels: Pixels, weights: WeightsCache) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = json.loads(made(recipe, pixels, weights).data)["faces"]
    return found


def shaped(pixels: Pixels, depth: str, channels: int) -> Pixels:
    """Return a colour picture with another depth and other channels, alpha opaque."""
    deep = to_depth(pixels, depth)  # type: ignore[arg-type]
    colour = deep if channels >= 3 else cv2.cvtColor(deep, cv2.COLOR_BGR2GRAY)
    opaque = np.full(deep.shape[:2], 1 if depth == "float32" else np.iinfo(depth).max, depth)
    return np.dstack([colour, opaque]) if channels in {2, 4} else colour


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    return skimage_photos()["astronaut"]


# ---- faces ------------------------------------------------------------------------------


def test_the_one_face_is_found_and_none_where_there_is_none(
    astronaut: Pixels, weights: WeightsCache
) -> None:
    (face,) = told("faces give=data", astronaut, weights)
    assert isinstance(face["landmarks"], dict)
    for name, place in LANDMARKS.items():
        assert np.hypot(*np.subtract(face["landmarks"][name], place)) < 4, name
    assert told("faces give=data", skimage_photos()["coffee"], weights) == []


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_faces_are_found_at_every_depth_with_all_channels(
    astronaut: Pixels, weights: WeightsCache, depth: str, channels: int
) -> None:
    pixels = shaped(astronaut, depth, channels)
    before = pixels.copy()
    found = faces.found(pixels, weights=weights.find(YUNET.name), score=0.8, side=1024)
    (box,) = (face.box for face in found)
    assert np.abs(np.subtract(box, (178, 63, 90, 113))).max() <= 6
    assert (pixels == before).all()


def test_a_large_picture_is_looked_at_small_and_its_face_is_where_it_is(
    astronaut: Pixels, weights: WeightsCache
) -> None:
    large = cv2.resize(astronaut, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    (face,) = faces.found(large, weights=weights.find(YUNET.name), score=0.8, side=1024)
    assert np.abs(np.subtract(face.box, (890, 315, 450, 565))).max() <= 40


def test_a_face_is_blurred_and_nothing_else_is(astronaut: Pixels, weights: WeightsCache) -> None:
    seen = cv2.imdecode(
        np.frombuffer(made("faces draw=blur", astronaut, weights).data, np.uint8), cv2.IMREAD_COLOR
    )
    assert seen is not None
    changed = (np.asarray(seen) != astronaut).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 40
    assert rows.max() <= 200
    assert columns.min() >= 155
    assert columns.max() <= 290
    again = cv2.imencode(".png", seen)[1].tobytes()
    read = parse("faces give=data")
    found = process(again, read, output_for(read, Output()), Supplies(weights=weights.find))
    assert json.loads(found.data) == {"faces": []}


def test_a_picture_is_cut_to_its_faces_and_stays_where_there_is_none(
    astronaut: Pixels, weights: WeightsCache
) -> None:
    cropped = made("faces draw=crop", astronaut, weights)
    assert (cropped.width, cropped.height) == (124, 147)
    coffee = skimage_photos()["coffee"]
    whole = made("faces draw=crop", coffee, weights)
    assert (whole.height, whole.width) == coffee.shape[:2]


# ---- cut-outs ---------------------------------------------------------------------------


def by_hand(size: int) -> Pixels:
    points = [[int(x) for x in pair.split(",")] for pair in FIGURE.split()]
    outline = np.rint(np.array(points) * (size / 320)).astype(np.int32)
    return cv2.fillPoly(np.zeros((size, size), np.uint8), [outline], (1,)) > 0


def test_what_is_in_front_is_what_a_person_says(astronaut: Pixels, weights: WeightsCache) -> None:
    mask = cutout.mask_of(astronaut, U2NETP.name, weights.find(U2NETP.name))
    front, figure = mask > 127, by_hand(512)
    assert (front & figure).sum() / (front | figure).sum() >= 0.85


def test_the_mask_is_what_rembg_itself_gives(
    astronaut: Pixels, weights: WeightsCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = cutout.mask_of(astronaut, U2NETP.name, weights.find(U2NETP.name))
    monkeypatch.setenv("U2NET_HOME", str(weights.find(U2NETP.name)))
    rembg = pytest.importorskip("rembg")
    session = rembg.new_session(U2NETP.name)
    encoded = cv2.imencode(".png", astronaut)[1].tobytes()
    theirs = rembg.remove(encoded, session=session, only_mask=True)
    mask = cv2.imdecode(np.frombuffer(theirs, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert mask is not None
    assert np.abs(ours.astype(int) - np.asarray(mask, int)).max() <= 1


def test_nothing_tells_its_makers_of_it(tmp_path: Path, weights: WeightsCache) -> None:
    """onnxruntime keeps what it will send below the home."""
    lines = (
        "import numpy as np, pathlib",
        "from pixmesh.ops.cutout import mask_of",
        f"place = pathlib.Path({str(weights.find(U2NETP.name))!r})",
        "mask_of(np.zeros((20, 20, 3), np.uint8), 'u2netp', place)",
    )
    told = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": ""}
    environ = {name: value for name, value in os.environ.items() if name not in SILENCING}
    command = [sys.executable, "-P", "-c", "\n".join(lines)]
    subprocess.run(command, check=True, env=environ | told, timeout=60)
    assert [path.name for path in tmp_path.rglob("*onnxruntime*")] == []


@pytest.mark.parametrize("give", ["alpha", "mask", "colour"])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_it_gives_what_it_foretells_at_every_depth_with_all_channels(
    astronaut: Pixels, monkeypatch: pytest.MonkeyPatch, channels: int, depth: str, give: str
) -> None:
    pixels = shaped(cv2.resize(astronaut, (96, 96)), depth, channels)
    before = pixels.copy()
    mask = np.linspace(0, 255, 96 * 96).astype(np.uint8).reshape(96, 96)
    monkeypatch.setattr(cutout, "mask_of", lambda *_: mask)
    values = parse(f"cutout model=u2netp give={give} colour=orange").steps[0].values
    result = cutout.cutout(pixels, weights=Path(), **values)  # type: ignore[arg-type]
    assert (pixels == before).all()
    assert layout(result) == cutout.CUTOUT.layout(layout(pixels), values)
    assert result.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize(("depth", "channels"), [("uint16", 3), ("float32", 4), ("uint8", 2)])
def test_a_mask_is_that_of_the_same_picture_in_8_bits(
    astronaut: Pixels, weights: WeightsCache, depth: str, channels: int
) -> None:
    folder = weights.find(U2NETP.name)
    plain = shaped(astronaut, "uint8", 3 if channels >= 3 else 1)
    expected = cutout.mask_of(plain, U2NETP.name, folder)
    found = cutout.mask_of(shaped(astronaut, depth, channels), U2NETP.name, folder)
    assert np.abs(found.astype(int) - expected).max() <= 2


def layout(pixels: Pixels) -> Layout:
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return Layout(pixels.shape[1], pixels.shape[0], channels, pixels.dtype.itemsize)


def test_it_keeps_the_pixels_and_takes_away_what_is_behind(
    astronaut: Pixels, weights: WeightsCache
) -> None:
    folder = weights.find(U2NETP.name)
    mask = cutout.mask_of(astronaut, U2NETP.name, folder)
    clear = cutout.cutout(astronaut, weights=folder, model="u2netp", give="alpha", colour="white")
    assert (clear[..., :3] == astronaut).all()
    assert (clear[..., 3] == mask).all()
    half = np.dstack([astronaut, np.full(mask.shape, 100, np.uint8)])
    both = cutout.cutout(half, weights=folder, model="u2netp", give="alpha", colour="white")
    assert (both[..., 3] == np.minimum(mask, 100)).all()
    share = mask[..., None] / 255
    expected = astronaut * share + np.array([0, 165, 255]) * (1 - share)
    shown = cutout.cutout(astronaut, weights=folder, model="u2netp", give="colour", colour="orange")
    assert np.abs(shown - expected).max() <= 0.51


def test_of_a_jpeg_it_is_a_png_unless_another_is_asked_for(
    astronaut: Pixels, weights: WeightsCache
) -> None:
    jpeg = cv2.imencode(".jpg", astronaut)[1].tobytes()
    for words, asked, form in (
        ("give=alpha", "same", "png"),
        ("give=mask", "same", "jpeg"),
        ("give=alpha", "webp", "webp"),
    ):
        recipe = parse(f"cutout model=u2netp {words}")
        output = output_for(recipe, Output(format=asked))
        assert process(jpeg, recipe, output, Supplies(weights=weights.find)).format == form


# ---- what is missing --------------------------------------------------------------------


MODELS = (faces.FACES, cutout.CUTOUT, caption.CAPTION)


@pytest.mark.parametrize("operation", MODELS, ids=lambda one: one.name)
def test_without_its_weights_it_says_how_to_get_them(
    operation: Operation, astronaut: Pixels
) -> None:
    recipe = parse(operation.name)
    encoded = cv2.imencode(".png", astronaut)[1].tobytes()
    with pytest.raises(PictureError) as refused:
        process(encoded, recipe, output_for(recipe, Output()))
    (name,) = recipe.weights()
    assert refused.value.code == "no-weights"
    assert f"pixmesh models pull {name}" in str(refused.value)
