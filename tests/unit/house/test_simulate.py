"""Simulated meshes do what the protocol says, and no policy beats the bound."""

import json

import pytest

from pixmesh.bench.simulate import command, scenarios
from pixmesh.bench.simulate.agenda import Agenda
from pixmesh.bench.simulate.command import Case, simulate
from pixmesh.bench.simulate.machine import Machine
from pixmesh.bench.simulate.policies import BASELINES, MODELS, OURS


def machine(**drawn: float) -> Machine:
    return Machine(name="atlas", slots=2, speed=2.0, shares=[0.0, 0.5, 0.0], **drawn)  # type: ignore[arg-type]


def test_what_happens_at_one_moment_keeps_its_order() -> None:
    agenda, happened = Agenda(), list[int]()
    for number, when in enumerate((2.0, 1.0, 1.0)):
        agenda.at(when, happened.append, number)
    assert agenda.run(lambda: len(happened) == 3, end=5.0)
    assert happened == [1, 2, 0]
    assert agenda.now == 2.0


def test_a_machine_that_others_use_half_takes_twice_as_long() -> None:
    # Two reference seconds a second until 5 s, then one until 10 s, then two.
    assert machine().ends(0.0, 10.0) == pytest.approx(5.0)
    assert machine().ends(0.0, 12.0) == pytest.approx(7.0)
    assert machine().ends(4.0, 9.0) == pytest.approx(11.0)


def test_a_machine_that_is_down_does_nothing() -> None:
    assert machine().capacity(10.0) == pytest.approx(2 * 15.0)
    assert machine(down=4.0).capacity(10.0) == pytest.approx(2 * 8.0)
    assert machine(down=4.0, back=7.0).capacity(10.0) == pytest.approx(2 * 11.0)


@pytest.mark.parametrize("scenario", [scenario.name for scenario in scenarios.SCENARIOS])
def test_the_scheduler_is_ahead_of_what_earlier_systems_did(
    scenario: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenarios, "TASKS_PER_NODE", 100)
    monkeypatch.setattr(scenarios, "SPAN", 150.0)
    ours, *theirs = (simulate(Case(scenario, who, 10, 1)) for who in (OURS, *BASELINES))
    assert 1.0 <= ours.ratio < 1.5
    assert ours.ratio < min(one.ratio for one in theirs)


def test_one_seed_gives_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "TASKS_PER_NODE", 50)
    one, other = (simulate(Case("drift", OURS, 10, 7)) for _ in range(2))
    assert (one.makespan, one.decisions) == (other.makespan, other.decisions)


def test_the_command_tells_each_policy_beside_the_bound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_run", lambda cases: map(simulate, cases))
    monkeypatch.setattr(scenarios, "TASKS_PER_NODE", 20)
    words = ["--nodes", "5", "--only", "equal", "--models"]
    assert command.main(words) == 0
    table = capsys.readouterr().out
    assert all(f"equal, {who}" in table for who in (*MODELS, *BASELINES))
    assert command.main([*words, "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [run["case"]["policy"] for run in runs] == [OURS, *MODELS, *BASELINES]
    assert min(run["makespan"] / run["bound"] for run in runs) >= 1.0
