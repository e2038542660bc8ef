"""Captions: what transformers itself says, from a small BLIP of random weights in real files.

The real weights take a gigabyte, so sentences mean nothing here; each step to them is real.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pixmesh.node.cell import Cell
from pixmesh.node.model_process import Lender
from pixmesh.node.slot_messages import ModelTask
from pixmesh.node.spool import seen_path
from pixmesh.ops import caption, npy, operation, registry
from pixmesh.ops.errors import PictureError, RecipeError
from pixmesh.ops.picture import to_depth
from pixmesh.ops.process import DATA, Output, output_for, process
from pixmesh.ops.recipe import parse
from pixmesh.ops.supplies import Supplies
from pixmesh.ops.weights import BLIP
from pixmesh.tests.support.blip import NO_TORCH, write
from pixmesh.tests.support.photos import Pixels, drawn, require_data, skimage_files
from pixmesh.tests.unit.tui.command import pixmesh

PHOTOS = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "coffee", "grass"),
    *("hubble_deep_field", "motorcycle_left", "text"),
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield write(tmp_path_factory.mktemp("blip"))
    caption._blip.cache_clear()


@pytest.fixture(scope="module")
def photos() -> dict[str, Path]:
    return {path.stem: path for path in skimage_files() if path.stem in PHOTOS}


def read(path: Path) -> Pixels:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels


def theirs(weights: Path, photo: Path, prompt: str, length: int, beams: int) -> list[int]:
    """Return the tokens that transformers gives, as its own documentation has it called."""
    blip = pytest.importorskip("transformers", reason=NO_TORCH)
    model = blip.BlipForConditionalGeneration.from_pretrained(weights, use_safetensors=False)
    processor = blip.BlipProcessor(
        blip.BlipImageProcessorPil.from_pretrained(weights),
        blip.BertTokenizer.from_pretrained(weights),
    )
    with Image.open(photo) as picture:
        words = (prompt,) if prompt else ()
        inputs = processor(picture.convert("RGB"), *words, return_tensors="pt")
    tokens = model.generate(**inputs, num_beams=beams, max_new_tokens=length, do_sample=False)
    (told,) = tokens.tolist()
    return list(told)


def ours(weights: Path, photo: Path, prompt: str, length: int, beams: int) -> list[int]:
    seen = [caption.shown(read(photo))]
    (told,) = caption._written(caption._blip(str(weights)), seen, prompt, length, beams)
    return told


def said(pictures: list[Pixels], weights: Path, **more: Any) -> list[str]:
    given: dict[str, Any] = {"prompt": "", "length": 12, "beams": 3} | more
    return caption.captions(pictures, weights=weights, **given)


@pytest.mark.parametrize("prompt", ["", "a photo of", "Zwei Hunde, 2 cats & an élan:"])
@pytest.mark.parametrize(("length", "beams"), [(1, 1), (5, 3), (12, 1), (40, 3)])
def test_token_for_token_it_is_what_transformers_gives(
    weights: Path, photos: dict[str, Path], prompt: str, length: int, beams: int
) -> None:
    for photo in list(photos.values())[:3]:
        tokens = ours(weights, photo, prompt, length, beams)
        assert tokens == theirs(weights, photo, prompt, length, beams)
        assert len(tokens) > 1


def test_what_is_said_depends_on_what_is_seen_and_ends_early_or_at_its_length(
    weights: Path, photos: dict[str, Path]
) -> None:
    tokens = [ours(weights, photo, "", 12, 1) for photo in photos.values()]
    assert len({tuple(one) for one in tokens}) == len(PHOTOS)
    assert {len(one) == 13 for one in tokens} == {True, False}
    assert len({token for one in tokens for token in one}) > 2 * len(PHOTOS)


@pytest.mark.parametrize("prompt", ["", "a photo of"])
@pytest.mark.parametrize("beams", [1, 3])
def test_many_together_are_said_what_each_is_alone(
    weights: Path, photos: dict[str, Path], prompt: str, beams: int
) -> None:
    pictures = [read(photo) for photo in photos.values()]
    assert len(pictures) > caption.BATCH
    together = said(pictures, weights, prompt=prompt, beams=beams)
    assert together == [said([one], weights, prompt=prompt, beams=beams)[0] for one in pictures]
    assert all(one.startswith(prompt) and len(one) > len(prompt) for one in together)
    assert said([], weights) == []


def test_what_slots_ask_at_once_is_said_together_and_the_same(
    weights: Path, photos: dict[str, Path], tmp_path: Path
) -> None:
    """As in the process in which a node loads the model."""
    registry.loader(BLIP.name)(BLIP.name, weights)
    step = parse("caption length=12").steps[0].canonical()
    tasks = [ModelTask(number + 1, BLIP.name, step) for number in range(len(photos))]
    pictures = [read(photo) for photo in photos.values()]
    for task, pixels in zip(tasks, pictures, strict=True):
        seen_path(tmp_path, task.attempt).write_bytes(npy.encode(pixels))
    cell = Cell(tmp_path / "cell")
    lender = Lender(tmp_path, cell, Supplies(weights=lambda _name: weights))
    ends = list(lender.ends(tasks))
    cell.close()
    assert [end.attempt for end in ends] == [task.attempt for task in tasks]
    assert [json.loads(end.data)["caption"] for end in ends] == said(pictures, weights)


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_depth_with_all_channels_is_shown_as_8_bit_rgb_over_white(
    depth: str, channels: int
) -> None:
    bits = {"uint8": 8, "uint16": 16, "float32": 32}[depth]
    pixels = drawn(3, 60, 40, depth=bits, channels=channels)
    before = pixels.copy()
    seen = np.asarray(caption.shown(pixels))
    peak = 1 if depth == "float32" else np.iinfo(pixels.dtype).max
    shares = pixels.reshape(40, 60, -1).astype(float) / peak
    alpha = shares[..., -1:] if channels in {2, 4} else 1
    colours = shares[..., :3][..., ::-1] if channels >= 3 else shares[..., :1]
    assert seen.shape == (40, 60, 3)
    assert seen.dtype == np.uint8
    roundings = 3 if channels in {2, 4} else 1
    assert np.abs(seen - 255 * (colours * alpha + 1 - alpha)).max() <= 0.5 * roundings + 0.01
    assert (pixels == before).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_something_is_said_at_every_depth_with_all_channels(weights: Path, channels: int) -> None:
    pictures = [drawn(3, 60, 40, depth=bits, channels=channels) for bits in (8, 16, 32)]
    assert all(said(pictures, weights))


def test_the_same_picture_is_said_the_same_at_every_depth(
    weights: Path, photos: dict[str, Path]
) -> None:
    pixels = read(photos["coffee"])
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    deeper = [to_depth(one, depth) for one in (pixels, opaque) for depth in ("uint16", "float32")]
    assert set(said([pixels, opaque, *deeper], weights)) == set(said([pixels], weights))


def test_of_a_file_it_is_data(weights: Path, photos: dict[str, Path]) -> None:
    recipe = parse("caption prompt='a photo of' length=7 beams=1")
    content = photos["coffee"].read_bytes()
    supplies = Supplies(weights=lambda _name: weights)
    product = process(content, recipe, output_for(recipe, Output()), supplies)
    assert product.format == DATA
    (alone,) = said([read(photos["coffee"])], weights, prompt="a photo of", length=7, beams=1)
    assert json.loads(product.data) == {"caption": alone}


def test_the_model_is_loaded_once(weights: Path) -> None:
    assert caption._blip(str(weights)) is caption._blip(str(weights))


def test_it_asks_nobody_on_the_network(weights: Path) -> None:
    """In a process of its own: what is asked, is asked when transformers is first imported."""
    lines = (
        "import numpy as np, os, pathlib, socket, sys",
        "def refuse(*_arguments, **_more): raise SystemExit('it asks the network')",
        "socket.socket.connect = socket.getaddrinfo = refuse",
        "from pixmesh.ops.caption import captions",
        f"place = pathlib.Path({str(weights)!r})",
        "picture = np.zeros((20, 20, 3), np.uint8)",
        "print(captions([picture], weights=place, prompt='', length=3, beams=1))",
        "from huggingface_hub import constants",
        "assert constants.HF_HUB_OFFLINE and constants.HF_HUB_DISABLE_TELEMETRY",
    )
    command = [sys.executable, "-P", "-c", "\n".join(lines)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


# ---- weights that are not what they should be -------------------------------------------


class Program:
    """What runs a program when it is unpickled."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.made,)


