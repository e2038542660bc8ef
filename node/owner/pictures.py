"""What Python users hand in, as sources: paths, bytes, arrays, PIL images, URLs.

An array or an image travels as ``.npy``: nothing is lost and nothing is compressed.
"""

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .source import FileSource, MemorySource

if TYPE_CHECKING:
    from PIL.Image import Image

URL_PATIENCE = 30.0
MOST_URL_BYTES = 512 * 1024 * 1024

Picture = Any
"""A path, a file's bytes, an array (HxW or HxWxC, BGR as in OpenCV), a PIL image, a URL."""


@dataclass(frozen=True, slots=True)
class Named:
    """A source, and what to call its result."""

    name: str
    source: FileSource | MemorySource


def named(picture: Picture) -> Named:
    """Return a picture's source.

    Raises UsageError for what is no picture at all, OSError when it cannot be read.
    """
    if isinstance(picture, str) and picture.startswith(("http://", "https://")):
        return Named(picture.rsplit("/", 1)[-1] or "picture", MemorySource(_downloaded(picture)))
    if isinstance(picture, (str, os.PathLike)):
        path = Path(picture)
        return Named(path.name, FileSource.of(path))
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return Named("picture", MemorySource(bytes(picture)))
    if _is(picture, "numpy", "ndarray"):
        return Named("picture.npy", MemorySource(_npy(picture)))
    if _is(picture, "PIL.Image", "Image"):
        return Named("picture.npy", MemorySource(_npy(_pixels(picture))))
    raise UsageError(
        f"{type(picture).__name__} is no picture",
        remedy="give a path, bytes, a numpy array, a PIL image, or a URL",
    )


def _is(picture: object, module: str, name: str) -> bool:
    """Whether it is an instance of a class that only an imported module can have made."""
    found = sys.modules.get(module)
    return found is not None and isinstance(picture, getattr(found, name))


def _npy(array: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _pixels(image: "Image") -> Any:
    """Return a PIL image's pixels in OpenCV's order."""
    import numpy as np

    if image.mode in ("1", "P", "CMYK", "YCbCr", "LAB", "HSV", "PA", "La", "RGBa"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] >= 3:
        array = array[..., [2, 1, 0, *range(3, array.shape[2])]]
    return array


def _downloaded(url: str) -> bytes:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=URL_PATIENCE) as answer:  # noqa: S310 -- http(s)
            data = answer.read(MOST_URL_BYTES + 1)
    except urllib.error.URLError as error:
        raise OSError(f"{url} cannot be had: {error.reason}") from error
    if len(data) > MOST_URL_BYTES:
        raise OSError(f"{url} is over {MOST_URL_BYTES >> 20} MiB")
    return bytes(data)
