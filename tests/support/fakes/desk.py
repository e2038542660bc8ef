"""An owner's own machine: its disk and its ledger, which outlive the owner's process."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from pixmesh.node.owner.commit import Commit, Committer, finish, temp_for
from pixmesh.node.owner.job import (
    Cancelled,
    Content,
    Failure,
    FileIdentity,
    Job,
    Outcome,
    Result,
)
from pixmesh.node.owner.row import Failed, Row, State
from pixmesh.ops.digest import digest_of

from .lossy import Clockwork, LossyDisk, LossyLedger

OUT = Path("/out")


def destination_of(job: Job) -> Path:
    """Return where a job's output goes."""
    return OUT / f"{job.id.hex()}.png"


class Desk:
    """Where one owner's outputs go, whichever of its lives makes them.

    ``power_fails``, by lot: what was not made durable may be forgotten by the next life.
    """

    def __init__(self) -> None:
        self.clockwork = Clockwork()
        self.disk = LossyDisk(self.clockwork)
        self.ledger = LossyLedger(self.clockwork)
        self._committer = Committer(disk=self.disk, record=self.ledger)
        self.power_fails: Random | None = None
        self._runs = 0

    def begin(self, jobs: Sequence[Job]) -> list[Job]:
        """Do what a command does first: finish what was cut off; return what is to be asked.

        Raises Crash where the machine is to end.
        """
        self._runs += 1
        left = [job for job in jobs if not self._is_done(job)]
        self.ledger.submitted([self._row(job) for job in left])
        return left

    def _is_done(self, job: Job) -> bool:
        """As a plan decides: done and there, or finished now; the temp file of others goes."""
        row = self.ledger.rows.get(destination_of(job))
        if row is None:
            return False
        there = self.disk.digest(row.destination) is not None
        if row.state is State.DONE and there:
            return True
        if row.state is State.COMMITTING and finish(
            row, disk=self.disk, record=self.ledger, replace=False
        ):
            return True
        if row.temp is not None:
            self.disk.remove(row.temp)
        return False

    def crashed(self) -> None:
        """The machine ended in the middle of a step; it is well again."""
        self.clockwork.last = None
        if self.power_fails is not None:
            self.disk.lose_power(self.power_fails)
            self.ledger.lose_power(self.power_fails)
            self.power_fails = None

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Commit outcomes. Raises Crash where the machine is to end."""
        paths = {row.job: path for path, row in self.ledger.rows.items()}
        results = [one for one in outcomes if isinstance(one, Result)]
        failures = [one for one in outcomes if isinstance(one, Failure)]
        self.ledger.cancelled([paths[one.job] for one in outcomes if isinstance(one, Cancelled)])
        commits = [self._commit(result, paths[result.job]) for result in results]
        failed = [Failed(destination=paths[one.job], code=one.code, reason="") for one in failures]
        self._committer.commit(commits, failed)

    def _row(self, job: Job) -> Row:
        destination = destination_of(job)
        return Row(
            destination=destination,
            source=Path("/in") / job.name,
            identity=FileIdentity(job.source.size, 0, 0),
            digest=job.source.digest,
            job=job.id,
            recipe=job.recipe,
            output="",
            temp=temp_for(destination, f"{job.id.hex()}-{self._runs}"),
        )

    def _commit(self, result: Result, destination: Path) -> Commit:
        temp = self.ledger.rows[destination].temp
        assert temp is not None
        content: Content = result.content
        return Commit(
            destination=destination,
            temp=temp,
            job=result.job,
            content=content,
            digest=digest_of(content.bytes()),
            node=result.node,
            attempts=result.attempts,
            seconds=result.seconds,
        )
