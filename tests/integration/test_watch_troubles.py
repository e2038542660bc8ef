"""The drop folder in trouble: bad pictures, full disks, lost shares, rivals, lost events."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pixmesh.tests.integration.drops import PATIENCE, Drop, ask, encoded
from pixmesh.tests.integration.test_watch import expect_end, pause
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.photos import require_data
from pixmesh.tests.unit.tui.command import pixmesh

LOSSY = """
import random, sys
from pixmesh.node.folder import assembly, observer, sights
from pixmesh.node.folder.lookout import Pace
assembly.HERE = Pace(every={every}, share=1.0)
heard, lots = observer.FolderObserver.on_any_event, random.Random({seed})
def deaf(self, event):
    if lots.random() >= {lost}:
        heard(self, event)
observer.FolderObserver.on_any_event = deaf
ended = sights.Sights._sweep
def sweep(self, sight):
    ended(self, sight)
    if type(sight).__name__ == "SweepEnded":
        print("swept", file=sys.stderr, flush=True)
sights.Sights._sweep = sweep
"""
SWEPT = "swept\n"

WITHOUT_PRIVILEGES = """
import os, sys
if os.getuid() == 0 and "dac" not in os.environ:
    drop = "-dac_override,-dac_read_search"
    command = ["setpriv", "--bounding-set", drop, "--inh-caps", drop, *sys.orig_argv]
    os.execvpe("setpriv", command, os.environ | {"dac": ""})
