"""Data that operations find: right, JSON, and asked for by recipes that end in it."""

import json
from typing import Any

import cv2
import numpy as np
import pytest

from pixmesh.ops.errors import PictureError, RecipeError
from pixmesh.ops.facts import counted, exif_facts
from pixmesh.ops.header import probe
from pixmesh.ops.process import DATA, Output, output_for, process
from pixmesh.ops.recipe import parse
from pixmesh.tests.support.photos import drawn, require_data, skimage_photos
from pixmesh.tests.unit.ops.files import by_opencv, exif

PLAIN = Output()


def found(recipe: str, data: bytes) -> dict[str, Any]:
    read = parse(recipe)
    product = process(data, read, output_for(read, PLAIN))
    assert product.format == DATA
    assert product.data.endswith(b"\n")
    told: dict[str, Any] = json.loads(product.data)
    return told


def test_info_tells_what_the_file_is() -> None:
    data = by_opencv(".png", drawn(41, 60, 40, depth=16, channels=4))
    told = found("info", data)
    assert (told["format"], told["width"], told["height"], told["depth"]) == ("png", 60, 40, 16)
    assert told["channels"] == ["blue", "green", "red", "alpha"]
    assert told["bytes"] == len(data)
    assert told["exif"] == {}


def test_info_tells_upright_sizes_and_exif_by_names() -> None:
    photo = (require_data("exif") / "Portrait_6.jpg").read_bytes()
    told = found("info", photo)
    assert told["height"] > told["width"]
    assert told["orientation"] == 6
    named = exif_facts(exif(1, make="Acme"))
    assert named["Make"] == "Acme"
    assert named["DateTimeOriginal"] == "2024:01:02 03:04:05"


def test_info_decodes_no_pixel_and_still_sees_that_a_file_is_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo = by_opencv(".jpg", drawn(43, 640, 480))
    header, recipe = probe(photo), parse("info")
    told = found("info", photo)
    assert recipe.memory(header) < parse("identity").memory(header) / 5
    assert recipe.cost() < parse("identity").cost() / 5
    monkeypatch.setattr("pixmesh.ops.process.decode", lambda *_, **__: pytest.fail("decoded"))
    assert found("info", photo) == told
    with pytest.raises(PictureError) as raised:
        found("info", photo[: len(photo) // 2])
    assert raised.value.code == "truncated"


@pytest.mark.parametrize("block", [b"", b"II*\0", b"nonsense", b"MM\0*\0\0\0\x08\xff\xff", None])
def test_exif_that_cannot_be_read_is_left_out(block: bytes | None) -> None:
    assert exif_facts(block) == {}


def test_a_histogram_counts_every_pixel_of_every_channel() -> None:
    pixels = drawn(42, 60, 40)
    told = found("histogram give=data", by_opencv(".png", pixels))
    assert told["pixels"] == 2400
    for number, name in enumerate(("blue", "green", "red")):
        expected = np.histogram(pixels[..., number], bins=256, range=(0, 256))[0]
        assert told[name] == expected.tolist()
    deep = np.array([[0, 65535, 257]], np.uint16)
    assert [i for i, one in enumerate(counted(deep)["gray"]) if one] == [0, 1, 255]


def test_things_outlines_and_lines_are_told_where_they_are() -> None:
    coins = by_opencv(".png", skimage_photos()["coins"])
    things: Any = found("watershed give=data", coins)["things"]
    assert 22 <= len(things) <= 26
    disc = np.zeros((100, 120), np.uint8)
    cv2.circle(disc, (70, 40), 20, 255, -1)
    outlines: Any = found("contours give=data", by_opencv(".png", disc))["contours"]
    assert len(outlines) == 1
    assert outlines[0]["box"] == [50, 20, 41, 41]
    assert abs(outlines[0]["area"] - np.pi * 20**2) < 60
    line = np.zeros((200, 200), np.uint8)
    line[100:, :] = 255
    told: Any = found("lines give=data threshold=80", by_opencv(".png", line))["lines"]
    assert all(abs(end["y1"] - 100) <= 1 and abs(end["y2"] - 100) <= 1 for end in told)
    assert told


def test_a_step_after_data_is_refused_and_so_is_a_format() -> None:
    with pytest.raises(RecipeError, match="info gives data, and no step can follow"):
        parse("info | blur")
    assert parse("grayscale | histogram give=data").gives_data
    assert not parse("histogram | blur").gives_data
    with pytest.raises(ValueError, match="written as json, not png"):
        output_for(parse("info"), Output(format="png"))
    with pytest.raises(ValueError, match="json is for data"):
        output_for(parse("blur"), Output(format=DATA))


def test_data_is_of_what_the_steps_before_made() -> None:
    data = by_opencv(".png", drawn(43, 60, 40))
    told = found("crop width=10 height=10 | histogram give=data", data)
    assert told["pixels"] == 100
