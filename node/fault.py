"""An attempt's end that is no result."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from .spool import FULL


class Fault(Exception):
    """A stable code and a text for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[None]:
    """Leave no half of a file in the node's spool where writing it fails. Raises Fault."""
    try:
        yield
    except OSError as error:
        path.unlink(missing_ok=True)
        code = "disk-full" if error.errno in FULL else "spool"
        raise Fault(code, f"the node's spool: {error.strerror}") from None
