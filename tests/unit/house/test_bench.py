"""The baselines do what they say, and the arithmetic of a report is right."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pixmesh.bench import chain, contender, photos, report


def test_a_paired_ratio_is_the_median_of_the_rounds_not_the_ratio_of_medians() -> None:
    ratio = report.paired_ratio([2.0, 30.0, 4.0], [1.0, 10.0, 1.0])
    assert ratio == report.Ratio(median=3.0, low=2.0, high=4.0)
    assert str(ratio) == "3.00x (2.00-4.00)"


@pytest.mark.parametrize(("percent", "sample"), [(0, 1), (50, 51), (99, 100), (100, 101)])
def test_a_percentile_is_one_of_the_samples(percent: float, sample: float) -> None:
    assert report.percentile([float(number) for number in range(101, 0, -1)], percent) == sample


def test_a_report_in_json_names_its_machine(capsys: pytest.CaptureFixture[str]) -> None:
    report.show_json({"bench": "none"})
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["bench"]) == (1, "none")
    assert document["machine"]["cores"] >= 1


def test_copies_are_distinct_and_as_large(tmp_path: Path) -> None:
    made = photos.make_distinct([], tmp_path, 3)
    assert len(made) == 3 * photos.DRAWN
    pictures = [cv2.imread(str(path)) for path in made]
    assert {picture.shape for picture in pictures if picture is not None} == {(800, 1200, 3)}
    assert len({path.read_bytes() for path in made}) == len(made)


def test_rolling_keeps_every_row() -> None:
    pixels = np.arange(70, dtype=np.uint8).reshape(70, 1)
    rolled = [photos.rolled(pixels, copy) for copy in range(70)]
    assert len({copy.tobytes() for copy in rolled}) == 70
    assert all(sorted(copy.ravel()) == list(range(70)) for copy in rolled)


def test_the_chain_answers_every_task_and_ends() -> None:
    with chain.running() as running:
        assert len(running.latencies(5)) == 5
        assert running.rate(200) > 0


def test_the_chain_ends_when_its_user_fails() -> None:
    with pytest.raises(ZeroDivisionError), chain.running():
        raise ZeroDivisionError


@pytest.mark.parametrize("name", ["loop", "pool"])
def test_a_baseline_writes_every_picture_and_tells_its_cost(name: str, tmp_path: Path) -> None:
    pictures, out, listing = tmp_path / "in", tmp_path / "out", tmp_path / "list"
    pictures.mkdir()
    out.mkdir()
    made = photos.make_distinct([], pictures, 1)[:6]
    listing.write_text("".join(f"{path}\n" for path in made))
    command = [sys.executable, "-P", "-m", "pixmesh.bench.contender", name]
    command += [str(listing), str(out)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    cost = contender.Cost(**json.loads(done.stdout))
    assert cost.pictures == len(made) - contender.WARM_UP
    assert min(cost.cpu, cost.wall) > 0
    assert sorted(path.name for path in out.iterdir()) == [f"{path.name}.jpg" for path in made]
