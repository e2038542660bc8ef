"""Pictures beside one's own, with real processes: fetched once by each node, known by content."""

import json
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

import pixmesh
from pixmesh.broker.messages import INLINE_BYTES
from pixmesh.ops.decode import MAX_PIXELS
from pixmesh.ops.digest import digest_of
from pixmesh.ops.process import Output, output_for, process
from pixmesh.ops.recipe import parse
from pixmesh.ops.reference import pixels_of, read, taken_from
from pixmesh.ops.supplies import Supplies
from pixmesh.tests.integration.drops import Drop
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.photos import Pixels, drawn
from pixmesh.tests.unit.tui.command import Finished
from pixmesh.tests.unit.tui.command import pixmesh as command

MATCH = "match reference=reference.png features=200"
PICTURES = 20


def png(pixels: Pixels) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def noise(seed: int, width: int, height: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


REFERENCE = png(noise(1, 160, 120))
LOGO = png(drawn(3, 40, 30, channels=4))


def in_process(recipe: str, picture: bytes, reference: bytes) -> bytes:
    """Return what the same gives here, without a mesh."""
    known = taken_from(reference, max_pixels=MAX_PIXELS)
    named = parse(recipe).with_pictures(lambda _: known.canonical())

    def look(word: str) -> Pixels:
        found = read(word)
        assert found == known
        return pixels_of(found, reference)

    return process(picture, named, output_for(named, Output()), Supplies(reference=look)).data


@dataclass
class Run:
    """Pictures that are parts of the reference, moved about; and what members noted."""

    mesh: RealMesh
    histories: Path
    sources: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.mesh.folder / "in").mkdir()
        (self.mesh.folder / "reference.png").write_bytes(REFERENCE)
        whole = noise(1, 160, 120)
        for number in range(PICTURES):
            data = png(np.roll(whole, (number, 2 * number), axis=(0, 1))[:100, :140])
            self.sources[f"{number:02}.png"] = data
            (self.mesh.folder / "in" / f"{number:02}.png").write_bytes(data)

    def command(self, recipe: str, *words: str) -> Finished:
        return command("run", recipe, "in", *words, folder=self.mesh.folder)

    def facts(self, what: str) -> list[dict[str, object]]:
        lines = [
            json.loads(line)
            for path in self.histories.glob("node-*.jsonl")
            for line in path.read_text().splitlines()
        ]
        return [one for one in lines if one["what"] == what]


