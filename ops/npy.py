"""Arrays of Python users, as NumPy's own files: how they travel, and how they come back.

Nothing is unpickled. Source: NumPy's `numpy.lib.format`, versions 1 to 3.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .errors import PictureError
from .source import Buffer, Source, ends_early

if TYPE_CHECKING:
    from .picture import Pixels

_TYPES: Final = {"u1": "uint8", "u2": "uint16", "f4": "float32"}
_LONGEST_HEADER: Final = 4096


@dataclass(frozen=True, slots=True)
class Npy:
    """What the array's header says: a picture's shape, and where its values start."""

    width: int
    height: int
    channels: int
    dtype: str
    fortran: bool
    start: int

    @property
    def depth(self) -> int:
        """Bits per sample."""
        return {"uint8": 8, "uint16": 16, "float32": 32}[self.dtype]

    @property
    def nbytes(self) -> int:
        """How many bytes the values take."""
        return self.width * self.height * self.channels * self.depth // 8


def read(source: Source) -> Npy:
    """Return what the header says; PictureError where the array is not a picture.

    Pictures are HxW, HxWx1, HxWx2 (gray, alpha), HxWx3 (BGR) or HxWx4 (BGRA), of little-endian
    uint8, uint16 or float32.
    """
    head = source.exactly(0, 12, "its header")
    width = 2 if head[6] == 1 else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    if head[6] not in {1, 2, 3} or length > _LONGEST_HEADER:
        raise PictureError("corrupt", "the array's header is not NumPy's")
    facts = _facts(source.exactly(8 + width, length, "its header"))
    dtype = _TYPES.get(str(facts.get("descr")).lstrip("<|"))
    shape = facts.get("shape")
    if dtype is None:
        raise PictureError(
            "unsupported",
            f"an array of {facts.get('descr')!r} is not a picture",
            remedy="give uint8, uint16 or float32",
        )
    height, columns, channels = _shape(shape)
    fortran = bool(facts.get("fortran_order"))
    return Npy(columns, height, channels, dtype, fortran, 8 + width + length)


def _facts(text: bytes) -> dict[Any, Any]:
    try:
        facts = ast.literal_eval(text.decode("latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise PictureError("corrupt", "the array's header cannot be read") from error
    if not isinstance(facts, dict):
        raise PictureError("corrupt", "the array's header cannot be read")
    return facts


def _shape(shape: object) -> tuple[int, int, int]:
    if isinstance(shape, tuple) and len(shape) in {2, 3} and all(type(n) is int for n in shape):
        height, width, channels = (*shape, 1)[:3]
        if height > 0 and width > 0 and 1 <= channels <= 4:
            return height, width, channels
    raise PictureError(
        "unsupported",
        f"an array of shape {shape!r} is not a picture",
        remedy="give HxW, HxWx3 (BGR) or HxWx4 (BGRA)",
    )


def check(data: Buffer, found: Npy) -> None:
    """Raise PictureError("truncated") unless all values are there."""
    if found.start + found.nbytes > len(data):
        raise ends_early("its values", len(data))


def decode(data: Buffer, found: Npy) -> Pixels:
    """Return the array as a view of `data` where possible; HxWx1 becomes HxW."""
    import numpy as np

    count = found.width * found.height * found.channels
    dtype = np.dtype(found.dtype).newbyteorder("<")
    flat = np.frombuffer(data, dtype, count=count, offset=found.start)
    shape = (found.height, found.width, found.channels)[: 2 if found.channels == 1 else 3]
    ordered = flat.reshape(shape, order="F" if found.fortran else "C")
    return np.ascontiguousarray(ordered)


def encode(pixels: Pixels) -> bytes:
    """Return the pixels as an array file."""
    import io

    import numpy as np

    out = io.BytesIO()
    np.lib.format.write_array(out, np.ascontiguousarray(pixels), allow_pickle=False)
    return out.getvalue()
