"""Recipes that give data: beside pictures in OUT, in Python, and as lines on stdout."""

import json
from pathlib import Path

import cv2
import pytest

import pixmesh
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import RealMesh
from pixmesh.tests.support.photos import distinct, drawn, skimage_files
from pixmesh.tests.unit.tui.command import pixmesh as command


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return distinct(skimage_files()[:3], 1, tmp_path / "in")


def test_data_and_pictures_come_out_of_one_run(photos: list[Path], tmp_path: Path) -> None:
    words = ("--to", "edges=grayscale | canny", "--to", "facts=info")
    done = command("run", *words, "in", "-o", "out", "--local", folder=tmp_path)
    assert done.code == 0, done.err
    for photo in photos:
        told = json.loads((tmp_path / "out/facts" / f"{photo.stem}.json").read_text())
        assert told["bytes"] == photo.stat().st_size
        assert (tmp_path / "out/edges" / photo.name).exists()
    again = command("run", *words, "in", "-o", "out", "--local", folder=tmp_path)
    assert again.code == 0, again.err
    assert "0 done" in again.err or "unchanged" in again.err or "nothing" in again.err, again.err


def test_without_out_data_is_printed_a_line_a_picture(photos: list[Path], tmp_path: Path) -> None:
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    done = command("run", "info", "in", "--local", folder=tmp_path)
    assert done.code == 5, done.err
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert {Path(one["source"]).name for one in lines} == {path.name for path in photos}
    assert all(one["data"]["width"] > 0 for one in lines)
    assert "failed: " in done.err
    assert "3 pictures read, 1 failed" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("recipe", "remedy"),
    [
        ("info", "start a node with 'pixmesh node'"),
        ("caption", "start a node where 'pixmesh[caption]' is installed"),
    ],
)
def test_without_a_node_that_can_do_it_it_is_given_up_with_6(
    photos: list[Path], mesh: RealMesh, recipe: str, remedy: str
) -> None:
    mesh.broker()
    run = mesh.start("run", recipe, *map(str, photos), "--wait", "1")
    assert run.code() == 6, run.said()
    assert "waiting: no node is connected" in run.said()
    assert remedy in run.said()
    assert "failed" not in run.said()
    assert run.data() == ""


def test_a_mesh_that_goes_away_ends_it_with_3(photos: list[Path], mesh: RealMesh) -> None:
    broker = mesh.broker()
    run = mesh.start("run", "info", str(photos[0]), "--wait", "3")
    eventually(lambda: "waiting: no node is connected" in run.said(), deadline=30)
    broker.kill()
    assert run.code() == 3, run.said()
    assert run.data() == ""


def test_larger_pictures_than_are_asked_for_are_refused(photos: list[Path], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "in" / "small.png"), drawn(1, 60, 40))
    done = command("run", "info", "in", "--local", "--max-pixels", "2400", folder=tmp_path)
    (line,) = done.out.splitlines()
    assert Path(json.loads(line)["source"]).name == "small.png"
    assert done.err.count("failed: ") == len(photos)
    assert "1 picture read, 3 failed" in done.err
    assert done.code == 5, done.err


def test_a_format_for_data_is_refused(photos: list[Path], tmp_path: Path) -> None:
    done = command("run", "info", "in", "-o", "out", "--format", "png", folder=tmp_path)
    assert done.code == 2
    assert "written as json" in done.err


def test_in_python_data_is_a_dict(photos: list[Path]) -> None:
    with pixmesh.Mesh.local(1) as mesh:
        (answer,) = mesh.map("histogram give=data", photos[:1])
        assert answer.ok, answer.error
        assert answer.data["pixels"] > 0
        assert answer.format == "json"
