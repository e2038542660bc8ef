"""The drop folder: what is taken, when, and what comes of it, with a real watcher process."""

import json
import os
import shutil
import signal
import threading

import cv2
import pytest

from pixmesh.tests.integration.drops import PATIENCE, Drop, encoded
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, RealMesh
from pixmesh.tests.support.photos import drawn
from pixmesh.tests.unit.tui.command import pixmesh


@pytest.fixture
def drop(mesh: RealMesh) -> Drop:
    return Drop(mesh)


def pause(seconds: float) -> None:
    """Let a writer take its time: that is what is tested."""
    threading.Event().wait(seconds)


def expect_end(watcher: Member, number: int = signal.SIGINT) -> None:
    """End a watcher gently; nothing went wrong in it."""
    watcher.tell(number)
    assert watcher.code() == 128 + number, watcher.said()
    assert "Traceback" not in watcher.said()


# ---- what is taken, and when ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "between"),
    [(".jpg", 0.05), pytest.param(".jpg", 0.25, marks=pytest.mark.soak)],
)
def test_a_slow_writer_is_waited_for_though_it_closes_the_file_each_time(
    drop: Drop, suffix: str, between: float
) -> None:
    watcher = drop.watch()
    data = bytes(cv2.imencode(suffix, drawn(1, 400, 300))[1].tobytes())
    path, piece = drop.source / f"slow{suffix}", len(data) // 20 + 1
    for number in range(20):
        with path.open("ab") as file:
            file.write(data[number * piece : (number + 1) * piece])
        pause(0.4 if number == 10 else between)
    drop.expect(path.name, says=watcher)
    assert drop.outcomes() == {path.name: 1}
    assert drop.failed() == []
    expect_end(watcher)


def test_files_come_by_writing_by_renaming_and_with_whole_folders(drop: Drop) -> None:
    """Those that were there before, too; sub-folders are mirrored."""
    drop.put("before.png", 1)
    watcher = drop.watch()
    drop.put("written.png", 2)
    drop.put("renamed.png.part", 3).rename(drop.source / "renamed.png")
    aside = drop.mesh.folder / "aside"
    drop.put("moved/a.png", 4, folder=aside)
    drop.put("moved/deep/er/b.png", 5, folder=aside)
    (aside / "moved").rename(drop.source / "moved")
    drop.put("new/folder/c.png", 6)
    names = ["before.png", "written.png", "renamed.png", "moved/a.png", "moved/deep/er/b.png"]
    drop.expect(*names, "new/folder/c.png", says=watcher)
    drop.put("moved/later.png", 7)
    drop.put("moved/deep/later.png", 8)
    drop.expect("moved/later.png", "moved/deep/later.png", says=watcher)
    drop.check("renamed.png", 3)
    drop.check("moved/deep/er/b.png", 5)
    drop.check("moved/deep/later.png", 8)
    assert set(drop.outcomes().values()) == {1}
    expect_end(watcher, signal.SIGTERM)


def test_temp_hidden_and_system_files_are_left_and_so_is_what_is_no_picture(drop: Drop) -> None:
    watcher = drop.watch("-v")
    left = [".hidden.png", "._a.png", "a.png.part", "b.tmp", "c.png.crdownload", "d.png~"]
    for number, name in enumerate([*left, "@eaDir/e.png", "Thumbs.db", ".git/f.png"]):
        drop.put(name, number)
    (drop.source / "readme.txt").write_text("no picture")
    drop.put("last.png", 99)
    drop.expect("last.png", says=watcher)
    eventually(lambda: "no picture: readme.txt" in watcher.said(), 10)
    assert drop.there() == ["last.png"]
    assert drop.failed() == []
    expect_end(watcher)


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.soak)])
def test_a_storm_of_copies_all_come_out_once(drop: Drop, count: int) -> None:
    watcher = drop.watch()
    names = [f"{number % 7}/{number:04}.png" for number in range(count)]
    for number, name in enumerate(names):
        drop.put(name, number)
    drop.expect(*names, says=watcher)
    for number, name in enumerate(names[::20]):
        drop.check(name, number * 20)
    assert set(drop.outcomes().values()) == {1}
    expect_end(watcher)