"""


@pytest.fixture
def drop(mesh: RealMesh) -> Drop:
    return Drop(mesh)


@contextmanager
def mounted(folder: Path, size: str = "16m") -> Iterator[Path]:
    """Mount memory at a folder; skip the test where this user may not."""
    folder.mkdir(exist_ok=True)
    mount(folder, size)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def mount(folder: Path, size: str = "16m") -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", str(folder)], check=True)


# ---- pictures that are bad -----------------------------------------------------------------


def test_hostile_pictures_and_names_each_have_their_outcome(drop: Drop) -> None:
    bad = require_data("bad")
    drop.source.mkdir()
    for path in bad.iterdir():
        if path.is_file() and path.stat().st_size < 4_000_000:
            (drop.source / path.name).write_bytes(path.read_bytes())
    names = [
        "new\nline.png",
        "%s%n.png",
        "a;rm -rf b.png",
        "😀.png",
        "e\u0301.png",
        "x" * 251 + ".png",
    ]
    for number, name in enumerate(names):
        drop.put(name, number)
    odd = os.fsdecode(b"\xff\xfe odd.png")
    drop.put(odd, 9)
    watcher = drop.watch()
    drop.expect(*names, odd, says=watcher)
    pictures = {path.name for path in drop.source.iterdir()}
    eventually(lambda: len(drop.outcomes()) >= len(pictures) - 4, PATIENCE, watcher.said())
    pause(1.0)
    found = set(drop.there()) | {name.removesuffix(".json") for name in drop.failed()}
    unknown = {name for name in pictures - found if Path(name).suffix}
    assert unknown == set(), watcher.said()
    for name in drop.failed():
        note = json.loads((drop.out / "_failed" / name).read_text())
        assert note["code"]
        assert note["reason"]
        assert name.removesuffix(".json") in note["source"] or not name.isascii()
    assert "trunc_50pct_garden.jpg.json" in drop.failed()
    assert "jpeg_trailing_garbage.jpg" in drop.there()
    expect_end(watcher)


def test_a_cut_picture_fails_with_its_reason_and_is_taken_when_it_is_whole(drop: Drop) -> None:
    whole = encoded(1)
    drop.source.mkdir()
    (drop.source / "a.png").write_bytes(whole[: len(whole) // 2])
    watcher = drop.watch()
    eventually(lambda: drop.failed() == ["a.png.json"], PATIENCE, watcher.said())
    eventually(lambda: "failed: a.png: " in watcher.said(), 10)
    assert (
        "ends too early" in json.loads((drop.out / "_failed" / "a.png.json").read_text())["reason"]
    )
    (drop.source / "a.png").write_bytes(whole)
    drop.expect("a.png", says=watcher)
    drop.check("a.png", 1)
    eventually(lambda: drop.failed() == [], 10)
    expect_end(watcher)


def test_a_file_that_may_not_be_read_fails_and_is_taken_when_it_may(drop: Drop) -> None:
    """root may read everything: as root, the watcher runs without that privilege."""
    drop.put("a.png", 1).chmod(0)
    drop.put("b.png", 2)
    watcher = drop.watch(lines=WITHOUT_PRIVILEGES)
    drop.expect("b.png", says=watcher)
    eventually(lambda: "failed: a.png: cannot be read: Permission denied" in watcher.said(), 20)
    (drop.source / "a.png").chmod(0o644)
    drop.expect("a.png", says=watcher)
    expect_end(watcher)


# ---- disks and shares ----------------------------------------------------------------------


def test_a_share_that_goes_away_is_waited_for_and_nothing_is_forgotten(drop: Drop) -> None:
    with mounted(drop.source) as share:
        drop.put("a.png", 1)
        watcher = drop.watch()
        drop.expect("a.png", says=watcher)
        unmount(share)
        eventually(lambda: "is not mounted" in watcher.said(), PATIENCE)
        mount(share)
        drop.put("a.png", 1)
        drop.put("b.png", 2)
        drop.expect("b.png", says=watcher)
        assert "going on" in watcher.said()
        eventually(lambda: drop.outcomes() == {"a.png": 1, "b.png": 1}, 10)
        drop.put("c.png", 3)
        drop.expect("c.png", says=watcher)
        expect_end(watcher)


def test_a_folder_that_is_removed_and_made_again_is_watched_again(drop: Drop) -> None:
    watcher = drop.watch()
    drop.source.rename(drop.mesh.folder / "away")
    eventually(lambda: "is not there" in watcher.said(), PATIENCE)
    drop.put("b.png", 2)
    drop.expect("b.png", says=watcher)
    drop.put("c.png", 3)
    drop.expect("c.png", says=watcher)
    expect_end(watcher)


def test_a_full_disk_pauses_and_goes_on_when_there_is_room(drop: Drop) -> None:
    with mounted(drop.out, "256k") as out:
        ballast = out / "ballast"
        ballast.write_bytes(bytes(250 * 1024))
        for number in range(8):
            drop.put(f"{number}.png", number)
        watcher = drop.watch()
        eventually(lambda: "paused: " in watcher.said(), PATIENCE, watcher.said())
        assert "No space left" in watcher.said()
        assert not list(out.rglob("*.part"))
        ballast.unlink()
        drop.expect(*(f"{number}.png" for number in range(8)), says=watcher)
        for number in range(8):
            drop.check(f"{number}.png", number)
        assert drop.failed() == []
        expect_end(watcher)


def test_an_out_that_goes_away_is_not_written_beside(drop: Drop) -> None:
    with mounted(drop.out) as out:
        watcher = drop.watch()
        drop.put("a.png", 1)
        drop.expect("a.png", says=watcher)
        unmount(out)
        drop.put("b.png", 2)
        eventually(lambda: "on another file system" in watcher.said(), PATIENCE)
        assert drop.there() == []
        expect_end(watcher)
        assert drop.there() == []


# ---- rivals --------------------------------------------------------------------------------


def test_a_second_watcher_says_that_there_is_a_first_and_stops(drop: Drop) -> None:
    first = drop.watch()
    second = drop.start()
    assert second.code() == 2
    assert "is worked already" in second.said()
    drop.put("a.png", 1)
    drop.expect("a.png", says=first)
    first.kill()
    third = drop.watch()
    drop.put("b.png", 2)
    drop.expect("b.png", says=third)
    expect_end(third)
    assert not (drop.out / ".pixmesh-folder.json").exists()


def test_a_claim_of_another_machine_counts_while_it_changes(drop: Drop) -> None:
    drop.out.mkdir()
    claim = drop.out / ".pixmesh-folder.json"
    other = {"host": "atlas", "source": "/mnt/in", "owner": "x", "ledger": "/l", "beat": 0}
    claim.write_text(json.dumps(other))
    lines = "from pixmesh.node.folder import claim\nclaim.PATIENCE = 2.0"
    watcher = drop.start(lines=lines)

    def is_refused() -> bool:
        other["beat"] = int(str(other["beat"])) + 1
        (drop.out / "next").write_text(json.dumps(other))
        (drop.out / "next").rename(claim)
        return watcher.ended

    eventually(is_refused, 20)
    assert watcher.code() == 2
    assert "by atlas, from /mnt/in" in watcher.said()
    drop.put("a.png", 1)
    later = drop.watch(lines=lines)
    drop.expect("a.png", says=later)
    expect_end(later)


# ---- events and signals --------------------------------------------------------------------


def test_lost_events_are_made_up_for_by_sweeps(drop: Drop) -> None:
    watcher = drop.watch(lines=LOSSY.format(every=2.0, seed=7, lost=0.9))
    names = [f"{number % 5}/{number}.png" for number in range(60)]
    for number, name in enumerate(names):
        drop.put(name, number)
        pause(0.01)
    swept = watcher.said().count(SWEPT)
    drop.expect(*names, says=watcher)
    # The one that goes on may have passed a folder already; the two after it see all.
    assert watcher.said().count(SWEPT) - swept <= 3
    assert set(drop.outcomes().values()) == {1}
    expect_end(watcher)


@pytest.mark.usefixtures("nap")
def test_told_twice_it_ends_at_once_and_goes_on_when_it_starts_again(drop: Drop) -> None:
    recipe = "nap seconds=0.1 | grayscale"
    for number in range(30):
        drop.put(f"{number}.png", number)
    watcher = drop.watch(recipe=recipe)
    eventually(lambda: len(drop.there()) > 2, PATIENCE)
    watcher.tell(signal.SIGINT)
    watcher.tell(signal.SIGINT)
    assert watcher.code() == 130
    watcher.killed = True
    again = drop.watch(recipe=recipe)
    drop.expect(*(f"{number}.png" for number in range(30)), says=again)
    done = ask(
        "SELECT destination, count(*) FROM history WHERE state = 'done' GROUP BY destination"
    )
    assert {count for _, count in done} == {1}
    expect_end(again)


@pytest.mark.usefixtures("nap")
def test_what_a_person_cancels_is_not_made_until_someone_says_retry(drop: Drop) -> None:
    slow = "nap seconds=2.0"
    for seed, name in enumerate(("a.png", "b.png", "c.png")):
        drop.put(name, seed)
    watcher = drop.watch(recipe=slow)
    eventually(lambda: len(submitted()) == 3, PATIENCE, watcher.said())
    done = pixmesh("jobs", "cancel", str(drop.source / "c.png"), folder=drop.mesh.folder)
    assert done.code == 0, done.err
    eventually(lambda: "failed: c.png: cancelled" in watcher.said(), 20, watcher.said())
    watcher.tell(signal.SIGINT)
    watcher.tell(signal.SIGINT)
    watcher.code()
    watcher.killed = True
    again = drop.watch(recipe=slow)
    drop.expect("a.png", "b.png", says=again)
    assert drop.there() == ["a.png", "b.png"]
    done = pixmesh("jobs", "retry", str(drop.source / "c.png"), folder=drop.mesh.folder)
    assert done.code == 0, done.err
    drop.expect("c.png", says=again)
    expect_end(again)


def submitted() -> list[tuple[object, ...]]:
    return ask("SELECT destination FROM history WHERE state = 'submitted'")


def test_a_broker_that_is_started_again_changes_nothing_and_status_shows_the_stages(
    drop: Drop,
) -> None:
    broker = drop.mesh.broker()
    drop.mesh.node("atlas", slots=1)
    watcher = drop.watch(local=False)
    drop.put("a.png", 1)
    drop.expect("a.png", says=watcher)
    eventually(lambda: [one.written for one in drop.mesh.status().folders] == [1], 10)
    broker.kill()
    drop.mesh.broker()
    drop.put("b.png", 2)
    drop.expect("b.png", says=watcher)
    eventually(lambda: [one.written for one in drop.mesh.status().folders] == [2], 10)
    expect_end(watcher)
    eventually(lambda: drop.mesh.status().folders == (), 10)
