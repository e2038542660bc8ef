"""What is in front of a picture, cut out of what is behind it: by rembg."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from .layouts import one_channel
from .operation import Cut, Layout, Operation, Value
from .paint import colour
from .parameters import choice
from .weights import U2NET, U2NETP

if TYPE_CHECKING:
    from pathlib import Path

    from .picture import Pixels

MODELS: Final = (U2NET.name, U2NETP.name)


def mask_of(pixels: Pixels, model: str, weights: Path) -> Pixels:
    """Return how far each pixel is in front: HxW uint8, 255 for surely."""
    import cv2
    import numpy as np
    from PIL import Image

    from .segment import eight_bit_bgr

    seen = Image.fromarray(cv2.cvtColor(eight_bit_bgr(pixels), cv2.COLOR_BGR2RGB))
    (mask,) = _session(model, str(weights)).predict(seen)
    return np.array(mask, dtype=np.uint8)


@functools.lru_cache(maxsize=1)
def _session(model: str, weights: str) -> Any:
    """Return rembg's session of a model, whose file is this one and none that it would fetch."""
    import cv2

    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else it tells its makers of every model
    import onnxruntime

    with _uncompiled():
        from rembg.sessions import sessions_class

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, cv2.getNumThreads())
    options.inter_op_num_threads = 1
    theirs: Any = next(one for one in sessions_class if one.name() == model)

    class Session(theirs):  # type: ignore[misc]
        @classmethod
        def download_models(cls, *_arguments: object, **_more: object) -> str:
            return f"{weights}/{model}.onnx"

    return Session(model, options, providers=["CPUExecutionProvider"])


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Leave what numba would compile as it is: rembg's matting, unused here, takes 40 s."""
    import numba

    before, numba.config.DISABLE_JIT = numba.config.DISABLE_JIT, True
    try:
        yield
    finally:
        numba.config.DISABLE_JIT = before


def cutout(pixels: Pixels, *, weights: Path, model: str, give: str, colour: str) -> Pixels:
    """Return what is in front: with the rest transparent, over a colour, or as a mask.

    Any channels and depth. `alpha` keeps the picture's values and depth and makes what is behind
    transparent, besides what was so before; `colour` leaves alpha out; `mask` gives HxW uint8.
    Source: X. Qin et al., "U^2-Net: Going Deeper with Nested U-Structure for Salient Object
    Detection", 2020; rembg.
    """
    mask = mask_of(pixels, model, weights)
    if give == "mask":
        return mask
    if give == "colour":
        return _over(pixels, mask, colour)
    return _with_alpha(pixels, mask)


def _with_alpha(pixels: Pixels, mask: Pixels) -> Pixels:
    import numpy as np

    from .picture import depth_of, has_alpha, to_depth, without_alpha

    alpha = to_depth(mask, depth_of(pixels))
    if has_alpha(pixels):
        alpha = np.minimum(alpha, pixels[..., -1])
    return np.dstack([without_alpha(pixels), alpha])


def _over(pixels: Pixels, mask: Pixels, colour: str) -> Pixels:
    import numpy as np

    from .paint import value_of
    from .picture import has_alpha, to_depth, without_alpha

    front = without_alpha(pixels)
    share = mask.astype(np.float32) / 255
    if has_alpha(pixels):
        share = share * to_depth(pixels[..., -1], "float32")
    if front.ndim == 3:
        share = share[..., None]
    behind = np.asarray(value_of(colour, front), np.float32)
    mixed = front.astype(np.float32) * share + behind * (1 - share)
    return (
        mixed.astype(front.dtype)
        if front.dtype == np.float32
        else np.rint(mixed).astype(front.dtype)
    )


def _cut_out(layout: Layout, arguments: Mapping[str, Value]) -> Layout:
    if arguments["give"] == "mask":
        return one_channel(layout, arguments)
    bare = layout.channels - 1 if layout.channels in {2, 4} else layout.channels
    return replace(layout, channels=bare + (arguments["give"] == "alpha"))


def _as_png(arguments: Mapping[str, Value]) -> Mapping[str, object]:
    """Have what is transparent written where it can be: JPEG has no alpha."""
    return {"format": "png"} if arguments["give"] == "alpha" else {}


CUTOUT = Operation(
    name="cutout",
    help="cut what is in front out of its background",
    run=cutout,
    parameters=(
        choice("model", U2NET.name, MODELS, "the better, or the 40 times smaller"),
        choice("give", "alpha", ("alpha", "mask", "colour"), "transparent, mask, or on a colour"),
        colour("white"),
    ),
    requires=("rembg", "onnxruntime"),
    extra="cutout",
    weights=lambda arguments: str(arguments["model"]),
    models=MODELS,
    load=lambda model, weights: _session(model, str(weights)),
    writes=_as_png,
    cut=Cut("whole"),
    cost=0.8,
    memory=32,
    source="X. Qin et al. 2020; rembg",
    example="cutout model=u2netp",
    layout=_cut_out,
)
