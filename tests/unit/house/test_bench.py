"""The baselines do what they say, and the arithmetic of a report is right."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import zmq

from pixmesh.bench import chain, contender, curve, link, photos, report
from pixmesh.tests.support.measured import measured


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
    cost = measured(name, tmp_path)
    assert min(cost.cpu, cost.wall) > 0
    assert cost.slots == 0


@pytest.mark.parametrize("kind", link.KINDS)
def test_a_bare_connection_moves_every_byte_and_ends(kind: link.Kind, tmp_path: Path) -> None:
    assert link.seconds_per_byte(kind, tmp_path, moved=1_000_000) > 0


@pytest.mark.parametrize(
    ("kind", "mechanism"), [("ipc", zmq.NULL), ("plain", zmq.NULL), ("curve", zmq.CURVE)]
)
def test_only_the_encrypted_connection_is_encrypted(kind: link.Kind, mechanism: int) -> None:
    with zmq.Context() as context:
        for orders in link.orders_for(kind, "ipc://nowhere", 1):
            with link.opened(context, orders) as socket:
                assert socket.mechanism == mechanism


def a_round(gigabytes: int) -> curve.Round:
    """40 s of CPU, 4 of them for talking; 2 ns a byte for encryption, 3 s more for talking."""
    picture, result = gigabytes * 900_000_000, gigabytes * 100_000_000
    local = contender.Cost(
        cpu=40.0, slots=36.0, wall=20.0, pictures=9, read=picture, written=result
    )
    network = replace(local, cpu=44.0, slots=37.0)
    return curve.Round(ipc=0.1e-9, plain=0.5e-9, curve=2.5e-9, local=local, network=network)


@pytest.mark.parametrize(("gigabytes", "held"), [(1, True), (2, False)])
def test_encryption_costs_every_byte_both_ways_on_every_hop(gigabytes: int, held: bool) -> None:
    taken = [a_round(gigabytes)]
    relayed, direct = (curve.share(taken, hops).median for hops in (curve.RELAYED, curve.DIRECT))
    assert relayed == pytest.approx(0.1 * gigabytes)
    assert direct == pytest.approx(0.05 * gigabytes)
    assert curve.foretold(taken).median == pytest.approx(0.12 * gigabytes)
    assert curve.document(taken)["target"] == {"relayed": curve.TARGET, "held": held}


def test_what_slots_take_is_not_counted_as_talking() -> None:
    assert curve.behind_the_door([a_round(1)]).median == pytest.approx(1.1)
    assert curve.members([a_round(1)]).median == pytest.approx(0.075)
