"""Folders that people name: paths, or URLs such as ``s3://bucket/drop``.

Owns how a URL is written as a path and back. The ledger, names and commits know paths only:
``s3://bucket/a.jpg`` is ``s3:/bucket/a.jpg`` to them.
"""

import os
import re
from pathlib import Path
from typing import Final

_BAD_PORT: Final = re.compile("^[^:]+:.*[^0-9]")
_URL: Final = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}([^/].*)", re.IGNORECASE | re.DOTALL)


def is_url(text: str) -> bool:
    """Tell whether a text names a place that is no path; ``C:/`` is a path."""
    return "://" in text and _URL.fullmatch(text) is not None


def with_password(url: str) -> str | None:
    """Return a URL that has a password in it as it can be shown, without; None if it has none.

    What is meant as one counts, though ``/``, ``?`` and ``#`` in it end what URLs have as such.
    """
    scheme, _, rest = url.partition("://")
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    user, _, _ = host.rpartition("@")
    if ":" not in user and not (not user and "@" in rest and _BAD_PORT.search(host)):
        return None
    name, _, after = rest.partition(":")
    return f"{scheme}://{name}@{after.rpartition('@')[2]}"


def as_path(url: str) -> Path:
    """Write a URL as a path."""
    return Path(url.replace("://", ":/", 1).rstrip("/"))


def as_url(path: Path) -> str:
    """Return the URL that was written as this path."""
    found = _URL.fullmatch(path.as_posix())
    if found is None:
        raise ValueError(f"{path} is no URL")
    return f"{found[1]}://{found[2]}"


def is_remote(path: Path) -> bool:
    """Tell whether a path is a URL's."""
    return not path.is_absolute() and _URL.fullmatch(path.as_posix()) is not None


def shown(path: Path) -> str:
    """Return a path or URL as people write it."""
    return as_url(path) if is_remote(path) else os.fspath(path)