@pytest.mark.soak
def test_links_that_lead_in_circles_end(drop: Drop) -> None:
    drop.put("a/b.png", 1)
    (drop.source / "a" / "round").symlink_to(drop.source, target_is_directory=True)
    (drop.source / "self").symlink_to("self")
    watcher = drop.watch()
    drop.expect("a/b.png", says=watcher)
    drop.put("a/c.png", 2)
    drop.expect("a/c.png", says=watcher)
    assert drop.there() == ["a/b.png", "a/c.png"]
    expect_end(watcher)


def test_clocks_do_not_matter(drop: Drop) -> None:
    watcher = drop.watch()
    for name, seconds in [("future.png", 4e9), ("past.png", 1.0), ("back.png", 1e9)]:
        path = drop.put(name, int(seconds) % 97)
        os.utime(path, (seconds, seconds))
    path = drop.put("changed.png", 5)
    drop.expect("future.png", "past.png", "back.png", "changed.png", says=watcher)
    before = path.stat().st_mtime
    drop.put("changed.png", 6)
    os.utime(path, (before - 3600, before - 3600))
    eventually(lambda: drop.is_right("changed.png", 6), PATIENCE)
    expect_end(watcher)


# ---- what is known -------------------------------------------------------------------------


def test_a_copy_comes_out_without_being_computed_and_a_touched_file_is_left(drop: Drop) -> None:
    first = drop.put("a.png", 1)
    watcher = drop.watch()
    drop.expect("a.png", says=watcher)
    shutil.copy(first, drop.source / "copy.png")
    drop.expect("copy.png", says=watcher)
    drop.check("copy.png", 1)
    assert (drop.attempts("a.png"), drop.attempts("copy.png")) == (1, 0)
    first.touch()
    first.rename(drop.source / "renamed.png")
    drop.expect("renamed.png", says=watcher)
    assert drop.attempts("renamed.png") == 0
    assert drop.outcomes() == {"a.png": 1, "copy.png": 1, "renamed.png": 1}
    expect_end(watcher)


def test_a_file_that_is_overwritten_is_made_anew_even_while_it_runs(drop: Drop) -> None:
    watcher = drop.watch(recipe="blur ksize=51 | grayscale")
    for seed in range(12):
        drop.put("a.png", seed)
        pause(0.15)
    drop.expect("a.png", says=watcher)
    wanted = cv2.cvtColor(
        cv2.GaussianBlur(drawn(11, 48, 32), (51, 51), 0), cv2.COLOR_BGR2GRAY
    ).tobytes()

    def is_last() -> bool:
        found = cv2.imread(str(drop.out / "a.png"), cv2.IMREAD_UNCHANGED)
        return found is not None and found.tobytes() == wanted

    eventually(is_last, PATIENCE, watcher.said())
    assert drop.failed() == []
    expect_end(watcher)


def test_a_restart_makes_nothing_again_and_another_recipe_makes_all(drop: Drop) -> None:
    for number in range(3):
        drop.put(f"{number}.png", number)
    names = [f"{number}.png" for number in range(3)]
    watcher = drop.watch()
    drop.expect(*names, says=watcher)
    eventually(lambda: len(drop.outcomes()) == 3, 10)
    expect_end(watcher)
    stamps = [(drop.out / name).stat().st_mtime_ns for name in names]
    (drop.out / "1.png").unlink()  # taken away by people: they have it
    again = drop.watch()
    drop.put("new.png", 9)
    drop.expect("new.png", says=again)
    expect_end(again)
    assert drop.there() == ["0.png", "2.png", "new.png"]
    assert [(drop.out / name).stat().st_mtime_ns for name in names[::2]] == stamps[::2]
    third = drop.watch(recipe="grayscale | blur ksize=3")
    eventually(lambda: len(drop.there()) == 4, PATIENCE, third.said())
    eventually(lambda: set(drop.outcomes().values()) == {2}, 10)
    expect_end(third)


# ---- names ---------------------------------------------------------------------------------


