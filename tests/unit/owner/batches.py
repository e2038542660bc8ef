"""A batch of files running beside its test, and what is left of it."""

import threading
from concurrent.futures import Future
from pathlib import Path

from pixmesh.node.owner.files import FileBatch
from pixmesh.node.owner.job import Deliver, Job, Outcome
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.report import (
    Summary,
)

from .fakes import (
    HeldMesh,
)

DEADLINE = 20


class FullMesh(HeldMesh):
    """Has room for one job."""

    def __init__(self) -> None:
        super().__init__()
        self.room = threading.Semaphore(1)
        self.waiting = threading.Event()

    def submit(self, job: Job, deliver: Deliver) -> None:
        if self.jobs:
            self.waiting.set()
        assert self.room.acquire(timeout=DEADLINE)

        def ended(outcome: Outcome) -> None:
            deliver(outcome)
            self.room.release()

        super().submit(job, ended)


class Running:
    """A batch that runs in a thread of its own, as under a progress display."""

    def __init__(self, batch: FileBatch) -> None:
        self._summary: Future[Summary] = Future()
        self._thread = threading.Thread(target=self._run, args=(batch,))
        self._thread.start()

    def end(self) -> Summary:
        self._thread.join(DEADLINE)
        return self._summary.result(0)

    def _run(self, batch: FileBatch) -> None:
        try:
            self._summary.set_result(batch.run())
        except BaseException as error:  # noqa: BLE001  # raised again in the test
            self._summary.set_exception(error)


def states(ledger: Ledger, destination: Path) -> list[str]:
    return [str(change.state) for change in ledger.history(destination)]


def no_parts(out: Path) -> bool:
    return not [*out.rglob("*.part")]
