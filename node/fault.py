"""An attempt's end that is no result."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import cv2

from ..broker.names import host_name
from ..ops.errors import PictureError, RecipeError
from .spool import blamed

LONGEST_REASON = 1000


class Fault(Exception):
    """A stable code and a text for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason[:LONGEST_REASON]


def fault_of(error: Exception) -> Fault:
    """Return what an error means for the task that it came out of."""
    code, reason = "failed", f"{type(error).__name__}: {error}"
    match error:
        case Fault():
            code, reason = error.code, error.reason
        case PictureError(code="no-weights" | "no-reference"):
            code, reason = error.code, f"on {host_name()} {error}"
        case PictureError():
            code, reason = error.code, str(error)
        case RecipeError():
            code, reason = "recipe", str(error)
        case MemoryError():
            code, reason = "memory", "not enough memory for this picture on this node"
        case cv2.error():
            code = "memory" if error.code == cv2.Error.StsNoMem else "failed"
            reason = f"OpenCV: {error.err}"
    return Fault(code, reason)


@contextlib.contextmanager
def from_spool() -> Iterator[None]:
    """Have a file in the node's spool that cannot be read be the node's fault. Raises Fault."""
    try:
        yield
    except OSError as error:
        raise Fault(*blamed(error)) from None


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[None]:
    """Leave no half of a file in the node's spool where writing it fails. Raises Fault."""
    try:
        yield
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Fault(*blamed(error)) from None