def test_two_that_would_meet_keep_their_extensions(drop: Drop) -> None:
    drop.put("a.jpg", 1)
    drop.put("a.png", 2)
    watcher = drop.watch("--format", "webp")
    drop.expect("a.jpg.webp", "a.png.webp", says=watcher)
    drop.put("b.png", 3)
    drop.expect("b.webp", says=watcher)
    drop.put("b.bmp", 4)
    drop.expect("b.bmp.webp", says=watcher)
    assert drop.there() == ["a.jpg.webp", "a.png.webp", "b.bmp.webp", "b.webp"]
    expect_end(watcher)


@pytest.mark.parametrize(
    ("policy", "there", "failed"),
    [
        (None, "foreign", ["a.png.json"]),
        pytest.param("skip", "foreign", [], marks=pytest.mark.soak),
        pytest.param("replace", "ours", [], marks=pytest.mark.soak),
        ("number", "foreign", []),
    ],
)
def test_a_file_that_nobody_knows_is_not_written_over_unless_asked(
    drop: Drop, policy: str | None, there: str, failed: list[str]
) -> None:
    drop.out.mkdir()
    (drop.out / "a.png").write_bytes(b"foreign")
    drop.put("a.png", 1)
    drop.put("b.png", 2)
    watcher = drop.watch(*([] if policy is None else ["--on-exists", policy]))
    drop.expect("b.png", *(["a-2.png"] if policy == "number" else []), says=watcher)
    eventually(lambda: drop.is_right("a.png", 1) == (there == "ours"), PATIENCE)
    eventually(lambda: drop.failed() == failed, PATIENCE)
    if there == "foreign":
        assert (drop.out / "a.png").read_bytes() == b"foreign"
    expect_end(watcher)


def test_several_outputs_each_have_a_folder(drop: Drop) -> None:
    drop.put("x/a.png", 1)
    words = ("--to", "gray=grayscale", "--to", "neg=grayscale | blur ksize=3", "in", "-o", "out")
    drop.source.mkdir(exist_ok=True)
    watcher = drop.mesh.start("watch", *words, "--slots", "1", "--settle", "300ms")
    drop.expect("gray/x/a.png", "neg/x/a.png", says=watcher)
    drop.check("gray/x/a.png", 1)
    expect_end(watcher)


def test_what_is_taken_away_stays_away_until_someone_says_retry(drop: Drop) -> None:
    """And of several outputs, only what is not there is made anew."""
    source = drop.put("a.png", 1)
    words = ("--to", "gray=grayscale", "--to", "neg=invert", "in", "-o", "out")
    watcher = drop.mesh.start("watch", *words, "--slots", "1", "--settle", "300ms")
    drop.expect("gray/a.png", "neg/a.png", says=watcher)
    refused = pixmesh("jobs", "retry", str(source), folder=drop.mesh.folder)
    assert (refused.code, "take its output away" in refused.err) == (2, True)
    kept = (drop.out / "neg" / "a.png").stat().st_ino
    (drop.out / "gray" / "a.png").unlink()
    done = pixmesh("jobs", "retry", str(source), folder=drop.mesh.folder)
    assert done.code == 0, done.err
    drop.expect("gray/a.png", "neg/a.png", says=watcher)
    drop.check("gray/a.png", 1)
    assert (drop.out / "neg" / "a.png").stat().st_ino == kept
    expect_end(watcher)


# ---- originals -----------------------------------------------------------------------------


def test_finished_originals_are_moved_and_never_over_another(drop: Drop) -> None:
    old = drop.mesh.folder / "old"
    old.mkdir()
    (old / "a.png").write_bytes(b"another")
    drop.put("a.png", 1)
    drop.put("x/b.png", 2)
    (drop.source / "broken.png").write_bytes(encoded(3)[:100])
    watcher = drop.watch("--on-done", f"move={old}")
    eventually(lambda: (old / "a-2.png").exists() and (old / "x" / "b.png").exists(), PATIENCE)
    assert (drop.out / "a.png").exists()
    assert (old / "a.png").read_bytes() == b"another"
    assert (old / "a-2.png").read_bytes() == encoded(1)
    eventually(lambda: drop.failed() == ["broken.png.json"], PATIENCE)
    assert sorted(path.name for path in drop.source.rglob("*.png")) == ["broken.png"]
    drop.put("a.png", 1)
    eventually((old / "a-3.png").exists, PATIENCE)
    expect_end(watcher)


