"""A batch of files goes through the mesh, and every picture has one outcome."""

import os
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from pixmesh.node.owner.disk import RealDisk
from pixmesh.node.owner.files import FileBatch
from pixmesh.node.owner.job import Job, JobId
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.report import (
    BatchEvent,
    PictureDone,
    PictureFailed,
    PictureSubmitted,
)
from pixmesh.node.owner.row import State
from pixmesh.node.owner.works import Pending, Works

from .batches import DEADLINE, Running, no_parts, states
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


def test_a_result_is_kept_until_the_ledger_says_that_its_output_is_done(
    tmp_path: Path, out: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "in" / "a.jpg")
    done = ledger.done
    with FakeMesh() as mesh:
        kept: list[bool] = []

        def noted(destinations: Sequence[Path]) -> set[Path]:
            moved = done(destinations)
            kept.extend(not content.closed for content in mesh.contents)
            return moved

        monkeypatch.setattr(ledger, "done", noted)
        batch_of(plan_of(tmp_path / "in", out=out, ledger=ledger), ledger=ledger, mesh=mesh).run()
        assert kept == [True]
        assert [content.closed for content in mesh.contents] == [True]


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
