"""What is in a picture, in a sentence: by BLIP, through transformers."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .errors import PictureError
from .operation import Cut, Operation, Parameter, Seen, Value
from .parameters import count
from .weights import BLIP

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from .picture import Pixels

LONGEST_PROMPT: Final = 100
"""Letters: with what is written after it, it fits into the 512 tokens that BLIP has places for."""

BATCH: Final = 8
"""How many pictures are looked at together at most: each needs memory of its own."""


@dataclass(frozen=True, slots=True)
class _Blip:
    """A model that was loaded: transformers' objects, and the device that the model is on."""

    model: Any
    tokenizer: Any
    images: Any
    device: str


def captions(
    pictures: Sequence[Pixels], *, weights: Path, prompt: str, length: int, beams: int
) -> list[str]:
    """Return a caption of each picture, of any sizes, depths and channels.

    They are looked at several together. It is what each gives alone, but where two words are so
    near in likelihood that the order of a sum decides.
    """
    blip = _blip(str(weights))
    said: list[str] = []
    for start in range(0, len(pictures), BATCH):
        seen = [shown(one) for one in pictures[start : start + BATCH]]
        tokens = _written(blip, seen, prompt, length, beams)
        said += blip.tokenizer.batch_decode(tokens, skip_special_tokens=True)
    return [one.strip() for one in said]


def shown(pixels: Pixels) -> Image.Image:
    """Return what BLIP is shown: 8-bit RGB, laid over white where it is transparent."""
    import cv2
    from PIL import Image

    from .picture import over_white, to_depth

    flat = over_white(to_depth(pixels, "uint8"))
    how = cv2.COLOR_GRAY2RGB if flat.ndim == 2 else cv2.COLOR_BGR2RGB
    return Image.fromarray(cv2.cvtColor(flat, how))


def _written(
    blip: _Blip, seen: Sequence[Image.Image], prompt: str, length: int, beams: int
) -> list[list[int]]:
    """Return the tokens of each picture's caption, the prompt's among them.

    Nothing is drawn by lot. All begin with the same prompt, so none is padded at its beginning.
    """
    import torch

    looks = [blip.images(one, return_tensors="pt").pixel_values for one in seen]
    words = blip.tokenizer([prompt] * len(seen), return_tensors="pt")
    with torch.inference_mode():
        tokens = blip.model.generate(
            pixel_values=torch.cat(looks).to(blip.device),
            input_ids=words.input_ids.to(blip.device),
            attention_mask=words.attention_mask.to(blip.device),
            do_sample=False,
            num_beams=beams,
            max_new_tokens=length,
        )
    told: list[list[int]] = tokens.tolist()
    return told


@functools.lru_cache(maxsize=1)
def _blip(weights: str) -> _Blip:
    """Load BLIP from the files in a folder, and from nowhere else.

    The pinned file of weights is a pickle: `weights_only` has torch read tensors from it and refuse
    all else. It is mapped where it can be, so that slots of a machine share it.
    """
    from zipfile import is_zipfile

    import cv2

    os.environ["HF_HUB_OFFLINE"] = "1"  # read when transformers is first imported
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(max(1, cv2.getNumThreads()))
    file = f"{weights}/pytorch_model.bin"
    tensors = torch.load(file, map_location="cpu", weights_only=True, mmap=is_zipfile(file))
    model, told = transformers.BlipForConditionalGeneration.from_pretrained(
        None,
        config=transformers.BlipConfig.from_json_file(f"{weights}/config.json"),
        state_dict=tensors,
        dtype=torch.float32,
        output_loading_info=True,
    )
    if told["missing_keys"]:
        raise PictureError(
            "operation-failed",
            f"transformers {transformers.__version__} looks for other weights than {file} has",
            remedy="install the version that pixmesh was locked with",
        )
    device = _device()
    return _Blip(
        model=model.eval().to(device),
        tokenizer=transformers.BertTokenizer.from_pretrained(weights, local_files_only=True),
        images=transformers.BlipImageProcessorPil.from_pretrained(weights, local_files_only=True),
        device=device,
    )


def _device() -> str:
    """Return the GPU's name where torch sees one, else the CPU's."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def caption(
    pixels: Pixels,
    *,
    weights: Path,  # noqa: ARG001  # what is said of it is `measured`
    prompt: str,  # noqa: ARG001
    length: int,  # noqa: ARG001
    beams: int,  # noqa: ARG001
) -> Pixels:
    """Return the picture as it is: what is said of it is data.

    Source: J. Li et al., "BLIP: Bootstrapping Language-Image Pre-training for Unified
    Vision-Language Understanding and Generation", 2022; transformers.
    """
    return pixels


def measured(
    seen: Seen, *, weights: Path, prompt: str, length: int, beams: int
) -> dict[str, object]:
    """Return what is in the picture, in English and small letters, the prompt at its beginning."""
    (told,) = measured_together([seen], weights=weights, prompt=prompt, length=length, beams=beams)
    return told


def measured_together(
    seen: Sequence[Seen], *, weights: Path, prompt: str, length: int, beams: int
) -> list[dict[str, object]]:
    """Return the same of several pictures, looked at together."""
    pictures = [one.pixels for one in seen]
    said = captions(pictures, weights=weights, prompt=prompt, length=length, beams=beams)
    return [{"caption": one} for one in said]


def _complaint(arguments: Mapping[str, Value]) -> str:
    prompt = str(arguments["prompt"])
    if len(prompt) <= LONGEST_PROMPT and prompt.isprintable():
        return ""
    return f"caption takes a prompt of one line and at most {LONGEST_PROMPT} letters"


CAPTION = Operation(
    name="caption",
    help="say what is in it, in a sentence; as data",
    run=caption,
    measure=measured,
    measure_many=measured_together,
    gives_data=lambda _arguments: True,
    parameters=(
        Parameter(name="prompt", kind="text", default="", help="how the sentence begins"),
        count("length", 30, 1, 100, "words and parts of words that it may have after the prompt"),
        count("beams", 3, 1, 10, "sentences that are tried side by side"),
    ),
    requires=("torch", "transformers"),
    extra="caption",
    weights=lambda _arguments: BLIP.name,
    models=(BLIP.name,),
    load=lambda _model, weights: _blip(str(weights)),
    cut=Cut("whole"),
    cost=0.6,  # 3 s whatever its size, for 5 megapixels
    memory=32,
    source="J. Li et al. 2022; transformers",
    example="caption prompt='a photo of'",
    complaint=_complaint,
)
