"""What a person takes back from a batch is not made; everything else is."""

import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from pixmesh.node.owner.files import FileBatch
from pixmesh.node.owner.job import Cancelled, JobId
from pixmesh.node.owner.ledger import BY_PERSON, Ledger
from pixmesh.node.owner.report import BatchEvent, PictureCancelled
from pixmesh.node.owner.works import Pending, Work, Works
from pixmesh.tests.support.eventually import eventually

from .batches import DEADLINE, Running, no_parts, states
from .fakes import HeldMesh, batch_of, failure, picture, plan_of


def test_what_is_taken_back_is_cancelled_by_a_person_and_the_rest_is_done(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    """Begun or not; and the next plan asks for it again."""
    events: list[BatchEvent] = []
    with HeldMesh() as mesh:
        batch = batch_of(
            plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh, events=events
        )
        running = Running(batch)
        first, second, third = mesh.wait_for(3)
        mesh.started.add(first.id)
        batch.take_back([out / first.name, out / second.name])
        mesh.end(third)
        summary = running.end()
    assert (summary.done, summary.failed, summary.cancelled) == (1, (), 0)
    assert summary.taken_back == (folder / first.name, folder / second.name)
    assert PictureCancelled(folder / first.name, by_person=True) in events
    assert [path.name for path in out.iterdir()] == [third.name]
    row = ledger.rows([out / first.name])[out / first.name]
    assert (row.state, row.code, row.reason) == ("cancelled", *BY_PERSON)
    assert states(ledger, out / first.name) == ["submitted", "cancelled"]
    assert len(plan_of(folder, out=out, ledger=ledger).entries) == 2


def test_a_copy_of_what_is_taken_back_is_made_all_the_same(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    source = tmp_path / "in"
    picture(source / "a.jpg", "one picture")
    picture(source / "b.jpg", "one picture")
    picture(source / "c.jpg", "another")
    with HeldMesh() as mesh:
        running = Running(
            batch := batch_of(plan_of(source, out=out, ledger=ledger), ledger=ledger, mesh=mesh)
        )
        shared, other = mesh.wait_for(2)
        batch.take_back([out / "a.jpg"])
        mesh.end(other)
        mesh.end(shared)
        summary = running.end()
    assert mesh.cancelled == []
    assert (summary.done, summary.taken_back) == (2, (source / "a.jpg",))
    assert sorted(path.name for path in out.iterdir()) == ["b.jpg", "c.jpg"]
    assert no_parts(out)


class DeafMesh(HeldMesh):
    """Takes nothing back; notes that it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def cancel(self, jobs: Collection[JobId], *, only_unstarted: bool) -> None:
        assert jobs
        assert not only_unstarted
        self.asked.set()


def test_a_result_or_a_failure_that_comes_too_late_changes_nothing(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    with DeafMesh() as mesh:
        batch = batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh)
        running = Running(batch)
        first, second, third = mesh.wait_for(3)
        batch.take_back([out / first.name, out / second.name])
        assert mesh.asked.wait(DEADLINE)
        mesh.end(first)
        mesh.end(second, failure(second, "broken", "broken"))
        mesh.end(third)
        summary = running.end()
    assert (summary.done, summary.failed, len(summary.taken_back)) == (1, (), 2)
    assert [content.closed for content in mesh.contents] == [True, True]
    assert [path.name for path in out.iterdir()] == [third.name]


def waiting_for(batch: FileBatch) -> list[Pending]:
    """Return the entries that wait for the batch's one job."""
    (work,) = batch._works._works.values()  # nobody else can tell
    return batch._works.waiting(work)


def test_a_copy_that_joins_a_job_as_it_is_taken_back_has_one_of_its_own(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    source = tmp_path / "in"
    picture(source / "a.jpg", "one picture")
    picture(source / "b.jpg", "one picture")
    with DeafMesh() as mesh:
        plan = plan_of(source, out=out, ledger=ledger)
        batch = batch_of(replace(plan, entries=plan.entries[:1]), ledger=ledger, mesh=mesh)
        running = Running(batch)
        (first,) = mesh.wait_for(1)
        batch.take_back([out / "a.jpg"])
        assert mesh.asked.wait(DEADLINE)
        batch.feed(plan.entries[1])
        eventually(lambda: len(waiting_for(batch)) == 2, DEADLINE, "b.jpg never joined")
        mesh.end(first, Cancelled(job=first.id))
        mesh.end(mesh.wait_for(2)[1])
        summary = running.end()
    assert (summary.cancelled, summary.taken_back) == (0, (source / "a.jpg",))
    assert [path.name for path in out.iterdir()] == ["b.jpg"]


def test_an_output_that_is_not_wanted_begins_no_work_until_it_is_wanted_again(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    entry = plan_of(folder, out=out, ledger=ledger).entries[0]
    works = Works()
    pending = Pending(entry, out / "temp", entry.picture.identity)
    with HeldMesh() as mesh:
        batch = batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh)
        running = Running(batch)
        job, *_ = mesh.wait_for(3)
        batch.stop()
        running.end()
    assert works.take_back([entry.destination]) == []
    assert not works.begin(Work(job, [pending]))
    works.want(entry.destination)
    assert works.begin(Work(job, [pending]))
    assert works.take_back([entry.destination]) == [job.id]