# ---- what a person asks for ----------------------------------------------------------------


@pytest.mark.soak
def test_only_what_is_wanted_is_taken(drop: Drop) -> None:
    for number, name in enumerate(["a.png", "raw/b.tif", "raw/no/c.tif", "d.bmp"]):
        drop.put(name, number)
    watcher = drop.watch("--include", "*.png", "--include", "raw/**", "--exclude", "raw/no/*")
    drop.expect("a.png", "raw/b.tif", says=watcher)
    drop.put("e.png", 9)
    drop.expect("e.png", says=watcher)
    assert drop.there() == ["a.png", "e.png", "raw/b.tif"]
    expect_end(watcher)


def test_it_can_look_by_itself_instead_of_being_told(drop: Drop) -> None:
    spoiled = "from pixmesh.node.folder import observer\ndel observer.Observer"
    watcher = drop.watch("--poll", "0.2s", lines=spoiled)
    drop.put("a.png", 1)
    drop.expect("a.png", says=watcher)
    expect_end(watcher)


def test_folders_of_a_settings_file_are_watched_together(drop: Drop) -> None:
    table = '[[watch]]\nin = "{0}"\nout = "{0}-out"\nrecipe = "{1}"\nsettle = 0.3\n'
    text = (
        '[recipes]\ngray = "grayscale"\n'
        + table.format("x", "gray")
        + table.format("y", "blur ksize=3")
    )
    (drop.mesh.folder / "pixmesh.toml").write_text(text)
    for name in "xy":
        drop.put("a.png", 1, folder=drop.mesh.folder / name)
    watcher = drop.mesh.start("watch", "--slots", "1")
    outs = [drop.mesh.folder / f"{name}-out" / "a.png" for name in "xy"]
    eventually(lambda: all(out.exists() for out in outs), PATIENCE, watcher.said())
    expect_end(watcher)


def test_what_is_told_to_programs_is_json_and_to_pipes_is_plain(drop: Drop) -> None:
    drop.put("a.png", 1)
    watcher = drop.watch("--json")
    drop.expect("a.png", says=watcher)
    (written,) = eventually(lambda: _events(watcher, "written"), 10, watcher.said())
    stages = eventually(lambda: _events(watcher, "stage"), 10, watcher.said())
    assert stages[-1]["path"] == "a.png"
    assert written["destination"] == str(drop.out / "a.png")
    expect_end(watcher)
    assert not any(ord(letter) < 32 and letter != "\n" for letter in watcher.said())


def _events(watcher: Member, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in watcher.data().splitlines()]
    assert all(line["schema"] == 1 for line in lines)
    return [line for line in lines if line["event"] == event]


REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("grayscale", "in", "-o", "in/out"), "lies in IN"),
    (("grayscale", "in/deep", "-o", "in"), "lies in OUT"),
    (("grayscale", "in", "-o", "out", "--on-done", "move=in/old"), "lies in IN"),
    (("grayscale", "nowhere", "-o", "out"), "there is no folder nowhere"),
    (("grayscale", "in", "in/deep", "-o", "out"), "2 folders to watch"),
    (("grayscale", "in"), "there is no OUT"),
    ((), "there is no folder to watch"),
    (("graysale", "in", "-o", "out"), "grayscale"),
    (("x" * 3000, "in", "-o", "out"), "xxx"),
    (("grayscale", "in", "-o", "out", "--settle", "0"), "settle"),
    (("grayscale", "in", "-o", "out", "--on-done", "burn"), "keep nor move=DIR"),
    (("grayscale", "in", "-o", "file"), "OUT file cannot be made"),
]


def test_what_cannot_be_watched_is_said_at_once(drop: Drop) -> None:
    drop.put("deep/a.png", 1)
    (drop.mesh.folder / "file").write_text("")
    drop.mesh.broker()
    for words, said in REFUSED:
        watcher = drop.mesh.start("watch", *words)
        assert watcher.code() == 2, watcher.said()
        assert said in watcher.said()
    assert not (drop.mesh.folder / "in" / "out").exists()
