"""The checker finds what is wrong: each of its rules has a history that breaks it."""

from typing import Any

import pytest

from pixmesh.tests.fault.checker import (
    MOST_TRIES,
    Fact,
    Wrong,
    check_files,
    check_history,
    check_ledger,
    digest,
)

BROKER, NODE, OWNER = "broker-broker-1", "node-atlas-2", "owner-studio-3"


class History:
    """Facts in the order in which they are noted."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def note(self, member: str, what: str, **facts: Any) -> "History":
        self.facts.append({"at": len(self.facts), "member": member, "what": what, **facts})
        return self

    def given(self, attempt: int, task: str = "t", node: str = "n", memory: int = 1) -> "History":
        self.note(BROKER, "assigned", attempt=attempt, task=task, node=node, owner="o", alone=True)
        return self.note(NODE, "took", attempt=attempt, task=task, memory=memory)

    def ended(self, attempt: int, end: str = "DONE", made: str = "d", task: str = "t") -> "History":
        digest_ = made if end == "DONE" else None
        self.note(NODE, "ended", attempt=attempt, end=end, code="", digest=digest_)
        facts = {"attempt": attempt, "task": task, "node": "n", "owner": "o", "alone": True}
        return self.note(BROKER, "ended", end=end, code="", **facts)

    def outcome(self, job: str = "t", made: str = "d") -> "History":
        return self.note(OWNER, "outcome", job=job, kind="Result", digest=made, code="")


def asked() -> History:
    history = History().note(BROKER, "joined", node="n", name="atlas", memory=10)
    history.note(OWNER, "asked", job="t", name="a.jpg")
    return history.note(BROKER, "accepted", task="t", owner="o", memory=1)


def test_a_job_asked_given_ended_and_had_is_well() -> None:
    check_history(asked().given(1).ended(1).outcome().facts)


def test_two_outcomes_are_wrong() -> None:
    with pytest.raises(Wrong, match="two outcomes"):
        check_history(asked().given(1).ended(1).outcome().outcome().facts)


def test_a_result_that_no_node_made_is_wrong() -> None:
    with pytest.raises(Wrong, match="made by nobody"):
        check_history(asked().given(1).ended(1, made="another").outcome().facts)


@pytest.mark.parametrize(("task", "node"), [("u", "n"), ("t", "m")])
def test_an_attempt_of_two_tasks_or_nodes_is_wrong(task: str, node: str) -> None:
    with pytest.raises(Wrong, match="of two tasks, or at two nodes"):
        check_history(asked().given(1).given(1, task, node).facts)


def test_an_attempt_given_twice_is_wrong() -> None:
    with pytest.raises(Wrong, match="was given twice"):
        check_history(asked().given(1).given(1).facts)


def test_an_attempt_that_nobody_gave_is_wrong() -> None:
    with pytest.raises(Wrong, match="given by nobody"):
        check_history(asked().note(NODE, "took", attempt=9, task="t", memory=1).facts)


def test_more_tries_than_eight_are_wrong() -> None:
    history = asked()
    for attempt in range(MOST_TRIES + 2):
        history.given(attempt).ended(attempt, "CRASHED")
    with pytest.raises(Wrong, match="was tried"):
        check_history(history.facts)


def test_memory_promised_twice_is_wrong() -> None:
    with pytest.raises(Wrong, match="needs 12 bytes"):
        check_history(asked().given(1, memory=6).given(2, "u", memory=6).facts)
    check_history(asked().given(1, memory=6).ended(1).given(2, "u", memory=6).facts)


def run_and_crash(history: History, attempt: int, *, beside: int = 0) -> None:
    history.given(attempt)
    history.note(NODE, "given", attempt=attempt, slot="0")
    if beside:
        history.given(beside, "u")
        history.note(NODE, "given", attempt=beside, slot="1")
    history.ended(attempt, "CRASHED")
    if beside:
        history.ended(beside, task="u")


def test_a_quarantine_for_slots_lost_in_company_is_wrong() -> None:
    history = asked()
    run_and_crash(history, 1, beside=11)
    run_and_crash(history, 2)
    verdict = {"at": 1000, "member": BROKER, "what": "gave-up", "task": "t", "code": "quarantined"}
    with pytest.raises(Wrong, match="quarantined for 1 slots"):
        check_history([*history.facts, verdict])
    run_and_crash(history, 3)
    check_history([*history.facts, verdict])


# ---- ledgers and files ---------------------------------------------------------------------


def test_an_output_done_twice_or_after_an_outcome_is_wrong() -> None:
    good = [("a", "submitted"), ("a", "committing"), ("a", "done")]
    check_ledger(good, ["a"])
    for more in ("done", "submitted", "failed"):
        with pytest.raises(Wrong, match="after done"):
            check_ledger([*good, ("a", more)], ["a"])


def test_an_output_without_an_outcome_is_wrong() -> None:
    for history in ([], [("a", "submitted")], [("a", "submitted"), ("a", "committing")]):
        with pytest.raises(Wrong, match="has no outcome"):
            check_ledger(history, ["a"])


def test_an_output_may_be_asked_for_again_after_a_failure_or_a_crash() -> None:
    states = ["submitted", "failed", "submitted", "submitted", "committing", "done"]
    check_ledger([("a", state) for state in states], ["a"])


def test_a_commit_that_was_cut_off_may_be_taken_over_but_not_begun_twice() -> None:
    states = ["submitted", "committing", "taken over", "taken over", "done"]
    check_ledger([("a", state) for state in states], ["a"])
    with pytest.raises(Wrong, match="committing after committing"):
        check_ledger([("a", state) for state in ("submitted", "committing", "committing")], ["a"])


def test_files_missing_wrong_or_unasked_for_are_wrong() -> None:
    right = {"/out/a": digest(b"a"), "/out/b": digest(b"b")}
    check_files({"/out/a": digest(b"a"), "/out/.part": None}, done=["/out/a"], right=right)
    with pytest.raises(Wrong, match="wrong or missing"):
        check_files({}, done=["/out/a"], right=right)
    with pytest.raises(Wrong, match="there, and wrong"):
        check_files({"/out/b": digest(b"half")}, done=[], right=right)
    with pytest.raises(Wrong, match="nobody asked"):
        check_files({"/out/c": digest(b"c")}, done=[], right=right)
