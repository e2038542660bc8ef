"""One picture through one recipe: what an owner asks, and the outcome it gets.

A job's id is made from what it is (the picture's digest, the recipe, the output), never
from when or where it was asked. So the same work asked twice is one job, and an owner
that starts again asks for the same ids.
"""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, NewType, Protocol

from msgspec import Struct

JobId = NewType("JobId", bytes)


class Source(Protocol):
    """The encoded pixels of one picture, readable again and again, in any order."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    @property
    def digest(self) -> bytes:
        """The BLAKE2b-256 digest of all of them."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly the bytes asked for.

        Raises SourceChanged when they are no longer what was digested, OSError when the
        picture cannot be read.
        """
        ...


class Content(Protocol):
    """The encoded pixels of a result, in memory or on the owner's disk."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def bytes(self) -> bytes:
        """Return all of them."""
        ...

    def write_to(self, file: BinaryIO) -> None:
        """Write all of them to a file open for writing."""
        ...

    def close(self) -> None:
        """Let go of the memory or the spool file behind them."""
        ...


class Job(Struct, frozen=True, kw_only=True):  # made by the thousand: in C
    """One picture through one recipe.

    ``seconds`` is the declared cost on the reference core, ``memory`` the bytes a slot
    needs; both come from the picture's header. ``recipe`` is canonical text and
    ``output`` the canonical text of an ops.process.Output. ``needs`` are what a node must
    have besides the recipe's operations.
    """

    id: JobId
    name: str
    source: Source
    recipe: str
    output: str
    seconds: float
    memory: int
    needs: tuple[str, ...] = ()


class Result(Struct, frozen=True, kw_only=True):
    """The job is done: the outcome's pixels and how they came about."""

    job: JobId
    content: Content
    digest: bytes
    format: str
    node: str
    attempts: int
    seconds: float


class Failure(Struct, frozen=True, kw_only=True):
    """The job ended in an error: a stable code, and a text for people."""

    job: JobId
    code: str
    reason: str
    node: str
    attempts: int


class Cancelled(Struct, frozen=True, kw_only=True):
    """The job was taken back by its owner before it had another outcome."""

    job: JobId


Outcome = Result | Failure | Cancelled
Deliver = Callable[[Outcome], None]
"""Who waits for an outcome: called once, in the mesh's own thread; it must not wait."""


# Nothing yet, to be copied: setting one up takes longer than naming a job.
_NO_JOB: Final = hashlib.blake2b(digest_size=16, person=b"pixmesh-job")


def job_id(*, digest: bytes, recipe: str, output: str) -> JobId:
    """Name the job that puts these pixels through this recipe into this output."""
    name = _NO_JOB.copy()
    name.update(_with_its_length(digest) + _treatment(recipe, output))
    return JobId(name.digest())


@functools.lru_cache(maxsize=256)
def _treatment(recipe: str, output: str) -> bytes:
    return _with_its_length(recipe.encode()) + _with_its_length(output.encode())


def _with_its_length(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part


class FileIdentity(Struct, frozen=True):  # made by the hundred thousand: in C
    """What tells whether a file is still the one that was read: no clock is involved."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> "FileIdentity":
        """Look at a file. Raises OSError."""
        return cls.seen(path.stat())

    @classmethod
    def seen(cls, found: os.stat_result) -> "FileIdentity":
        """Take what a look at a file found."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)
