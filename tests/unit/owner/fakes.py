"""Stand-ins for the mesh and for what looks at headers."""

import io
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Self

from pixmesh.node.errors import SourceChanged
from pixmesh.node.owner.appraise import Appraisal
from pixmesh.node.owner.disk import RealDisk
from pixmesh.node.owner.files import FileBatch
from pixmesh.node.owner.inputs import find_inputs
from pixmesh.node.owner.job import (
    Cancelled,
    Deliver,
    Failure,
    FileIdentity,
    Job,
    JobId,
    Outcome,
    Result,
)
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.plan import OnExists, Plan, make_plan
from pixmesh.node.owner.report import BatchEvent
from pixmesh.node.owner.source import SOURCE_CHANGED
from pixmesh.ops.digest import digest_of
from pixmesh.ops.errors import PictureError

RECIPE = "blur ksize=5"
JPEG = b"\xff\xd8\xff"


class MemoryContent:
    """A result in memory, which knows whether it was let go of."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.closed = False

    @property
    def size(self) -> int:
        return len(self._data)

    def bytes(self) -> bytes:
        return self._data

    def write_to(self, file: BinaryIO) -> None:
        assert not self.closed
        file.write(self._data)

    def close(self) -> None:
        self.closed = True


def blurred(data: bytes) -> bytes:
    """What the fake mesh makes of a picture."""
    return b"blurred " + data


class FakeMesh:
    """Computes in a thread pool; remembers what it was asked."""

    def __init__(self, compute: Callable[[Job, bytes], bytes | str] | None = None) -> None:
        self._pool = ThreadPoolExecutor(2)
        self._compute = compute or (lambda _job, data: blurred(data))
        self.jobs: list[Job] = []
        self.contents: list[MemoryContent] = []

    def __enter__(self) -> "FakeMesh":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._pool.shutdown()

    @property
    def names(self) -> list[str]:
        return [job.name for job in self.jobs]

    def submit(self, job: Job, deliver: Deliver) -> None:
        self.jobs.append(job)
        self._pool.submit(lambda: deliver(self._outcome(job)))

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        """Take nothing back: each has started as soon as it is asked."""
        assert only_unstarted

    def _outcome(self, job: Job) -> Outcome:
        try:
            made = self._compute(job, job.source.read(0, job.source.size))
        except SourceChanged as error:
            return failure(job, SOURCE_CHANGED, str(error))
        if isinstance(made, str):
            return failure(job, made, f"{made}, says the mesh")
        return self.result(job, made)

    def result(self, job: Job, made: bytes) -> Result:
        content = MemoryContent(made)
        self.contents.append(content)
        return Result(
            job=job.id,
            content=content,
            digest=digest_of(made),
            format="jpeg",
            node="atlas",
            attempts=1,
            seconds=0.5,
        )


class HeldMesh:
    """Takes jobs and ends them only when told to."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.cancelled: list[JobId] = []
        self.started: set[JobId] = set()
        self._waiting: dict[JobId, Deliver] = {}
        self._arrived = threading.Condition()
        self._results = FakeMesh()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._results.__exit__()

    @property
    def contents(self) -> list[MemoryContent]:
        return self._results.contents

    def submit(self, job: Job, deliver: Deliver) -> None:
        with self._arrived:
            self.jobs.append(job)
            self._waiting[job.id] = deliver
            self._arrived.notify_all()

    def wait_for(self, count: int) -> list[Job]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.jobs) >= count, 10)
            return self.jobs[:count]

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        for job in jobs:
            self.cancelled.append(job)
            if job in self._waiting and not (only_unstarted and job in self.started):
                self._waiting.pop(job)(Cancelled(job=job))

    def end(self, job: Job, outcome: Outcome | None = None) -> None:
        made = blurred(job.source.read(0, job.source.size)) if outcome is None else b""
        self._waiting.pop(job.id)(outcome or self._results.result(job, made))


def failure(job: Job, code: str, reason: str) -> Failure:
    return Failure(job=job.id, code=code, reason=reason, node="atlas", attempts=1)


def appraise(file: BinaryIO) -> Appraisal:
    """A header of one megapixel, for whatever begins as a JPEG does."""
    assert not isinstance(file, io.BytesIO)
    if file.read(3) != JPEG:
        raise PictureError("not-a-picture", "this is not a picture")
    return Appraisal(seconds=0.02, memory=1 << 20, megapixels=1.0)


def picture(path: Path, text: str = "") -> Path:
    """Write what the fakes take for a picture; another text is another picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(JPEG + (text or path.name).encode("utf-8", "surrogateescape"))
    return path


def plan_of(
    *inputs: Path,
    out: Path,
    ledger: Ledger,
    on_exists: OnExists = OnExists.STOP,
    first: int | None = None,
    extension: str | None = None,
    recipe: str = RECIPE,
) -> Plan:
    return make_plan(
        inputs=find_inputs(inputs, out=out),
        out=out,
        recipe=recipe,
        output="",
        extension_for=lambda _source: extension,
        ledger=ledger,
        disk=RealDisk(),
        on_exists=on_exists,
        first=first,
    )


def batch_of(
    plan: Plan,
    *,
    ledger: Ledger,
    mesh: FakeMesh | HeldMesh,
    events: list[BatchEvent] | None = None,
    keep_times: bool = False,
) -> FileBatch:
    return FileBatch(
        plan=plan,
        appraise=appraise,
        ledger=ledger,
        disk=RealDisk(),
        submit=mesh.submit,
        cancel=mesh.cancel,
        on_event=(events if events is not None else []).append,
        keep_times=keep_times,
    )


def identity(size: int = 1) -> FileIdentity:
    return FileIdentity(size, 2, 3)