@pytest.fixture
def run(mesh: RealMesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    histories = tmp_path / "histories"
    histories.mkdir()
    monkeypatch.setenv("PIXMESH_HISTORY", str(histories))
    return Run(mesh, histories)


def test_each_node_fetches_a_reference_once_and_results_are_those_of_one_process(run: Run) -> None:
    assert len(REFERENCE) > INLINE_BYTES
    run.mesh.broker()
    run.mesh.nodes("atlas", "borea", slots=1)
    done = run.command(MATCH, "-o", "out")
    assert done.code == 0, done.err
    for name, data in run.sources.items():
        assert (run.mesh.folder / "out" / name).read_bytes() == in_process(MATCH, data, REFERENCE)
    fetched = Counter(str(fact["member"]) for fact in run.facts("fetched"))
    assert len(fetched) == 2
    assert set(fetched.values()) == {1}
    assert {fact["digest"] for fact in run.facts("fetched")} == {digest_of(REFERENCE).hex()}
    worked = Counter(str(fact["member"]) for fact in run.facts("ended") if fact["end"] == "DONE")
    assert worked.keys() == fetched.keys()
    assert worked.total() >= PICTURES  # one that takes long on a busy machine is done twice


def test_the_same_again_is_known_by_the_content_and_another_content_is_another_job(
    run: Run,
) -> None:
    run.mesh.broker()
    run.mesh.node("atlas")
    assert run.command(MATCH, "-o", "out").code == 0
    shutil.move(run.mesh.folder / "reference.png", run.mesh.folder / "renamed.png")
    again = run.command(MATCH.replace("reference.png", "./renamed.png"), "-o", "out")
    assert f"{PICTURES} skipped (done before)" in again.err
    (run.mesh.folder / "renamed.png").write_bytes(png(noise(2, 160, 120)))
    other = MATCH.replace("reference.png", "renamed.png")
    assert run.command(other, "-o", "other").code == 0
    assert run.command(f"{other} give=data", "--local", "--slots", "1").code == 0
    data = run.sources["03.png"]
    changed = (run.mesh.folder / "other" / "03.png").read_bytes()
    assert changed == in_process(MATCH, data, png(noise(2, 160, 120)))
    assert len(run.facts("fetched")) == 3


def test_data_several_outputs_and_recipes_by_name(run: Run) -> None:
    settings = run.mesh.folder / "settings"
    settings.mkdir()
    (settings / "logo.png").write_bytes(LOGO)
    (settings / "own.toml").write_text('[recipes]\nours = "watermark picture=logo.png size=40"\n')
    words = ["--config", "settings/own.toml", "--local", "--slots", "1"]
    told = run.command(f"{MATCH} give=data", *words)
    assert told.code == 0, told.err
    lines = {
        Path(one["source"]).name: one["data"] for one in map(json.loads, told.out.splitlines())
    }
    data = run.sources["05.png"]
    assert lines["05.png"] == json.loads(in_process(f"{MATCH} give=data", data, REFERENCE))
    two = command(
        *("run", "--to", "ours=ours", "--to", f"matched={MATCH}", "in", "-o", "out", *words),
        folder=run.mesh.folder,
    )
    assert two.code == 0, two.err
    marked = (run.mesh.folder / "out" / "ours" / "05.png").read_bytes()
    assert marked == in_process("watermark picture=x size=40", data, LOGO)
    matched = (run.mesh.folder / "out" / "matched" / "05.png").read_bytes()
    assert matched == in_process(MATCH, data, REFERENCE)


@pytest.mark.parametrize("words", [("--dry-run", "-o", "out"), ("-o", "out")])
@pytest.mark.parametrize(
    ("recipe", "what"),
    [
        ("match reference=missing.png", "the reference missing.png cannot be read"),
        ("match", "match needs a reference"),
        ("watermark picture=in", "the reference in is no file"),
    ],
)
def test_a_mistake_is_told_before_anything_begins(
    run: Run, recipe: str, what: str, words: tuple[str, ...]
) -> None:
    done = run.command(recipe, *words)
    assert done.code == 2
    assert what in done.err
    assert not (run.mesh.folder / "out").exists()


def test_a_mistake_is_told_before_data_is_asked_for(run: Run) -> None:
    done = run.command("match reference=missing.png give=data")
    assert done.code == 2
    assert "missing.png cannot be read" in done.err


# ---- Python ------------------------------------------------------------------------------


@pytest.fixture
def local(no_pixels_stay: None) -> Iterator[pixmesh.Mesh]:
    with pixmesh.Mesh.local(1) as mesh:
        yield mesh


def test_python_names_files_as_the_command_does(local: pixmesh.Mesh, tmp_path: Path) -> None:
    (tmp_path / "reference.png").write_bytes(REFERENCE)
    (tmp_path / "logo.png").write_bytes(LOGO)
    pictures = [png(np.roll(noise(1, 160, 120), number, axis=0)) for number in range(4)]
    matching = f'match reference="{tmp_path / "reference.png"}" features=200'
    for picture, answer in zip(pictures, local.map(matching, pictures), strict=True):
        assert answer.ok, answer.error
        assert answer.bytes == in_process(MATCH, picture, REFERENCE)
    marking = f'watermark picture="{tmp_path / "logo.png"}" size=30'
    answer = local.submit(marking, pictures[0]).result(30)
    assert answer.bytes == in_process("watermark picture=x size=30", pictures[0], LOGO)
    told = local.submit(f"{matching} give=data", pictures[1]).result(30)
    assert told.data == json.loads(in_process(f"{MATCH} give=data", pictures[1], REFERENCE))
    with pytest.raises(pixmesh.PixmeshError, match="cannot be read"):
        local.submit(f"match reference={tmp_path / 'nowhere.png'}", pictures[0])


# ---- watched folders -----------------------------------------------------------------------


def test_a_watched_folder_goes_on_after_a_restart_with_the_same_reference(mesh: RealMesh) -> None:
    drop = Drop(mesh)
    (mesh.folder / "logo.png").write_bytes(LOGO)
    recipe = "watermark picture=logo.png size=40"
    for names in (["a.png"], ["a.png", "b.png"]):
        source = drop.put(names[-1], len(names))
        watcher = drop.watch(recipe=recipe)
        drop.expect(*names, says=watcher)
        watcher.tell(signal.SIGTERM)
        assert watcher.code() == 128 + signal.SIGTERM, watcher.said()
        expected = in_process(recipe, source.read_bytes(), LOGO)
        assert (drop.out / names[-1]).read_bytes() == expected
    assert drop.outcomes() == {"a.png": 1, "b.png": 1}


def test_a_table_of_the_settings_names_files_beside_it(mesh: RealMesh) -> None:
    settings = mesh.folder / "elsewhere" / "own.toml"
    settings.parent.mkdir()
    (settings.parent / "logo.png").write_bytes(LOGO)
    settings.write_text(
        '[[watch]]\nin = "../in"\nout = "../out"\nsettle = "0.3s"\n'
        'recipe = "watermark picture=logo.png size=40"\n'
    )
    drop = Drop(mesh)
    source = drop.put("a.png", 1)
    watcher = mesh.start("watch", "--config", "elsewhere/own.toml", "--slots", "1")
    mesh.ready(watcher, "watching")
    out = mesh.folder / "elsewhere" / ".." / "out" / "a.png"
    eventually(out.exists, 60, watcher.said())
    assert out.read_bytes() == in_process("watermark picture=x size=40", source.read_bytes(), LOGO)


def test_a_folder_whose_reference_is_gone_is_not_watched(mesh: RealMesh) -> None:
    watcher = Drop(mesh).start(recipe="watermark picture=logo.png")
    assert watcher.code() == 2
    assert "logo.png cannot be read" in watcher.said()
