"""`pixmesh jobs` beside real runs and watchers: list, show, retry, cancel."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from pixmesh.node.state import StateFolder
from pixmesh.tests.integration.drops import PATIENCE, Drop, ask, encoded
from pixmesh.tests.integration.test_cli_run import draw, outputs
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.unit.tui.command import Finished, pixmesh

pytestmark = [pytest.mark.usefixtures("nap")]

SLOW = "nap seconds=2.0"
RUN = ("run", SLOW, "in", "-o", "out", "--slots", "1", "--json")


def jobs(mesh: RealMesh, *words: str) -> Finished:
    return pixmesh("jobs", *words, folder=mesh.folder)


def counts(mesh: RealMesh, *words: str) -> dict[str, int]:
    found = jobs(mesh, "list", "--json", *words)
    assert found.code == 0, found.err
    told: dict[str, int] = json.loads(found.out)["counts"]
    return told


def submitted() -> int:
    """Count what is under way, in the ledger itself: the command takes its time to start."""
    if not StateFolder.open().ledger.exists():
        return 0
    ((count,),) = ask("SELECT count(*) FROM outputs WHERE state = 'submitted'")
    assert isinstance(count, int)
    return count


def under_way(mesh: RealMesh, many: int) -> Member:
    """Start a run of so many pictures on one slot; return when all are submitted."""
    draw(mesh.folder / "in", many)
    run = mesh.start(*RUN)
    eventually(lambda: submitted() == many, PATIENCE, "never submitted")
    return run


# ---- beside a run --------------------------------------------------------------------------


def test_pictures_that_are_cancelled_are_left_out_of_a_run_and_named(mesh: RealMesh) -> None:
    run = under_way(mesh, 3)
    assert counts(mesh, "--state", "submitted", "--under", "in") == {"submitted": 3}
    told = jobs(mesh, "cancel", "in/001.png", "out/002.png")
    assert (told.code, told.err.count("is being cancelled")) == (0, 2)
    assert run.code() == 5, run.said()
    summary = json.loads(run.data())
    names = [Path(one).name for one in summary["taken_back"]]
    assert (summary["done"], summary["failed"], sorted(names)) == (1, [], ["001.png", "002.png"])
    assert run.said().count("cancelled: ") == 2
    assert "the mesh was lost" not in run.said()
    assert outputs(mesh.folder / "out") == {"000.png"}
    assert counts(mesh) == {"done": 1, "cancelled": 2}


def test_a_picture_that_runs_is_cancelled_too_and_tried_when_it_is_asked_for_again(
    mesh: RealMesh,
) -> None:
    run = under_way(mesh, 1)
    assert jobs(mesh, "cancel", "in/000.png").code == 0
    assert run.code() == 5, run.said()
    assert outputs(mesh.folder / "out") == set()
    story = jobs(mesh, "show", "in/000.png").out
    assert "cancelled: by pixmesh jobs cancel" in story
    assert story.count("submitted") == 1
    again = jobs(mesh, "retry", "in/000.png")
    assert (again.code, "run the same command again" in again.err) == (0, True)
    draw(mesh.folder / "in", 1)
    assert mesh.start(*RUN).code() == 0
    assert counts(mesh) == {"done": 1}


def test_what_is_done_cannot_be_cancelled_nor_tried_again(mesh: RealMesh) -> None:
    draw(mesh.folder / "in", 1)
    assert mesh.start("run", "grayscale", "in", "-o", "out").code() == 0
    for wish in ("cancel", "retry"):
        refused = jobs(mesh, wish, "in/000.png")
        assert (refused.code, "is done" in refused.err) == (2, True)
    assert counts(mesh) == {"done": 1}


def test_what_a_killed_run_left_is_cancelled_at_once_and_leaves_nothing(mesh: RealMesh) -> None:
    run = under_way(mesh, 2)
    run.kill()
    told = jobs(mesh, "cancel", "in/001.png", "--json")
    assert [one["what"] for one in json.loads(told.out)["outputs"]] == ["is cancelled"]
    refused = jobs(mesh, "retry", "in/000.png")
    assert (refused.code, "it continues" in refused.err) == (2, True)
    assert counts(mesh) == {"submitted": 1, "cancelled": 1}
    assert mesh.start(*RUN).code() == 0
    assert counts(mesh) == {"done": 2}


def test_everything_that_failed_is_found_and_asked_for_again(mesh: RealMesh) -> None:
    good, bad = draw(mesh.folder / "in", 2)
    bad.write_bytes(bad.read_bytes()[:40])
    assert mesh.start("run", "grayscale", "in", "-o", "out").code() == 5
    (one,) = json.loads(jobs(mesh, "list", "--state", "failed", "--json").out)["jobs"]
    assert (Path(one["source"]), bool(one["reason"])) == (bad, True)
    last = jobs(mesh, "list").out.splitlines()[-1]
    assert last == "1 done, 1 failed"
    assert jobs(mesh, "list", "--limit", "1").out.endswith("the latest 1 are shown\n")
    assert "nothing has failed" in jobs(mesh, "retry", "--failed", "--under", "elsewhere").err
    told = json.loads(jobs(mesh, "retry", "--failed", "--under", "in", "--json").out)
    assert [Path(one["source"]) for one in told["outputs"]] == [bad]
    good.unlink()


def test_a_name_that_nobody_knows_is_a_usage_error_with_and_without_a_ledger(
    mesh: RealMesh,
) -> None:
    assert jobs(mesh, "list").out == "nothing\n"
    for _ in range(2):
        for wish in ("show", "cancel", "retry"):
            refused = jobs(mesh, wish, "nobody.jpg")
            assert (refused.code, "nothing is known of nobody.jpg" in refused.err) == (2, True)
        draw(mesh.folder / "in", 1)
        assert mesh.start("run", "grayscale", "in", "-o", "out").code() == 0
    assert jobs(mesh, "retry").code == jobs(mesh, "retry", "a", "--failed").code == 2


def test_a_story_says_when_and_where(mesh: RealMesh) -> None:
    draw(mesh.folder / "in", 1)
    assert mesh.start("run", "grayscale", "in", "-o", "out").code() == 0
    data: dict[str, Any] = json.loads(jobs(mesh, "show", "in/000.png", "--json").out)
    (output,) = data["outputs"]
    node = output["node"]
    assert [one["state"] for one in output["history"]] == ["submitted", "committing", "done"]
    assert (data["schema"], output["history"][-1]["node"]) == (1, node)
    for word in ("in/000.png", "out/000.png", output["job"][:8]):
        assert f"done on {node}" in jobs(mesh, "show", word).out.splitlines()[-1]


# ---- beside a watcher ----------------------------------------------------------------------


@pytest.fixture
def drop(mesh: RealMesh) -> Drop:
    return Drop(mesh)


def ends(watcher: Member) -> None:
    watcher.tell(signal.SIGINT)
    assert watcher.code() == 128 + signal.SIGINT, watcher.said()


def failures(mesh: RealMesh) -> int:
    shown = jobs(mesh, "show", "in/bad.png", "--json")
    if shown.code:
        return 0
    (one,) = json.loads(shown.out)["outputs"]
    return [change["state"] for change in one["history"]].count("failed")


def test_a_failed_picture_of_a_watched_folder_is_tried_again_at_once(drop: Drop) -> None:
    watcher = drop.watch()
    (drop.source / "bad.png").write_bytes(encoded(1)[:-30] + bytes(18) + encoded(1)[-12:])
    eventually(lambda: failures(drop.mesh) == 1, PATIENCE, "never failed")
    told = jobs(drop.mesh, "retry", "--failed")
    assert "is tried again now" in told.err
    eventually(lambda: failures(drop.mesh) == 2, PATIENCE, "never tried again")
    ends(watcher)


def test_a_file_that_is_not_taken_on_yet_is_listed_and_told_of(drop: Drop) -> None:
    watcher = drop.watch("--settle", "60s")
    drop.put("new.png", 1)
    eventually(lambda: counts(drop.mesh) == {"seen": 1}, PATIENCE, "never seen")
    assert "seen since" in jobs(drop.mesh, "show", "in/new.png").out
    (one,) = json.loads(jobs(drop.mesh, "list", "--under", "out", "--json").out)["jobs"]
    assert (one["state"], Path(one["source"])) == ("seen", drop.source / "new.png")
    ends(watcher)
    refused = jobs(drop.mesh, "cancel", "in/new.png")
    assert (refused.code, "nobody watches its folder now" in refused.err) == (2, True)


def test_a_picture_of_a_watched_folder_that_is_cancelled_is_not_made_again(drop: Drop) -> None:
    draw(drop.source, 3)
    watcher = drop.watch(recipe=SLOW)
    eventually(lambda: submitted() == 3, PATIENCE, "never submitted")
    assert "is being cancelled" in jobs(drop.mesh, "cancel", "in/002.png").err
    drop.expect("000.png", "001.png", says=watcher)
    assert counts(drop.mesh) == {"done": 2, "cancelled": 1}
    assert jobs(drop.mesh, "show", "in/002.png").out.count("submitted") == 1
    ends(watcher)


def test_a_file_that_is_cancelled_before_it_is_taken_on_is_not_made(drop: Drop) -> None:
    watcher = drop.watch("--settle", "60s")
    drop.put("new.png", 1)
    eventually(lambda: counts(drop.mesh) == {"seen": 1}, PATIENCE, "never seen")
    assert "its watcher is told" in jobs(drop.mesh, "cancel", "in/new.png").err
    eventually(lambda: counts(drop.mesh) == {"cancelled": 1}, PATIENCE, "never cancelled")
    assert drop.there() == []
    ends(watcher)


def test_a_copy_of_what_was_made_before_is_cancelled_like_any_other(drop: Drop) -> None:
    watcher = drop.watch("--settle", "1s")
    drop.put("old.png", 1)
    drop.expect("old.png", says=watcher)
    ends(watcher)
    watcher = drop.watch("--settle", "60s")
    drop.put("new.png", 1)
    eventually(lambda: counts(drop.mesh).get("seen") == 1, PATIENCE, "never seen")
    assert "its watcher is told" in jobs(drop.mesh, "cancel", "in/new.png").err
    eventually(lambda: counts(drop.mesh).get("cancelled") == 1, PATIENCE, "never cancelled")
    assert drop.there() == ["old.png"]
    ends(watcher)
