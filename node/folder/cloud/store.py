"""A place that fsspec reaches: opened, tried again where that helps, and its errors in words.

Owns fsspec. Credentials are where fsspec's own users keep them; they are never in URLs, and
never in what is said: whatever an error says, what looks like one of them is left out.
"""

import contextlib
import errno
import logging
import os
import random
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from ...errors import UsageError
from ..places import as_path, as_url
from .patience import is_passing, waits

T = TypeVar("T")

EXTRAS: Final = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "gcs": "gs",
    "az": "az",
    "abfs": "az",
    "abfss": "az",
    "sftp": "sftp",
    "ssh": "sftp",
    "smb": "smb",
}
OBJECTS: Final = frozenset({"s3", "gs", "az"})
_TALKATIVE: Final = (
    *("aiobotocore", "azure", "boto3", "botocore", "fsspec", "gcsfs", "google", "paramiko"),
    *("s3fs", "smbprotocol", "urllib3"),
)
"""Loggers that, asked for all, say with which credentials they ask."""

_SECRET_NAME: Final = re.compile("SECRET|TOKEN|PASSWORD|PASSWD|KEY|CREDENTIAL", re.IGNORECASE)
_SHORTEST_SECRET: Final = 6


class Store:
    """One URL's file system; ``root`` is the URL as a path. Any thread."""

    def __init__(self, url: str) -> None:
        """Raises UsageError where it cannot be opened as it is written."""
        scheme = url.partition("://")[0].lower()
        if scheme not in EXTRAS:
            raise UsageError(
                f"{url}: there is no kind of place called {scheme!r}",
                remedy=f"there are {', '.join(f'{one}://' for one in sorted(EXTRAS))}",
            )
        self.root = as_path(url)
        self.kind = EXTRAS[scheme]
        self.holds_objects = self.kind in OBJECTS
        self._url = url.rstrip("/")
        self._lock = threading.Lock()
        # Connections of SFTP and SMB answer one thread at a time: two hang.
        self._turns = contextlib.nullcontext() if self.holds_objects else threading.Lock()
        self._files = self._opened()
        self._base = self.at(self.root)

    def close(self) -> None:
        """End the connection, where one is kept."""
        if not self.holds_objects:
            self._files.close()

    def path(self, relative: str) -> str:
        """Return how fsspec calls a path from the root."""
        return f"{self._base}/{relative}" if relative else self._base

    def relative(self, path: Path) -> str | None:
        """Return a path from the root, with ``/``; None where it lies elsewhere."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return None

    def at(self, path: Path) -> str:
        """Return how fsspec calls a path of this store, below the root or not."""
        if self.holds_objects:
            return str(self._files._strip_protocol(as_url(path))).rstrip("/")  # noqa: SLF001
        # Not by fsspec: it takes a "?" in a name for the start of a query.
        return "/" + "/".join(path.parts[2:])

    def exists(self, at: str) -> bool:
        """Tell whether there is a file, a folder or a bucket. Raises OSError if nobody knows."""
        return self.do(lambda files: _is_there(files, at))

    def rename(self, source: str, final: str, *, replace: bool) -> None:
        """Give a file another name. Raises FileExistsError where that is taken, OSError."""
        tries = 0

        def rename(files: Any) -> None:
            nonlocal tries
            tries += 1
            if tries > 1 and not _is_there(files, source) and _is_there(files, final):
                return  # it was done, and the answer got lost
            if not self.holds_objects:
                files.makedirs(final.rpartition("/")[0], exist_ok=True)
                files.rename(source, final, replace=replace)
                return
            if not replace and tries == 1 and _is_there(files, final):
                raise FileExistsError(0, f"{final} is there already")
            files.cp_file(source, final)  # not copy: that takes brackets for patterns
            files.rm_file(source)

        self.do(rename)

    def inside(self, name: str) -> str:
        """Return the path from the root of what fsspec calls so."""
        return name.removeprefix(self._base).removeprefix("/")

    def holder(self) -> str:
        """Return what must be there for all else to be: the bucket, or the folder."""
        return self._base.split("/", 1)[0] if self.holds_objects else self._base

    def do(self, work: Callable[[Any], T]) -> T:
        """Do something with the file system, again where it fails for now.

        Raises OSError, in words without secrets.
        """
        pause = threading.Event()
        left = waits(random.SystemRandom().random)
        while True:
            files = self._files
            try:
                with self._turns:
                    return work(files)
            except Exception as error:  # noqa: BLE001  # each backend has errors of its own
                wait = next(left, None) if is_passing(error) else None
                if wait is None:
                    raise _in_words(error) from None
                pause.wait(wait)
                self._open_anew(files)

    def _open_anew(self, broken: Any) -> None:
        """Connect again, where the connection is what broke."""
        if self.holds_objects:
            return
        with self._lock:
            if self._files is broken:
                with contextlib.suppress(OSError):  # the next try says so
                    self._files = self._opened()
                    broken.close()

    def _opened(self) -> Any:
        try:
            return _open(self.kind, self._url)
        except ImportError as error:
            raise UsageError(
                f"{self._url}: what reaches {self.kind} is not installed ({error.name})",
                remedy=f"in the clone: uv tool install '.[{self.kind}]'",
            ) from None
        except Exception as error:  # noqa: BLE001  # each backend has errors of its own
            raise _in_words(error) from None


def _open(kind: str, url: str) -> Any:
    from fsspec.core import url_to_fs

    _quieten()
    if kind not in OBJECTS:
        server = _server(kind)
        options = server._get_kwargs_from_urls(url)  # noqa: SLF001  # fsspec's way
        known = {name: value for name, value in options.items() if not name.startswith("url_")}
        return server(skip_instance_cache=True, **known)
    options = {"skip_instance_cache": True, "use_listings_cache": False}
    if kind == "s3":  # its own tries would come on top of ours
        options["config_kwargs"] = {"retries": {"max_attempts": 0}, "connect_timeout": 10}
    files, _ = url_to_fs(url, **options)
    if kind == "s3":
        files.retries = 1
    return files


def _quieten() -> None:
    # aiohttp leaves tasks of lost connections behind; what failed is raised all the same.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _server(kind: str) -> Any:
    if kind == "sftp":
        from .sftp import Server as Sftp

        return Sftp
    from .smb import Server as Smb

    return Smb


def _is_there(files: Any, at: str) -> bool:
    """Tell whether there is such a thing. fsspec's own way says no for whatever goes wrong."""
    try:
        files.info(at)
    except OSError as error:
        if isinstance(error, FileNotFoundError) or error.errno == errno.ENOENT:
            return False
        raise
    return True


def _in_words(error: Exception) -> OSError:
    """Return an OSError of the same meaning, whose text is fit to be shown."""
    text = scrubbed(str(error).strip() or type(error).__name__, os.environ)
    if isinstance(error, OSError) and error.strerror:
        text = scrubbed(error.strerror, os.environ)
    number = (error.errno if isinstance(error, OSError) else 0) or 0
    for kind in (FileNotFoundError, PermissionError, FileExistsError):
        if isinstance(error, kind):
            return kind(number, text)
    return OSError(number, text)  # of the kind that the number has


def scrubbed(text: str, environ: Mapping[str, str]) -> str:
    """Return a text without what the environment keeps under the name of a secret."""
    secrets = {
        value
        for name, value in environ.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET
    }
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
