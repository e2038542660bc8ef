"""Rows 1 to 6, 27 to 29 and 37 with real processes and signals."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence

import psutil
import pytest

from pixmesh.tests.integration.runs import seconds_until
from pixmesh.tests.support.eventually import eventually
from pixmesh.tests.support.meshes import Member

from .trial import (
    EXIT,
    FAILS,
    HANGS,
    HOLDS,
    KILLED,
    MEMORY,
    SEGFAULT,
    Trial,
    at_work,
    began_at,
)

SLOT_SECONDS, DEATH_SECONDS, FREEZE_SECONDS = 1.0, 1.5, 7.0
LONG = 4.0
Note = Callable[[str, float], None]


def beside_an_idle_node(
    trial: Trial, nap: float = LONG, more: Sequence[str] = ()
) -> tuple[Member, Member, Member]:
    """Have a node run two long tasks, beside one that has nothing to do."""
    trial.pictures(2)
    trial.mesh.broker()
    busy, idle = trial.mesh.nodes("busy", "idle", more=more)
    trial.mesh.order("drain", "idle")
    run = trial.begin(nap=nap)
    at_work(busy, 2)
    trial.mesh.order("resume", "idle")
    return busy, idle, run


def test_row01_P_the_task_of_a_killed_slot_runs_elsewhere_within_a_second(
    trial: Trial, note: Note
) -> None:
    busy, idle, run = beside_an_idle_node(trial)
    known = set(busy.running())
    since = time.monotonic()
    busy.children()[0].kill()
    took = trial.seconds_until(since, began_at(idle, known))
    note("recovery", took)
    assert took < SLOT_SECONDS
    trial.judge(run)
    eventually(lambda: len(busy.children()) == 2, 15, "the slot was never replaced")


def test_row02_P_a_killed_agents_slots_die_and_its_tasks_run_elsewhere_in_time(
    trial: Trial, note: Note
) -> None:
    busy, idle, run = beside_an_idle_node(trial)
    known, slots = set(busy.running()), busy.children()
    since = time.monotonic()
    busy.kill()
    took = trial.seconds_until(since, began_at(idle, known))
    note("recovery", took)
    assert took <= DEATH_SECONDS
    _, alive = psutil.wait_procs(slots, timeout=5)
    assert alive == []
    trial.judge(run)
    assert {fact["why"] for fact in trial.facts("gone")} == {"lost its connection"}


def test_row03_P_a_machine_frozen_past_the_lease_loses_its_tasks_and_its_late_results_count_once(
    trial: Trial, note: Note
) -> None:
    busy, idle, run = beside_an_idle_node(trial)
    known, slots = set(busy.running()), busy.children()
    since = time.monotonic()
    freeze(busy, slots)
    took = trial.seconds_until(since, began_at(idle, known))
    note("recovery", took)
    assert took <= FREEZE_SECONDS
    thaw(busy, slots)
    trial.judge(run)
    eventually(lambda: trial.mesh.node_view("busy"), 15, "the node never came back")


def test_row04_P_a_freeze_shorter_than_the_lease_moves_nothing(trial: Trial) -> None:
    trial.pictures(4)
    trial.mesh.broker()
    node = trial.mesh.node("atlas")
    run = trial.begin(nap=1.0)
    at_work(node, 2)
    slots = node.children()
    freeze(node, slots)
    eventually(lambda: (view := trial.mesh.node_view("atlas")) and view.state == "late", 6)
    thaw(node, slots)
    trial.judge(run)
    assert set(trial.tries().values()) == {1}
    assert trial.facts("gone", "lost") == []


def freeze(node: Member, slots: list[psutil.Process]) -> None:
    """Stop a node and its slots, as a machine that falls asleep does."""
    node.tell(signal.SIGSTOP)
    for slot in slots:
        slot.suspend()


def thaw(node: Member, slots: list[psutil.Process]) -> None:
    for slot in slots:
        slot.resume()
    node.tell(signal.SIGCONT)


def test_row05_P_code_that_holds_the_interpreter_for_three_leases_costs_the_node_nothing(
    trial: Trial,
) -> None:
    trial.pictures(12, {0: HOLDS})
    trial.mesh.broker()
    trial.mesh.node("atlas")
    trial.judge(trial.begin())
    assert trial.facts("gone", "lost") == []


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_row06_P_a_slot_that_hangs_is_ended_by_the_limit_of_its_task(trial: Trial) -> None:
    """By hand: a minute until the limit, three times, until the picture is quarantined."""
    trial.pictures(10, {4: HANGS})
    trial.mesh.broker()
    node = trial.mesh.node("atlas")
    run = trial.begin("--wait", "300")
    eventually(lambda: run.ended, 300)
    trial.judge(run, failed={4: "quarantined"})
    assert "longer than its limit of 60 s" in run.said()
    assert not node.ended


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param(SEGFAULT, id="segfault"),
        pytest.param(EXIT, id="exit", marks=pytest.mark.soak),
        pytest.param(KILLED, id="killed"),
    ],
)
def test_row27_P_a_picture_that_kills_slots_is_quarantined_and_its_neighbours_are_done(
    trial: Trial, mark: int
) -> None:
    trial.pictures(30, {7: mark})
    trial.mesh.broker()
    nodes = trial.mesh.nodes("atlas", "pi")
    trial.judge(trial.begin(nap=0.05), failed={7: "quarantined"})
    alone = [
        fact for fact in trial.facts("ended") if fact["end"] == "CRASHED" and fact.get("alone")
    ]
    assert len(alone) == 2
    eventually(lambda: _states(trial) == ["idle", "idle"], 15, "a slot was never replaced")
    assert not any(node.ended for node in nodes)


def _states(trial: Trial) -> list[str]:
    return [view.state for view in trial.mesh.status().nodes]


def test_row27_P_a_picture_without_memory_or_luck_fails_and_kills_nothing(trial: Trial) -> None:
    trial.pictures(12, {3: MEMORY, 5: FAILS})
    trial.mesh.broker()
    node = trial.mesh.node("atlas")
    slots = node.children()
    trial.judge(trial.begin(nap=0.02), failed={3: "operation-failed", 5: "operation-failed"})
    assert node.children() == slots


def test_row27_P_two_nodes_powered_off_in_turn_blame_nobody(trial: Trial) -> None:
    trial.pictures(40)
    trial.mesh.broker()
    first, second = trial.mesh.nodes("one", "two")
    run = trial.begin(nap=0.3)
    at_work(first, 2)
    first.kill()
    again = trial.mesh.node("one")
    at_work(second, 1)
    second.kill()
    trial.judge(run)
    assert not again.ended
    assert trial.mesh.status().quarantined == ()


def test_row28_P_a_node_that_kills_every_task_is_quarantined_and_no_task_is_blamed(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.pictures(40)
    trial.mesh.broker()
    trial.mesh.node("good")
    with monkeypatch.context() as patch:
        patch.setenv("FAULTY_KILLS", "1")
        trial.mesh.node("bad")
    trial.judge(trial.begin(nap=0.1))
    bad = trial.mesh.node_view("bad")
    assert bad is not None
    assert bad.state == "quarantined"
    assert "3 different tasks cost it a slot" in bad.reason


def test_row29_P_a_node_20_times_slower_is_helped_out_by_a_second_copy(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, note: Note
) -> None:
    trial.pictures(24)
    trial.mesh.broker()
    trial.mesh.node("quick")
    with monkeypatch.context() as patch:
        patch.setenv("FAULTY_SLOW", "20")
        trial.mesh.node("slow")
    run = trial.begin(nap=0.8)
    took = seconds_until(lambda: run.ended, 60)
    note("seconds", took)
    assert took < 16.0, "the slow node's own 16 s for a task were waited for"
    trial.judge(run)


def test_row37_P_a_node_whose_time_to_drain_is_over_leaves_what_it_has_to_others(
    trial: Trial,
) -> None:
    leaver, stayer, run = beside_an_idle_node(trial, more=("--drain", "1"))
    leaver.tell(signal.SIGTERM)
    assert leaver.code(10) == 0, leaver.said()
    assert "it goes elsewhere" in leaver.said()
    at_work(stayer, 2)
    trial.judge(run)
    assert not any(fact["suspect"] for fact in trial.facts("lost"))


@pytest.fixture
def held_leaver(trial: Trial) -> Iterator[tuple[Member, Member, list[psutil.Process]]]:
    """Have a node's slots stand still in the middle of the first two tasks of six."""
    trial.pictures(6)
    trial.mesh.broker()
    leaver = trial.mesh.node("leaver")
    run = trial.begin(nap=0.5)
    at_work(leaver, 2)
    slots = leaver.children()
    for slot in slots:
        slot.suspend()
    yield leaver, run, slots
    for slot in slots:
        with contextlib.suppress(psutil.NoSuchProcess):
            slot.resume()


