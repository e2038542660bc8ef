"""What the decoders' C code says on standard error, which it tells nobody else.

libjpeg returns a full picture with gray rows and only prints that data was missing; libtiff and
libpng print too. So the text is listened to while a picture is decoded, and what is not a
decoder's goes on to standard error. It is the process's own standard error that is turned aside:
processes that decode should do so in one thread at a time, as slots do.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_STDERR: Final = 2
_MOST: Final = 1 << 16

_MISSING: Final = re.compile(
    r"premature end|bad Huffman code|instead of RST|Premature end|Inconsistent progression"
    r"|TIFF_Error (?!.*byte count)|not enough data|truncated",
    re.IGNORECASE,
)
_DECODERS: Final = re.compile(
    r"^(Corrupt JPEG|Premature end|Invalid SOS|Warning: |Inconsistent|Unsupported JPEG|libpng"
    r"|\[ *(WARN|ERROR|INFO|DEBUG)[:@]|OpenCV TIFF|>|where$|$)",
)


@contextmanager
def overheard() -> Iterator[list[str]]:
    """Turn standard error aside meanwhile; the list holds its lines when the block ends."""
    lines: list[str] = []
    try:
        _flush()
        saved = os.dup(_STDERR)
    except OSError:
        yield lines
        return
    ear = _open_ear()
    try:
        os.dup2(ear, _STDERR)
        try:
            yield lines
        finally:
            os.dup2(saved, _STDERR)
            os.lseek(ear, 0, os.SEEK_SET)
            lines += os.read(ear, _MOST).decode("utf-8", "replace").splitlines()
    finally:
        os.close(saved)
        os.close(ear)
        _pass_on(lines)


def missing_pixels(lines: list[str]) -> str:
    """Return the complaint that means missing pixels, or ""."""
    return next((line for line in lines if _MISSING.search(line)), "")


def _open_ear() -> int:
    if sys.platform == "linux":
        return os.memfd_create("pixmesh-stderr")
    ear, path = tempfile.mkstemp(prefix="pixmesh-")
    os.unlink(path)  # noqa: PTH108 - the open file is all that is wanted
    return ear


def _pass_on(lines: list[str]) -> None:
    others = [line for line in lines if not _DECODERS.search(line)]
    if others:
        sys.stderr.write("\n".join([*others, ""]))


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
