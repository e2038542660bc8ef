"""Thousands of schedules by lot, and those that once failed: nothing is lost, nothing doubled.

``PIXMESH_TEST_SEEDS=FIRST:LAST`` runs others than the usual thousand. A seed that fails is
made small with ``python -P -m pixmesh.tests.fault.simulated.shrink SEED``, and what is left
becomes a regression here.
"""

import os

import pytest

from pixmesh.tests.fault.simulated.generate import MOST_EVENTS, events_of
from pixmesh.tests.fault.simulated.many import complaints
from pixmesh.tests.fault.simulated.regressions import REGRESSIONS
from pixmesh.tests.fault.simulated.schedule import Simulation, read
from pixmesh.tests.fault.simulated.shrink import failure_of

USUAL = "0:1000"
SHOWN = 20


@pytest.mark.timeout(14_400)
def test_schedules_by_lot_lose_nothing_and_double_nothing() -> None:
    first, last = map(int, os.environ.get("PIXMESH_TEST_SEEDS", USUAL).split(":"))
    found = complaints(first, last)
    assert not found, "\n".join([f"{len(found)} schedules failed", *found[:SHOWN]])


def test_a_schedule_is_the_same_each_time_and_has_at_most_300_events() -> None:
    for seed in range(50):
        events = events_of(seed)
        assert events == events_of(seed)
        assert 0 < len(events) <= MOST_EVENTS
    first, again = Simulation(events_of(3)), Simulation(events_of(3))
    for one in (first, again):
        one.run()
    assert first.mesh.history == again.mesh.history


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_schedule_that_once_failed_does_not(name: str) -> None:
    assert failure_of(read(REGRESSIONS[name])) == ""
