"""A small BLIP of random weights, in files as upstream has its own.

The real weights take a gigabyte. What this one says means nothing; each step to it is real.
"""

from pathlib import Path
from typing import Final

import pytest

from pixmesh.ops.weights import BLIP

from .photos import require_data
from .plugin import put_on_path

SEPARATOR: Final = 102
"""BERT's [SEP]: the end of a sentence."""

NO_TORCH: Final = "no torch or transformers: uv sync --extra caption brings them"
SMALL: Final = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "projection_dim": 32,
}


def write(folder: Path) -> Path:
    """Write a small BLIP as upstream has its own: tokenizer, settings, and tensors in a pickle.

    Its weights are so large that what it says depends on what it sees, and it often ends early.
    """
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    blip = pytest.importorskip("transformers", reason=NO_TORCH)
    text = SMALL | {"num_attention_heads": 4, "initializer_range": 0.5}
    vision = text | {"image_size": 32, "patch_size": 8}
    config = blip.BlipConfig(text_config=text, vision_config=vision, initializer_range=0.5)
    torch.manual_seed(0)
    model = blip.BlipForConditionalGeneration(config)
    with torch.no_grad():
        model.text_decoder.cls.predictions.bias[SEPARATOR] += 11
    config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    vocabulary = require_data("models", "bert-vocab.txt")
    blip.BertTokenizer(vocab=str(vocabulary)).save_pretrained(folder)
    blip.BlipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def install(folder: Path, models: Path, patch: pytest.MonkeyPatch) -> None:
    """Have every process started from now on take the files in `models` for BLIP's own."""
    folder.mkdir()
    names = [one.name for one in BLIP.files if (models / one.name).exists()]
    (folder / "sitecustomize.py").write_text(_PINNED.format(models=str(models), names=names))
    put_on_path(folder, patch)


_PINNED: Final = """
import dataclasses, hashlib, pathlib, types
from pixmesh.ops import weights
def pinned(name):
    data = pathlib.Path({models!r}, name).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return weights.WeightsFile(name, len(data), digest, "http://127.0.0.1:9/" + name)
weights.BLIP = dataclasses.replace(weights.BLIP, files=tuple(map(pinned, {names!r})))
weights.WEIGHTS = types.MappingProxyType({{**weights.WEIGHTS, "blip": weights.BLIP}})
"""