@pytest.fixture
def copied(weights: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "copied"
    folder.mkdir()
    for path in weights.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    yield folder
    caption._blip.cache_clear()


def test_a_pickle_that_would_run_something_is_refused(copied: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    made = tmp_path / "made"
    torch.save({"weight": Program(made)}, copied / "pytorch_model.bin")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        said([drawn(4, 30, 20)], copied)
    assert not made.exists()


def test_tensors_in_a_file_that_was_not_pinned_are_not_read(
    weights: Path, copied: Path, photos: dict[str, Path]
) -> None:
    (copied / "model.safetensors").write_bytes(b"others")
    pixels = read(photos["coffee"])
    assert said([pixels], copied) == said([pixels], weights)


def test_weights_that_do_not_fit_are_refused(copied: Path) -> None:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    tensors = torch.load(copied / "pytorch_model.bin", weights_only=True)
    del tensors["vision_model.post_layernorm.weight"]
    torch.save(tensors, copied / "pytorch_model.bin")
    with pytest.raises(PictureError, match="looks for other weights"):
        said([drawn(4, 30, 20)], copied)


# ---- without packages, and what it is asked ---------------------------------------------


def test_its_declaration_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; import pixmesh.ops.caption; from pixmesh.ops import recipe;"
        "recipe.parse('caption').canonical();"
        "print([name for name in ('torch', 'transformers', 'cv2') if name in sys.modules])"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_packages_that_are_missing_are_said_with_the_extra_that_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "find_spec", lambda _name: None)
    assert caption.CAPTION.missing() == ("torch", "transformers")
    assert parse("grayscale | caption").extras() == ("caption",)
    told = pixmesh("ops", "caption", folder=tmp_path)
    assert told.code == 0
    assert "caption prompt='a photo of'" in told.out


def test_its_weights_are_blips_of_one_revision() -> None:
    assert parse("caption").weights() == (BLIP.name,)
    (place,) = BLIP.elsewhere
    revision = Path(place).name
    assert all(f"/resolve/{revision}/{one.name}" in one.url for one in BLIP.files)
    assert BLIP.size == 990_769_234
    require = {one.name: one for one in BLIP.files}["vocab.txt"]
    assert require_data("models", "bert-vocab.txt").stat().st_size == require.size


@pytest.mark.parametrize("prompt", ["two\nlines", "x" * 101, "a\tb"])
def test_a_prompt_is_one_short_line(prompt: str) -> None:
    with pytest.raises(RecipeError, match="one line and at most 100 letters"):
        parse(f"caption prompt='{prompt}'")


@pytest.mark.parametrize("prompt", ["", "a photo of", 'it\'s "so"', "x" * 100, "ein Tier, grün"])
def test_a_prompt_is_read_back_from_its_recipe(prompt: str) -> None:
    quoted = prompt.replace('"', '\\"')
    read_once = parse(f'caption prompt="{quoted}"')
    assert read_once.steps[0].values["prompt"] == prompt
    assert parse(read_once.canonical()) == read_once
