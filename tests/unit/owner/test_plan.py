"""A plan says what a run would do, and starts nothing that is in doubt."""

import os
from pathlib import Path

import pytest

from pixmesh.node.errors import UsageError
from pixmesh.node.owner.ledger import Ledger
from pixmesh.node.owner.plan import OnExists, Plan
from pixmesh.node.owner.row import Row
from pixmesh.ops.digest import digest_of

from .fakes import RECIPE, FakeMesh, batch_of, picture, plan_of


@pytest.fixture
def ledger(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Ledger(tmp_path / "ledger") as ledger:
        yield ledger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture(tmp_path / "in" / "a.jpg")
    return picture(tmp_path / "in" / "b.jpg").parent


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def run(plan: Plan, ledger: Ledger) -> None:
    with FakeMesh() as mesh:
        batch_of(plan, ledger=ledger, mesh=mesh).run()


def todo(plan: Plan) -> list[str]:
    return [str(entry.destination.relative_to(plan.out)) for entry in plan.entries]


def touch(path: Path) -> None:
    os.utime(path, ns=(9, 9))


def test_a_first_plan_does_everything_and_counts_the_rest(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    (folder / "notes.txt").write_text("text")
    plan = plan_of(folder, out=out, ledger=ledger)
    plan.check()
    assert todo(plan) == ["a.jpg", "b.jpg"]
    assert plan.skipped == {".txt": 1}
    assert plan.total_bytes == sum(path.stat().st_size for path in folder.glob("*.jpg"))
    assert plan.disk_needed(2.0) == 2 * plan.total_bytes
    assert plan.disk_free > 0
    assert not out.exists()


def test_what_is_done_is_known_and_what_was_deleted_is_done_again(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    run(plan_of(folder, out=out, ledger=ledger), ledger)
    again = plan_of(folder, out=out, ledger=ledger)
    again.check()
    assert (again.known, again.entries) == (2, ())
    (out / "a.jpg").unlink()
    assert todo(plan_of(folder, out=out, ledger=ledger)) == ["a.jpg"]


@pytest.mark.parametrize("on_exists", OnExists)
def test_a_finished_output_is_known_whatever_is_to_be_done_about_others(
    folder: Path, out: Path, ledger: Ledger, on_exists: OnExists
) -> None:
    run(plan_of(folder, out=out, ledger=ledger), ledger)
    again = plan_of(folder, out=out, ledger=ledger, on_exists=on_exists)
    if on_exists is OnExists.SKIP:
        assert again.known + again.existing == 2
    else:
        assert again.known == 2
    assert again.entries == ()


def test_a_touched_picture_is_the_same_and_a_changed_one_is_not(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    run(plan_of(folder, out=out, ledger=ledger), ledger)
    touch(folder / "a.jpg")
    picture(folder / "b.jpg", "B.jpg")
    plan = plan_of(folder, out=out, ledger=ledger)
    assert (plan.known, plan.conflicts) == (1, (out / "b.jpg",))


def test_another_recipe_is_another_output(folder: Path, out: Path, ledger: Ledger) -> None:
    run(plan_of(folder, out=out, ledger=ledger), ledger)
    plan = plan_of(folder, out=out, ledger=ledger, recipe="grayscale")
    with pytest.raises(UsageError, match="--on-exists skip, replace or number"):
        plan.check()
    assert len(plan.conflicts) == 2


def test_a_conflict_names_the_first_few_and_counts_the_rest(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    for number in range(9):
        picture(tmp_path / "in" / f"{number}.jpg")
        picture(out / f"{number}.jpg")
    with pytest.raises(UsageError, match=r"4\.jpg and 4 more are already there"):
        plan_of(tmp_path / "in", out=out, ledger=ledger).check()


def test_what_is_in_the_way_is_skipped_replaced_or_avoided_as_asked(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    picture(out / "a.jpg", "yours")
    picture(out / "a-2.jpg", "yours too")
    skip = plan_of(folder, out=out, ledger=ledger, on_exists=OnExists.SKIP)
    assert (skip.existing, todo(skip)) == (1, ["b.jpg"])
    replace = plan_of(folder, out=out, ledger=ledger, on_exists=OnExists.REPLACE)
    assert [(one.destination.name, one.replace) for one in replace.entries] == [
        ("a.jpg", True),
        ("b.jpg", False),
    ]
    number = plan_of(folder, out=out, ledger=ledger, on_exists=OnExists.NUMBER)
    assert todo(number) == ["a-3.jpg", "b.jpg"]


def test_a_numbered_output_is_known_the_next_time(folder: Path, out: Path, ledger: Ledger) -> None:
    picture(out / "a.jpg", "yours")
    run(plan_of(folder, out=out, ledger=ledger, on_exists=OnExists.NUMBER), ledger)
    again = plan_of(folder, out=out, ledger=ledger, on_exists=OnExists.NUMBER)
    assert (again.known, again.entries) == (2, ())


def test_a_number_never_meets_another_output(folder: Path, out: Path, ledger: Ledger) -> None:
    picture(folder / "a-2.jpg")
    picture(out / "a.jpg", "yours")
    number = plan_of(folder, out=out, ledger=ledger, on_exists=OnExists.NUMBER)
    assert sorted(todo(number)) == ["a-2.jpg", "a-3.jpg", "b.jpg"]


@pytest.mark.parametrize("on_exists", OnExists)
def test_an_input_is_never_written_over(
    tmp_path: Path, folder: Path, ledger: Ledger, on_exists: OnExists
) -> None:
    (tmp_path / "link").symlink_to(folder)
    for out in (folder, tmp_path / "link", tmp_path / "in" / ".." / "in"):
        with pytest.raises(UsageError, match="never written over"):
            plan_of(folder / "a.jpg", out=out, ledger=ledger, on_exists=on_exists)
        with pytest.raises(UsageError, match="the outputs would become inputs"):
            plan_of(folder, out=out, ledger=ledger, on_exists=on_exists, extension=".webp")


def test_a_folder_of_out_that_leads_back_to_the_inputs_is_seen_through(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    picture(tmp_path / "in" / "sub" / "a.jpg")
    out.mkdir()
    (out / "sub").symlink_to(tmp_path / "in" / "sub")
    with pytest.raises(UsageError, match="never written over"):
        plan_of(tmp_path / "in", out=out, ledger=ledger, on_exists=OnExists.REPLACE)


def test_out_inside_an_input_is_no_input(folder: Path, ledger: Ledger) -> None:
    run(plan_of(folder, out=folder / "out", ledger=ledger), ledger)
    again = plan_of(folder, out=folder / "out", ledger=ledger)
    assert (again.known, again.entries) == (2, ())


def test_out_that_is_a_file_is_refused(folder: Path, tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        plan_of(folder, out=tmp_path / "out", ledger=ledger)


def test_the_first_few_are_done_now_and_the_next_ones_later(
    folder: Path, out: Path, ledger: Ledger
) -> None:
    plan = plan_of(folder, out=out, ledger=ledger, first=1)
    assert (todo(plan), plan.later) == (["a.jpg"], 1)
    run(plan, ledger)
    plan = plan_of(folder, out=out, ledger=ledger, first=1)
    assert (plan.known, todo(plan), plan.later) == (1, ["b.jpg"], 0)


def test_a_digest_in_the_ledger_is_planned_with(folder: Path, out: Path, ledger: Ledger) -> None:
    run(plan_of(folder, out=out, ledger=ledger), ledger)
    (out / "a.jpg").unlink()
    (entry,) = plan_of(folder, out=out, ledger=ledger).entries
    assert entry.digest == digest_of((folder / "a.jpg").read_bytes())
    touch(folder / "a.jpg")
    (entry,) = plan_of(folder, out=out, ledger=ledger).entries
    assert entry.digest is None


def test_what_a_living_owner_works_on_is_left_to_it(
    tmp_path: Path, folder: Path, out: Path, ledger: Ledger
) -> None:
    with Ledger(tmp_path / "ledger") as other:
        (entry, _) = plan_of(folder, out=out, ledger=ledger).entries
        row = Row(
            destination=entry.destination,
            source=entry.picture.path,
            identity=entry.picture.identity,
            digest=None,
            job=None,
            recipe=RECIPE,
            output="",
            temp=out / ".stale.part",
        )
        other.submitted([row])
        plan = plan_of(folder, out=out, ledger=ledger)
        with pytest.raises(UsageError, match=r"a\.jpg is being made by another pixmesh"):
            plan.check()
    plan = plan_of(folder, out=out, ledger=ledger)
    plan.check()
    assert plan.stale == (out / ".stale.part",)
    assert todo(plan) == ["a.jpg", "b.jpg"]


def test_a_plan_changes_nothing(folder: Path, out: Path, ledger: Ledger) -> None:
    before = sorted(path for path in folder.parent.rglob("*") if path.is_file())
    plan_of(folder, out=out, ledger=ledger)
    assert sorted(path for path in folder.parent.rglob("*") if path.is_file()) == before


def test_a_picture_and_a_folder_that_meet_are_told_apart(
    tmp_path: Path, out: Path, ledger: Ledger
) -> None:
    picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "a.webp" / "b.png")
    plan = plan_of(tmp_path / "in", out=out, ledger=ledger, extension=".webp")
    assert sorted(todo(plan)) == ["a.png.webp", "a.webp/b.webp"]
