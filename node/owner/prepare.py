"""From a file to a job: its digest, what its header foretells, its id.

Owns reading a picture before it goes to the mesh. It knows nothing of windows, commits or
other pictures.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ...ops.errors import PictureError
from ..errors import SourceChanged
from .appraise import Appraisal, Appraise
from .commit import EXISTS
from .job import FileIdentity, Job, job_id
from .plan import Entry
from .source import SOURCE_CHANGED, FileSource, digest_of_file

log = logging.getLogger(__name__)

READ_AGAIN: Final = 4
"""How often a picture that changes while it is worked on is read again."""

UNREADABLE: Final = "unreadable"
INTERNAL: Final = "internal"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture ready for the mesh."""

    job: Job
    identity: FileIdentity
    digest: bytes
    megapixels: float


@dataclass(frozen=True, slots=True)
class Hopeless:
    """A picture that fails without going to the mesh, and what is known of it."""

    code: str
    reason: str
    identity: FileIdentity
    digest: bytes | None = None


class Digests(Protocol):
    """Where digests of files that have not changed are kept."""

    def digest(self, source: Path, identity: FileIdentity) -> bytes | None:
        """Return the digest stored for a file that has not changed since, if there is one."""
        ...


class Preparer:
    """Makes jobs of one recipe and output, both canonical texts, from files."""

    def __init__(self, *, recipe: str, output: str, appraise: Appraise, digests: Digests) -> None:
        self._recipe = recipe
        self._output = output
        self._appraise = appraise
        self._digests = digests

    def prepare(self, entry: Entry, *, readings: int = 0) -> Prepared | Hopeless:
        """Read a picture that was read ``readings`` times before, and changed each time."""
        path, identity = entry.picture.path, entry.picture.identity
        if entry.refused:
            return Hopeless(EXISTS, entry.refused, identity, entry.digest)
        while True:
            try:
                if readings:
                    identity = FileIdentity.of(path)
                return self._read(entry, identity)
            except SourceChanged as error:
                readings += 1
                if readings > READ_AGAIN:
                    return Hopeless(SOURCE_CHANGED, str(error), identity)
            except OSError as error:
                reason = f"cannot be read: {error.strerror or error}"
                return Hopeless(UNREADABLE, reason, identity)
            except Exception as error:  # one picture, whatever is in it, never ends a batch
                log.exception("%s could not be prepared", path)
                return Hopeless(INTERNAL, f"{type(error).__name__}: {error}", identity)

    def _read(self, entry: Entry, identity: FileIdentity) -> Prepared | Hopeless:
        path = entry.picture.path
        known = entry.digest if identity == entry.picture.identity else None
        known = known or self._digests.digest(path, identity)
        with FileSource(path, identity=identity).opened() as file:
            digest = known or digest_of_file(file)
            file.seek(0)
            try:
                appraisal = self._appraise(file)
            except PictureError as error:
                # Said only after the file's identity was checked once more.
                hopeless = Hopeless(error.code, str(error), identity, digest)
                appraisal = None
        if appraisal is None:
            return hopeless
        source = FileSource(path, identity=identity, digest=digest)
        job = self._job(source, digest, appraisal)
        return Prepared(job, identity, digest, appraisal.megapixels)

    def _job(self, source: FileSource, digest: bytes, appraisal: Appraisal) -> Job:
        return Job(
            id=job_id(digest=digest, recipe=self._recipe, output=self._output),
            name=source.path.name,
            source=source,
            recipe=self._recipe,
            output=self._output,
            seconds=appraisal.seconds,
            memory=appraisal.memory,
            needs=appraisal.needs,
        )
