"""Weights of models: which there are, where they come from, and by what they are known.

The table alone: nothing is fetched or opened here. Whoever runs an operation hands it the folder
in which all files of its weights are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from .errors import PictureError


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file: its name, its size in bytes, its SHA-256 in hex, and where it can be had."""

    name: str
    size: int
    sha256: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weights of one model. ``source`` is who trained it, ``licence`` what its files are under.

    ``elsewhere`` are folders below a home in which other programs keep the same files. ``memory``
    is how many bytes the process has in which a node loads the model for all slots; 0 where so
    little is loaded that each slot does it by itself.
    """

    name: str
    help: str
    source: str
    licence: str
    files: tuple[WeightsFile, ...]
    elsewhere: tuple[str, ...] = ()
    memory: int = 0

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(one.size for one in self.files)

    @property
    def is_shared(self) -> bool:
        """Whether a node loads it once, in a process of its own."""
        return self.memory > 0


Find: TypeAlias = "Callable[[str], Path]"
"""Returns the folder of the weights of that name; PictureError where they are not here."""


def nowhere(name: str) -> Path:
    """Find no weights at all."""
    raise missing(name)


def missing(name: str) -> PictureError:
    """Return the error for weights that are not on this machine."""
    return PictureError(
        "no-weights",
        f"the weights of {name} are missing",
        remedy=f"'pixmesh models pull {name}' gets them there",
    )


_ZOO: Final = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models"
_REMBG: Final = "https://github.com/danielgatis/rembg/releases/download/v0.0.0"
_BLIP: Final = "Salesforce/blip-image-captioning-base"
_BLIP_REVISION: Final = "82a37760796d32b1411fe092ab5d4e227313294b"


def _of_blip(name: str, size: int, sha256: str) -> WeightsFile:
    url = f"https://huggingface.co/{_BLIP}/resolve/{_BLIP_REVISION}/{name}"
    return WeightsFile(name, size, sha256, url)


def _of_rembg(name: str, text: str, size: int, sha256: str, memory: int) -> Weights:
    file = f"{name}.onnx"
    return Weights(
        name=name,
        help=text,
        source="X. Qin et al., U^2-Net, 2020; rembg",
        licence="Apache-2.0",
        files=(WeightsFile(file, size, sha256, f"{_REMBG}/{file}"),),
        elsewhere=(f".rembg/models/{name}", ".u2net"),
        memory=memory,
    )


YUNET: Final = Weights(
    name="yunet",
    help="finds faces",
    source="W. Wu, H. Peng, S. Yu, YuNet, 2023; OpenCV Zoo",
    licence="MIT",
    files=(
        WeightsFile(
            "face_detection_yunet_2023mar.onnx",
            232_589,
            "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
            f"{_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx",
        ),
    ),
)
U2NET: Final = _of_rembg(
    "u2net",
    "tells what is in front from what is behind it",
    175_997_641,
    "8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
    1_200_000_000,
)
U2NETP: Final = _of_rembg(
    "u2netp",
    "the same, 40 times smaller and faster",
    4_574_861,
    "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
    750_000_000,
)
BLIP: Final = Weights(
    name="blip",
    help="says what is in a picture, in a sentence",
    source="J. Li et al., BLIP, 2022; Salesforce",
    licence="BSD-3-Clause",
    files=(
        _of_blip(
            "pytorch_model.bin",
            989_820_849,
            "d6638651a5526cc2ede56f2b5104d6851b0755816d220e5e046870430180c767",
        ),
        _of_blip(
            "config.json",
            4_563,
            "f7846f82f4e2c4a2ccbab9ae8b0e44873540a271a76a1288effd078180c13a82",
        ),
        _of_blip(
            "preprocessor_config.json",
            287,
            "065c10ec97edc5081fbd9655b3d9d25e2647ea6d5dab873325e88eed12d80a7d",
        ),
        _of_blip(
            "special_tokens_map.json",
            125,
            "b6d346be366a7d1d48332dbc9fdf3bf8960b5d879522b7799ddba59e76237ee3",
        ),
        _of_blip(
            "tokenizer.json",
            711_396,
            "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
        ),
        _of_blip(
            "tokenizer_config.json",
            506,
            "5c7f96096284c55e539eff95f4451c19efc34258ddb975a4400d052b77301e5e",
        ),
        _of_blip(
            "vocab.txt",
            231_508,
            "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        ),
    ),
    memory=2_200_000_000,
    elsewhere=(
        f".cache/huggingface/hub/models--{_BLIP.replace('/', '--')}/snapshots/{_BLIP_REVISION}",
    ),
)

WEIGHTS: Final[Mapping[str, Weights]] = MappingProxyType(
    {one.name: one for one in (YUNET, U2NET, U2NETP, BLIP)}
)
