"""OUT as a URL: what is written shows whole or not at all, and never over what is not ours.

Owns the order of steps far away: a result goes under a temp name first, beside others of its
group; then it gets its final name by one step of the server's. Times of files cannot be kept.
"""

import errno
import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from ....ops.digest import DIGEST_BYTES
from ...errors import UsageError
from ...owner.commit import temp_for
from ...owner.job import Content
from ..inlet import Unavailable
from ..places import shown
from .store import Store

T = TypeVar("T")

TOGETHER: Final = 8
BLOCK: Final = 1 << 20


class CloudOutlet:
    """A place that fsspec reaches; implements outlet.Outlet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._uploads: dict[Path, Future[None]] = {}
        self._threads = ThreadPoolExecutor(TOGETHER, thread_name_prefix="pixmesh-upload")
        self._is_well = False
        self._left: set[Path] = set()
        self.root = store.root

    def close(self) -> None:
        """End the threads and the connection."""
        self._threads.shutdown(cancel_futures=True)
        self._store.close()

    def check(self) -> None:
        """Raise Unavailable unless it can be reached; asked only after it could not."""
        if self._is_well:
            return
        try:
            there = self._store.exists(self._store.holder())
            if not there and not self._store.holds_objects:
                self._do(lambda files: files.makedirs(self._store.holder(), exist_ok=True))
                there = True
        except OSError as error:
            why = error.strerror or str(error)
            raise Unavailable(f"{shown(self.root)} cannot be reached: {why}") from None
        if not there:
            raise Unavailable(f"{shown(self.root)} is not there")
        self._is_well = True
        for path in tuple(self._left):
            self._left.discard(path)
            self.remove(path)

    # ---- a commit's disk ------------------------------------------------------------

    def write(self, temp: Path, content: Content, *, modified_ns: int | None) -> None:  # noqa: ARG002
        """Begin to write a new file; ``sync_file`` waits for it."""
        self._uploads[temp] = self._threads.submit(self._upload, temp, content)

    def sync_file(self, path: Path) -> None:
        """Return when a file is written whole."""
        upload = self._uploads.pop(path, None)
        if upload is not None:
            upload.result()

    def rename(self, temp: Path, final: Path, *, replace: bool) -> None:
        """Give a file its final name; FileExistsError where that is taken, unless replaced."""
        source, target = self._store.at(temp), self._store.at(final)
        self._noting(lambda: self._store.rename(source, target, replace=replace))

    def sync_folder(self, folder: Path) -> None:
        """Do nothing: what a server has told to have, it has."""

    def digest(self, path: Path) -> bytes | None:
        """Return the digest of a file, or None where there is none to read."""
        if self._store.relative(path) is None:
            return None
        try:
            return self._do(lambda files: _digest(files, self._store.at(path)))
        except OSError:
            return None

    def content(self, path: Path) -> "CloudContent":
        """Return what a file holds. Raises OSError."""
        size = int(self._do(lambda files: files.info(self._store.at(path)))["size"])
        return CloudContent(self._store, path, size)

    def remove(self, path: Path) -> None:
        """Remove a file if it is there: now, or when it can be reached again."""
        upload = self._uploads.pop(path, None)
        if upload is not None and not upload.cancel():
            wait([upload])  # what is still on its way would be there afterwards
        try:
            self._do(lambda files: files.rm_file(self._store.at(path)))
        except FileNotFoundError:
            return
        except OSError:
            self._left.add(path)

    # ---- small files ----------------------------------------------------------------

    def exists(self, path: Path) -> bool:
        """Tell whether a name is taken."""
        return self._noting(lambda: self._store.exists(self._store.at(path)))

    def read(self, path: Path) -> bytes | None:
        """Return a small file; None where there is none."""
        try:
            return bytes(self._do(lambda files: files.cat_file(self._store.at(path))))
        except FileNotFoundError:
            return None

    def put(self, path: Path, data: bytes) -> None:
        """Write a small file, whole or not at all, in place of what is there."""
        if self._store.holds_objects:
            self._do(lambda files: files.pipe_file(self._store.at(path), data))
            return
        temp = temp_for(path, "put")
        self._do(lambda files: self._put(files, self._store.at(temp), data))
        self.rename(temp, path, replace=True)

    # ---- inside ---------------------------------------------------------------------

    def _put(self, files: Any, at: str, data: bytes) -> None:
        files.makedirs(at.rpartition("/")[0], exist_ok=True)
        files.pipe_file(at, data)

    def _upload(self, temp: Path, content: Content) -> None:
        at = self._store.at(temp)

        def upload(files: Any) -> None:
            if not self._store.holds_objects:
                files.makedirs(at.rpartition("/")[0], exist_ok=True)
            with files.open(at, "wb") as file:
                content.write_to(file)
            if not self._store.holds_objects and files.info(at)["size"] != content.size:
                raise OSError(errno.EIO, f"{shown(temp)} was not written whole")

        self._do(upload)

    def _do(self, work: Callable[[Any], T]) -> T:
        return self._noting(lambda: self._store.do(work))

    def _noting(self, work: Callable[[], T]) -> T:
        """Do something far away; where that fails, all of it may be away."""
        try:
            return work()
        except (FileNotFoundError, FileExistsError):
            raise
        except OSError:
            self._is_well = False
            raise


class CloudContent:
    """A result that lies far away already: another output of the same job."""

    def __init__(self, store: Store, path: Path, size: int) -> None:
        self._store = store
        self._path = path
        self.size = size

    def bytes(self) -> bytes:
        """Return all of them."""
        return bytes(self._store.do(lambda files: files.cat_file(self._store.at(self._path))))

    def write_to(self, file: BinaryIO) -> None:
        """Write all of them to a file open for writing."""
        file.write(self.bytes())

    def close(self) -> None:
        """Leave the file where it is."""


def open_outlet(url: str) -> CloudOutlet:
    """Open OUT. Raises UsageError where it cannot be, or is not there."""
    try:
        outlet = CloudOutlet(Store(url))
        try:
            outlet.check()
        except BaseException:
            outlet.close()
            raise
    except (OSError, Unavailable) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"OUT {url} cannot be opened: {why}",
            remedy="see that it is there, and that the credentials are where fsspec looks for them",
        ) from None
    return outlet


def _digest(files: Any, at: str) -> bytes:
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    with files.open(at, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.digest()
