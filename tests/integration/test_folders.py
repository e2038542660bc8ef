"""`pixmesh folders`: a watched folder rests while people want it to, and is told of everywhere."""

import json
import signal

import pytest

from pixmesh.broker.views import FolderView
from pixmesh.tests.integration.drops import PATIENCE, Drop
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.unit.tui.command import Finished, pixmesh

PAUSED = "by a person, until 'pixmesh folders resume'"


@pytest.fixture
def drop(mesh: RealMesh) -> Drop:
    mesh.broker()
    mesh.nodes("atlas", slots=1)
    return Drop(mesh)


def watch(drop: Drop) -> Member:
    """Watch for the mesh; return when its status shows it."""
    watcher = drop.watch(local=False)
    eventually(lambda: view(drop), PATIENCE)
    return watcher


def view(drop: Drop) -> FolderView:
    (one,) = drop.mesh.status().folders
    return one


def folders(drop: Drop, *words: str) -> Finished:
    return pixmesh("folders", *words, folder=drop.mesh.folder)


def expect_paused(drop: Drop) -> None:
    eventually(lambda: view(drop).paused == PAUSED, PATIENCE)


def test_paused_what_comes_waits_and_resumed_it_comes_out(drop: Drop) -> None:
    watcher = watch(drop)
    told = folders(drop, "pause", "in")
    assert (told.code, told.out) == (0, "")
    assert f"is told to pause {drop.source}" in told.err
    expect_paused(drop)
    drop.put("a.png", 1)
    eventually(lambda: view(drop).waiting == 1, PATIENCE)
    assert drop.there() == []
    status = pixmesh("status", folder=drop.mesh.folder).out
    assert f"paused: {PAUSED}" in status
    assert folders(drop, "resume", view(drop).id).code == 0
    drop.expect("a.png", says=watcher)
    drop.check("a.png", 1)
    eventually(lambda: view(drop).paused == "", PATIENCE)
    assert drop.outcomes() == {"a.png": 1}


def test_a_watcher_that_is_started_again_works(drop: Drop) -> None:
    watcher = watch(drop)
    folders(drop, "pause", str(drop.out))
    expect_paused(drop)
    drop.put("a.png", 1)
    watcher.tell(signal.SIGINT)
    assert watcher.code() == 130, watcher.said()
    drop.expect("a.png", says=drop.watch(local=False))


def test_folders_are_listed_and_one_that_is_not_watched_is_a_mistake(drop: Drop) -> None:
    assert "pixmesh watch" in folders(drop, "list").out
    watch(drop)
    one = view(drop)
    head, line = folders(drop, "list").out.splitlines()
    assert head.split()[0] == "ID"
    assert line.split()[0] == one.id
    facts = json.loads(folders(drop, "list", "--json").out)
    assert facts["schema"] == 1
    assert [(found["id"], found["source"]) for found in facts["folders"]] == [(one.id, one.source)]
    for what in ("pause", "resume"):
        wrong = folders(drop, what, "elsewhere")
        assert wrong.code == 2
        assert f"{one.id} ({one.source} -> {one.out})" in wrong.err
    assert view(drop).paused == ""
