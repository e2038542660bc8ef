"""A batch of files goes through the mesh, and every picture has one outcome."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from pixmesh.node.errors import MeshUnreachable, PixmeshError, SourceChanged, UsageError
from pixmesh.node.owner.backlog import Backlog
from pixmesh.node.owner.disk import RealDisk
from pixmesh.node.owner.files import FileBatch
from pixmesh.node.owner.job import Job, JobId, Outcome
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.prepare import READ_AGAIN
from pixmesh.node.owner.report import (
    BatchEvent,
    PictureCancelled,
    PictureDone,
    PictureFailed,
    PictureSubmitted,
    Summary,
)
from pixmesh.node.owner.row import State
from pixmesh.node.owner.source import SOURCE_CHANGED
from pixmesh.node.owner.works import Pending, Works

from .fakes import (
    JPEG,
    FakeMesh,
    HeldMesh,
    appraise,
    batch_of,
    blurred,
    failure,
    picture,
    plan_of,
)

DEADLINE = 20


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger") as ledger:
        yield ledger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        picture(tmp_path / "in" / f"{name}.jpg")
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


class FullMesh(HeldMesh):
    """Has room for one job."""

    def __init__(self) -> None:
        super().__init__()
        self.room = threading.Semaphore(1)
        self.waiting = threading.Event()

    def submit(self, job: Job) -> Future[Outcome]:
        if self.jobs:
            self.waiting.set()
        assert self.room.acquire(timeout=DEADLINE)
        future = super().submit(job)
        future.add_done_callback(lambda _future: self.room.release())
        return future


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


def test_every_picture_comes_out_under_its_own_name(tmp_path: Path, ledger: Ledger) -> None:
    names = ["a.jpg", "sub/b c.jpg", "sub/-dash.jpg", "quote'\"$(x).jpg", "🖼.jpg", "new\nline.jpg"]
    names.append(os.fsdecode(b"latin-\xe9.jpg"))
    for name in names:
        picture(tmp_path / "in" / name)
    with FakeMesh() as mesh:
        plan = plan_of(tmp_path / "in", out=tmp_path / "out", ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert (summary.done, summary.failed, summary.cancelled) == (len(names), (), 0)
    for name in names:
        made = tmp_path / "out" / name
        assert made.read_bytes() == blurred((tmp_path / "in" / name).read_bytes())
        assert states(ledger, made) == ["submitted", "committing", "done"]
    assert all(content.closed for content in mesh.contents)
    assert no_parts(tmp_path / "out")


def test_a_job_says_what_its_picture_is(folder: Path, out: Path, ledger: Ledger) -> None:
    with FakeMesh() as mesh:
        batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh).run()
    job = mesh.jobs[0]
    data = (folder / "a.jpg").read_bytes()
    assert (job.name, job.recipe, job.output) == ("a.jpg", "blur ksize=5", "")
    assert (job.seconds, job.memory) == (0.02, 1 << 20)
    assert job.source.read(0, job.source.size) == data


def test_the_summary_is_the_sum_of_the_events(folder: Path, out: Path, ledger: Ledger) -> None:
    (folder / "bad.jpg").write_bytes(b"text")
    events: list[BatchEvent] = []
    with FakeMesh() as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh, events=events).run()
    kinds = Counter(type(event) for event in events)
    assert kinds == {PictureSubmitted: 3, PictureDone: 3, PictureFailed: 1}
    done = [event for event in events if isinstance(event, PictureDone)]
    assert summary.bytes_in == sum(event.bytes_in for event in done) == 3 * len(JPEG + b"a.jpg")
    assert summary.bytes_out == sum(path.stat().st_size for path in out.iterdir())
    assert (summary.pixels, summary.skipped) == (3_000_000, 0)
    assert done[0].node == "atlas"


def test_a_hopeless_picture_fails_with_its_reason_without_the_mesh(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    (folder / "bad.jpg").write_bytes(b"text")
    with FakeMesh() as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert "bad.jpg" not in mesh.names
    (failed,) = summary.failed
    assert (failed.source, failed.code) == (folder / "bad.jpg", "not-a-picture")
    assert "this is not a picture" in failed.reason
    assert (summary.done, (out / "bad.jpg").exists()) == (3, False)
    row = ledger.rows([out / "bad.jpg"])[out / "bad.jpg"]
    assert (row.state, row.code, row.reason) == (State.FAILED, failed.code, failed.reason)


def test_what_no_one_foresaw_in_a_picture_fails_that_picture_only(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    def surprised(file):  # type: ignore[no-untyped-def]
        if b"b.jpg" in file.read():
            raise ZeroDivisionError("surprise")
        file.seek(0)
        return appraise(file)

    with FakeMesh() as mesh:
        batch = FileBatch(
            plan=plan_of(folder, out=out, ledger=ledger),
            appraise=surprised,
            ledger=ledger,
            disk=RealDisk(),
            submit=mesh.submit,
            cancel=mesh.cancel,
        )
        summary = batch.run()
    assert [(one.source.name, one.code) for one in summary.failed] == [("b.jpg", "internal")]
    assert summary.done == 2


def test_the_meshs_failure_is_the_pictures(folder: Path, out: Path, ledger: Ledger) -> None:
    def compute(job: Job, data: bytes) -> bytes | str:
        return "quarantined" if job.name == "b.jpg" else blurred(data)

    with FakeMesh(compute) as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    (failed,) = summary.failed
    assert (failed.code, failed.reason) == ("quarantined", "quarantined, says the mesh")
    row = ledger.rows([out / "b.jpg"])[out / "b.jpg"]
    assert (row.node, row.attempts) == ("atlas", 1)
    assert states(ledger, out / "b.jpg") == ["submitted", "failed"]


def test_a_vanished_picture_fails_and_the_others_come_out(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    plan = plan_of(folder, out=out, ledger=ledger)
    (folder / "b.jpg").unlink()
    with FakeMesh() as mesh:
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert [(one.source.name, one.code) for one in summary.failed] == [("b.jpg", "unreadable")]
    assert summary.done == 2


def test_what_the_inputs_refuse_is_among_the_failures(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    (folder / "broken.jpg").symlink_to(folder / "nowhere")
    with FakeMesh() as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert [(one.source.name, one.code) for one in summary.failed] == [("broken.jpg", "unreadable")]


# -- the same content --


def test_copies_under_way_together_are_one_job_with_several_outputs(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    for name in ["a.jpg", "b.jpg", "sub/c.jpg"]:
        picture(tmp_path / "in" / name, "the same")
    picture(tmp_path / "in" / "z.jpg", "another, which says that all before it were read")
    with HeldMesh() as mesh:
        running = Running(
            batch_of(plan_of(tmp_path / "in", out=out, ledger=ledger), ledger=ledger, mesh=mesh)
        )
        same, other = mesh.wait_for(2)
        mesh.end(same)
        mesh.end(other)
        summary = running.end()
        assert (summary.done, len(mesh.jobs)) == (4, 2)
        assert all(content.closed for content in mesh.contents)
    made = {(out / name).read_bytes() for name in ["a.jpg", "b.jpg", "sub/c.jpg"]}
    assert made == {blurred(JPEG + b"the same")}


def test_a_copy_that_joins_while_the_first_is_committed_comes_out_too(
    tmp_path: Path, out: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "in" / "a.jpg", "the same")
    picture(tmp_path / "in" / "b.jpg", "the same")
    may_read_on = threading.Event()
    joined = threading.Event()

    class SlowDisk(RealDisk):
        def sync_file(self, path: Path) -> None:
            # The first output is being committed: only now may the reader meet the copy.
            may_read_on.set()
            assert joined.wait(DEADLINE)
            super().sync_file(path)

    join = Works.join

    def watched(works: Works, job: JobId, pending: Pending) -> bool:
        found = join(works, job, pending)
        if found:
            joined.set()
        return found

    monkeypatch.setattr(Works, "join", watched)
    readings = iter([None, may_read_on])

    def patient(file):  # type: ignore[no-untyped-def]
        wait = next(readings)
        assert wait is None or wait.wait(DEADLINE)
        return appraise(file)

    with FakeMesh() as mesh:
        batch = FileBatch(
            plan=plan_of(tmp_path / "in", out=out, ledger=ledger),
            appraise=patient,
            ledger=ledger,
            disk=SlowDisk(),
            submit=mesh.submit,
            cancel=mesh.cancel,
        )
        summary = batch.run()
    assert (summary.done, len(mesh.jobs)) == (2, 1)
    assert (out / "b.jpg").read_bytes() == blurred(JPEG + b"the same")
    assert [content.closed for content in mesh.contents] == [True]


def test_a_copy_of_what_an_earlier_run_made_is_not_computed_again(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    with FakeMesh() as mesh:
        batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh).run()
    picture(folder / "copy.jpg", "a.jpg")
    with FakeMesh() as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        summary = batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert (mesh.jobs, summary.done, summary.skipped) == ([], 1, 3)
    assert (out / "copy.jpg").read_bytes() == (out / "a.jpg").read_bytes()


def test_an_output_that_was_altered_is_no_source_for_copies(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    with FakeMesh() as mesh:
        batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh).run()
    picture(folder / "copy.jpg", "a.jpg")
    (out / "a.jpg").write_bytes(b"altered")
    with FakeMesh() as mesh:
        plan = plan_of(folder, out=out, ledger=ledger)
        batch_of(plan, ledger=ledger, mesh=mesh).run()
    assert mesh.names == ["copy.jpg"]
    assert (out / "copy.jpg").read_bytes() == blurred(JPEG + b"a.jpg")


def test_a_copy_of_a_failed_picture_fails_without_another_try(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    picture(tmp_path / "in" / "a.jpg", "the same")
    picture(tmp_path / "in" / "b.jpg", "the same")
    failed = threading.Event()
    events: list[BatchEvent] = []

    def note(event: BatchEvent) -> None:
        events.append(event)
        if isinstance(event, PictureFailed):
            failed.set()

    readings = iter([None, failed])

    def patient(file):  # type: ignore[no-untyped-def]
        wait = next(readings)
        assert wait is None or wait.wait(DEADLINE)
        return appraise(file)

    with FakeMesh(lambda _job, _data: "quarantined") as mesh:
        batch = FileBatch(
            plan=plan_of(tmp_path / "in", out=out, ledger=ledger),
            appraise=patient,
            ledger=ledger,
            disk=RealDisk(),
            submit=mesh.submit,
            cancel=mesh.cancel,
            on_event=note,
        )
        summary = batch.run()
    assert (len(mesh.jobs), len(summary.failed)) == (1, 2)


# -- pictures that change --


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

        def submit(job: Job) -> Future[Outcome]:
            if job.name == "b.jpg" and errors:
                raise errors.pop()
            return mesh.submit(job)

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

        def submit(job: Job) -> Future[Outcome]:
            jobs.append(job)
            future: Future[Outcome] = Future()
            future.set_result(mesh.result(job, blurred(job.source.read(0, job.source.size))))
            return future

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

        def submit(job: Job) -> Future[Outcome]:
            if job.name == "c.jpg":
                raise MeshUnreachable("no broker answers")
            return mesh.submit(job)

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


def test_a_late_outcome_of_a_broken_promise_is_a_failure(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    with HeldMesh() as mesh:
        running = Running(
            batch_of(plan_of(folder, out=out, ledger=ledger), ledger=ledger, mesh=mesh)
        )
        a, b, c = mesh.wait_for(3)
        mesh._futures[a.id].set_exception(RuntimeError("a bug"))
        mesh.end(b, failure(b, "crashed", "it kills slots"))
        mesh.end(c)
        summary = running.end()
    assert {one.code for one in summary.failed} == {"internal", "crashed"}
    assert summary.done == 1


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
