"""A batch of files whose pictures change, that is stopped, or whose mesh or ledger is gone."""

import os
import threading
from pathlib import Path

import pytest

from pixmesh.node.errors import MeshUnreachable, PixmeshError, SourceChanged, UsageError
from pixmesh.node.owner.backlog import Backlog
from pixmesh.node.owner.disk import RealDisk
from pixmesh.node.owner.files import FileBatch
from pixmesh.node.owner.job import Deliver, Job
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.prepare import READ_AGAIN
from pixmesh.node.owner.report import (
    BatchEvent,
    PictureCancelled,
)
from pixmesh.node.owner.source import SOURCE_CHANGED

from .batches import DEADLINE, FullMesh, Running, states
from .fakes import (
    JPEG,
    FakeMesh,
    HeldMesh,
    appraise,
    batch_of,
    blurred,
    picture,
    plan_of,
)


def test_a_picture_changed_since_it_was_planned_is_read_as_it_is(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    plan = plan_of(folder, out=out, ledger=ledger)
    picture(folder / "b.jpg", "changed since")
    with FakeMesh() as mesh:
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert (summary.done, summary.failed) == (3, ())
    assert (out / "b.jpg").read_bytes() == blurred(JPEG + b"changed since")
    again = plan_of(folder, out=out, ledger=ledger)
    assert (again.known, again.entries) == (3, ())


def test_a_picture_that_changes_during_its_job_is_done_again_under_a_new_id(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    changed = threading.Event()

    def compute(job: Job, data: bytes) -> bytes | str:
        if job.name == "b.jpg" and not changed.is_set():
            changed.set()
            picture(folder / "b.jpg", "changed meanwhile")
            return SOURCE_CHANGED
        return blurred(data)

    with FakeMesh(compute) as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert (summary.done, summary.failed) == (3, ())
    assert (out / "b.jpg").read_bytes() == blurred(JPEG + b"changed meanwhile")
    assert len({job.id for job in mesh.jobs if job.name == "b.jpg"}) == 2


def test_a_picture_that_never_rests_fails_in_the_end(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    def compute(job: Job, data: bytes) -> bytes | str:
        return SOURCE_CHANGED if job.name == "b.jpg" else blurred(data)

    with FakeMesh(compute) as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert [(one.source.name, one.code) for one in summary.failed] == [("b.jpg", SOURCE_CHANGED)]
    assert mesh.names.count("b.jpg") == READ_AGAIN + 1


@pytest.mark.parametrize("error", [SourceChanged("changed"), OSError(5, "Input/output error")])
def test_a_picture_that_cannot_be_read_while_it_is_submitted_is_read_again(
    folder: Path, out: Path, ledger: Ledger, error: Exception
) -> None:
    errors = [error, error]
    with FakeMesh() as mesh:

        def submit(job: Job, deliver: Deliver) -> None:
            if job.name == "b.jpg" and errors:
                raise errors.pop()
            mesh.submit(job, deliver)

        batch = FileBatch(
            plan=plan_of(folder, out=out, ledger=ledger),
            appraise=appraise,
            ledger=ledger,
            disk=RealDisk(),
            submit=submit,
            cancel=mesh.cancel,
        )
        assert batch.run().done == 3
    assert errors == []


# -- stopping --


def test_stop_lets_what_runs_finish_and_leaves_the_rest_for_the_next_run(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    for number in range(5):
        picture(tmp_path / "in" / f"{number}.jpg")
    events: list[BatchEvent] = []
    with HeldMesh() as mesh:
        plan = plan_of(tmp_path / "in", out=out, ledger=ledger)
        batch = batch_of(plan, ledger=ledger, mesh=mesh, events=events)
        running = Running(batch)
        first, *_ = mesh.wait_for(5)
        mesh.started.add(first.id)
        batch.stop()
        batch.stop()
        mesh.end(first)
        summary = running.end()
    assert (summary.done, summary.cancelled, summary.failed) == (1, 4, ())
    assert sum(isinstance(event, PictureCancelled) for event in events) == 4
    assert [path.name for path in out.iterdir()] == ["0.jpg"]
    assert states(ledger, out / "1.jpg") == ["submitted", "cancelled"]
    again = plan_of(tmp_path / "in", out=out, ledger=ledger)
    assert (again.known, len(again.entries)) == (1, 4)


def test_stop_frees_a_reader_that_waits_for_room_in_the_window(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    with FullMesh() as mesh:
        batch = batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh)
        running = Running(batch)
        assert mesh.waiting.wait(DEADLINE)
        batch.stop()
        summary = running.end()
    assert (summary.done, summary.cancelled) == (0, 3)


def test_a_batch_stopped_before_it_runs_does_nothing(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    with FakeMesh() as mesh:
        batch = batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh)
        batch.stop()
        summary = batch.run()
    assert (summary.done, summary.cancelled, mesh.jobs) == (0, 3, [])


# -- limits and broken surroundings --


class TellingBacklog(Backlog):
    """Says when somebody is made to wait."""

    def __init__(self, *, most_bytes: int = 1000, most_results: int = 1000) -> None:
        super().__init__(most_bytes=most_bytes, most_results=most_results)
        self.full = threading.Event()

    def _has_room(self) -> bool:
        found = super()._has_room()
        if not found:
            self.full.set()
        return found


def test_the_reader_waits_while_results_wait_for_the_disk(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    for number in range(30):
        picture(tmp_path / "in" / f"{number:02}.jpg")
    backlog = TellingBacklog(most_results=3)
    submitted_by_then: list[int] = []

    class SlowDisk(RealDisk):
        def sync_file(self, path: Path) -> None:
            assert backlog.full.wait(DEADLINE)
            submitted_by_then.append(len(jobs))
            super().sync_file(path)

    jobs: list[Job] = []

    with FakeMesh() as mesh:

        def submit(job: Job, deliver: Deliver) -> None:
            jobs.append(job)
            deliver(mesh.result(job, blurred(job.source.read(0, job.source.size))))

        batch = FileBatch(
            plan=plan_of(tmp_path / "in", out=out, ledger=ledger),
            appraise=appraise,
            ledger=ledger,
            disk=SlowDisk(),
            submit=submit,
            cancel=mesh.cancel,
            backlog=backlog,
        )
        assert batch.run().done == 30
    assert submitted_by_then[0] == 3


@pytest.mark.parametrize("sizes", [[10], [1, 1]])
def test_a_backlog_makes_wait_for_bytes_and_for_results(sizes: list[int]) -> None:
    backlog = TellingBacklog(most_bytes=10, most_results=2)
    for size in sizes:
        backlog.add(size)
    thread = threading.Thread(target=backlog.wait_for_room)
    thread.start()
    assert backlog.full.wait(DEADLINE)
    assert thread.is_alive()
    backlog.remove(sizes[0])
    thread.join(DEADLINE)
    assert not thread.is_alive()


def test_a_mesh_that_is_gone_ends_the_batch_and_keeps_what_was_done(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    with FakeMesh() as mesh:

        def submit(job: Job, deliver: Deliver) -> None:
            if job.name == "c.jpg":
                raise MeshUnreachable("no broker answers")
            mesh.submit(job, deliver)

        batch = FileBatch(
            plan=plan_of(folder, out=out, ledger=ledger),
            appraise=appraise,
            ledger=ledger,
            disk=RealDisk(),
            submit=submit,
            cancel=mesh.cancel,
        )
        with pytest.raises(MeshUnreachable):
            batch.run()
    assert sorted(path.name for path in out.iterdir()) == ["a.jpg", "b.jpg"]
    assert states(ledger, out / "c.jpg") == ["submitted", "cancelled"]


def test_a_ledger_that_fails_ends_the_batch_and_its_reader(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    def broken(_outputs: object) -> set[Path]:
        raise PixmeshError("the ledger cannot be used: disk is full")

    ledger.committing = broken  # type: ignore[method-assign,assignment]
    with FakeMesh() as mesh, pytest.raises(PixmeshError, match="disk is full"):
        batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh).run()
    assert not [thread for thread in threading.enumerate() if thread.name == "pixmesh-reader"]


def test_conflicts_stop_a_batch_before_it_starts(folder: Path, out: Path, ledger: Ledger) -> None:
    picture(out / "a.jpg", "yours")
    with FakeMesh() as mesh:
        batch = batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh)
        with pytest.raises(UsageError, match="already there"):
            batch.run()
    assert mesh.jobs == []


def test_times_are_kept_when_asked(folder: Path, out: Path, ledger: Ledger) -> None:
    os.utime(folder / "a.jpg", ns=(1, 1_000_000_007))
    with FakeMesh() as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        batch_of(plan, ledger=ledger, mesh=mesh, keep_times=True).run()
    assert (out / "a.jpg").stat().st_mtime_ns == 1_000_000_007


def test_an_empty_plan_is_done_at_once(tmp_path: Path, out: Path, ledger: Ledger) -> None:
    (tmp_path / "in").mkdir()
    with FakeMesh() as mesh:
        plan = plan_of(tmp_path / "in", out=out, ledger=ledger)
        assert batch_of(plan, ledger=ledger, mesh=mesh).run().done == 0
