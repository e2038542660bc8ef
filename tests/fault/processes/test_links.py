"""Rows 2 and 12 to 14 with real processes, through a proxy: links that break, and heal."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from pixmesh.tests.fault.checker import Fact
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member, free_ports

from .proxy import ADDRESS, Proxy, proxied
from .trial import Trial, at_work

DEATH_SECONDS, FREEZE_SECONDS, BACK_SECONDS = 1.5, 7.0, 8.0
Note = Callable[[str, float], None]


@dataclass(slots=True)
class Linked:
    """A node behind a proxy that runs two long tasks, and a near one that has nothing to do."""

    proxy: Proxy
    far: Member
    near: Member
    run: Member


@pytest.fixture
def linked(trial: Trial, request: pytest.FixtureRequest) -> Iterator[Linked]:
    nap = 9.0 if "row13]" in request.node.name else 3.0  # what nobody misses is not lost
    trial.pictures(4)
    port = free_ports()
    trial.mesh.broker(port)
    with proxied(port) as proxy:
        far = trial.mesh.node("far", 2, "--broker", f"{ADDRESS}:{port}")
        near = trial.mesh.node("near", 2)
        trial.mesh.order("drain", "near")
        run = trial.begin(nap=nap)
        at_work(far, 2)
        trial.mesh.order("resume", "near")
        assert proxy.passed
        yield Linked(proxy, far, near, run)


def is_lost(fact: Fact) -> bool:
    return fact["what"] == "lost"


def is_back(trial: Trial) -> bool:
    view = trial.mesh.node_view("far")
    return view is not None and view.beat < 2


def test_row02_P_a_lost_connection_moves_its_tasks_in_time_and_the_node_comes_back(
    trial: Trial, linked: Linked, note: Note
) -> None:
    since = time.monotonic()
    linked.proxy.cut()
    took = trial.seconds_until(since, is_lost)
    note("recovery", took)
    assert took <= DEATH_SECONDS
    linked.proxy.heal()
    eventually(lambda: is_back(trial), BACK_SECONDS, "the node never came back")
    trial.judge(linked.run)


def test_row02_P_a_connection_that_comes_back_within_the_grace_costs_nothing(
    trial: Trial, linked: Linked
) -> None:
    linked.proxy.cut()
    linked.proxy.heal()
    trial.judge(linked.run)
    assert trial.facts("lost", "gone") == []
    assert set(trial.tries().values()) == {1}


@pytest.mark.parametrize(
    ("inward", "outward"),
    [
        pytest.param(True, False, id="row12", marks=pytest.mark.soak),
        pytest.param(False, True, id="row13", marks=pytest.mark.soak),
        pytest.param(True, True, id="row14"),
    ],
)
def test_row12_P_row13_P_row14_P_a_link_that_carries_nothing_one_way_or_both_heals(
    trial: Trial, linked: Linked, note: Note, inward: bool, outward: bool
) -> None:
    """Nobody sees a connection end. What the broker does not hear for a lease goes elsewhere;
    a node that hears nothing connects anew, and then the broker sees the old one end."""
    since = time.monotonic()
    linked.proxy.hold(inward=inward, outward=outward)
    took = trial.seconds_until(since, is_lost)
    note("recovery", took)
    assert took <= (FREEZE_SECONDS if inward else FREEZE_SECONDS + DEATH_SECONDS)
    linked.proxy.heal()
    eventually(lambda: is_back(trial), BACK_SECONDS, "the node never came back")
    trial.judge(linked.run)