def test_row37_P_sigterm_lets_a_node_finish_what_runs_and_give_back_the_rest(
    trial: Trial, held_leaver: tuple[Member, Member, list[psutil.Process]]
) -> None:
    leaver, run, slots = held_leaver
    attempts = set(leaver.running())
    leaver.tell(signal.SIGTERM)
    trial.mesh.node("stayer")

    def drained() -> bool:
        view = trial.mesh.node_view("leaver")
        return view is not None and view.state == "draining" and view.held == len(attempts)

    eventually(drained, 15, "what had not begun stayed with the node that leaves")
    assert not leaver.ended
    assert set(leaver.running()) == attempts
    for slot in slots:
        slot.resume()
    assert leaver.code() == 0, leaver.said()
    trial.judge(run)
    assert trial.mesh.node_view("leaver") is None
    assert trial.facts("lost") == []


def test_row37_P_a_node_that_is_told_twice_ends_now(
    trial: Trial, held_leaver: tuple[Member, Member, list[psutil.Process]]
) -> None:
    leaver, run, slots = held_leaver
    leaver.tell(signal.SIGTERM)
    eventually(lambda: (view := trial.mesh.node_view("leaver")) and view.state == "draining", 15)
    leaver.tell(signal.SIGTERM)
    assert leaver.code(10) == 0, leaver.said()
    assert not any(slot.is_running() for slot in slots)
    trial.mesh.node("stayer")
    trial.judge(run)
