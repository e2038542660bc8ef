"""Judges what happened, from histories, ledgers and files alone.

It shares nothing with the program but the words in the histories: it keeps its own idea of
what must be, and says what is not.

    ledger   an output is asked for again only after it had an outcome, or its owner ended;
             once done it stays done, and it is done once
             a commit that was cut off is taken over by another owner, or asked for again
    files    what is done is there, whole and right; nothing else is under a final name
    history  each job of each life of an owner has one outcome at most
             a result was made by an attempt that a node ended well
             an attempt is of one task, on one node, given once
             a task is tried 8 times at most by one broker
             a node's tasks never need more memory together than it has
             a picture is quarantined only for two slots that it cost while it ran alone
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

MOST_TRIES = 8
MOST_BLAME = 2
UNSTARTED = frozenset({"draining", "dropped"})

Fact = Mapping[str, object]


@dataclass(slots=True)
class Tally:
    """What one test's judgements counted: jobs without an outcome, outcomes too many."""

    lost: int = 0
    doubled: int = 0


TALLY = Tally()


class Wrong(AssertionError):
    """Something happened that must not."""


def demand(holds: object, what: str) -> None:
    if not holds:
        raise Wrong(what)


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


# ---- ledgers and files ------------------------------------------------------------------

FOLLOWS = {
    "submitted": {"submitted", "committing", "failed", "cancelled"},
    "committing": {"submitted", "taken over", "done", "failed"},
    "taken over": {"submitted", "taken over", "done", "failed"},
    "failed": {"submitted"},
    "cancelled": {"submitted"},
    "done": set[str](),
}
ENDS = frozenset({"done", "failed", "cancelled"})


def check_ledger(history: Sequence[tuple[str, str]], wanted: Collection[str]) -> None:
    """Check the states that outputs came into, in order."""
    last: dict[str, str] = {}
    for output, state in history:
        before = last.get(output)
        allowed = {"submitted"} if before is None else FOLLOWS[before]
        TALLY.doubled += before == "done" and state in ENDS
        demand(state in allowed, f"{output} became {state} after {before}")
        last[output] = state
    TALLY.lost += sum(last.get(output) not in ENDS for output in wanted)
    for output in wanted:
        demand(last.get(output) in ENDS, f"{output} has no outcome, it is {last.get(output)}")


def check_files(
    files: Mapping[str, bytes | None],
    *,
    done: Collection[str],
    right: Mapping[str, bytes],
) -> None:
    """Check the files that there are, by digest; names with a leading dot are nobody's."""
    for output in done:
        demand(files.get(output) == right[output], f"{output} is done, and wrong or missing")
    for output, found in files.items():
        if not output.rsplit("/", 1)[-1].startswith("."):
            demand(output in right, f"{output} is there, and nobody asked for it")
            demand(found == right[output], f"{output} is there, and wrong")


# ---- histories --------------------------------------------------------------------------


def check_history(history: Iterable[Fact]) -> None:
    """Check what members say that they saw and did, in the order in which it happened."""
    facts = sorted(history, key=lambda fact: fact["at"])  # type: ignore[arg-type,return-value]
    for check in (_check_outcomes, _check_attempts, _check_tries, _check_memory, _check_blame):
        check(facts)


def _of(facts: Iterable[Fact], role: str, *what: str) -> Iterable[Fact]:
    return (f for f in facts if str(f["member"]).startswith(role + "-") and f["what"] in what)


def _check_outcomes(facts: Sequence[Fact]) -> None:
    open_jobs: Counter[tuple[object, object]] = Counter()
    made = {fact["digest"] for fact in _of(facts, "node", "ended") if fact["end"] == "DONE"}
    for fact in _of(facts, "owner", "asked", "outcome"):
        key = (fact["member"], fact["job"])
        open_jobs[key] += 1 if fact["what"] == "asked" else -1
        TALLY.doubled += open_jobs[key] < 0
        demand(open_jobs[key] >= 0, f"{fact['job']!r} has two outcomes at {fact['member']}")
        if fact.get("kind") == "Result":
            demand(fact["digest"] in made, f"the result of {fact['job']!r} was made by nobody")


def _check_attempts(facts: Sequence[Fact]) -> None:
    given: dict[object, Fact] = {}
    for fact in _of(facts, "broker", "assigned", "adopted"):
        before = given.setdefault(fact["attempt"], fact)
        same = (before["task"], before["node"]) == (fact["task"], fact["node"])
        demand(same, f"attempt {fact['attempt']} is of two tasks, or at two nodes")
        twice = fact["what"] == "assigned" and before is not fact
        demand(not twice, f"attempt {fact['attempt']} was given twice")
    for fact in _of(facts, "node", "took"):
        known = given.get(fact["attempt"])
        demand(known is not None, f"attempt {fact['attempt']} was given by nobody")
        demand(known and known["task"] == fact["task"], "a node took another task than was given")


def _check_tries(facts: Sequence[Fact]) -> None:
    tries: Counter[tuple[object, object, object]] = Counter()
    for fact in _of(facts, "broker", "accepted", "assigned", "ended", "lost"):
        key = (fact["member"], fact["owner"], fact["task"])
        match fact["what"]:
            case "accepted":
                tries[key] = 0
            case "assigned":
                tries[key] += 1
            case "ended":
                tries[key] -= fact["end"] == "RETURNED" and fact["code"] in UNSTARTED
            case _:
                tries[key] -= not fact["arrived"]
        demand(tries[key] <= MOST_TRIES + 1, f"task {fact['task']!r} was tried {tries[key]} times")


def _check_memory(facts: Sequence[Fact]) -> None:
    budgets = {fact["name"]: fact["memory"] for fact in _of(facts, "broker", "joined")}
    held: dict[object, dict[object, int]] = defaultdict(dict)
    for fact in _of(facts, "node", "took", "ended", "forgot"):
        mine = held[fact["member"]]
        if fact["what"] != "took":
            mine.pop(fact["attempt"], None)
            continue
        mine[fact["attempt"]] = int(str(fact["memory"]))
        budget = budgets.get(str(fact["member"]).split("-")[1])
        need = sum(mine.values())
        demand(budget is None or need <= int(str(budget)), f"{fact['member']} needs {need} bytes")


def _check_blame(facts: Sequence[Fact]) -> None:
    """Count for each task the slots that it cost alone, by what its nodes had at that time."""
    tasks = {fact["attempt"]: fact["task"] for fact in _of(facts, "node", "took")}
    running: dict[object, set[object]] = defaultdict(set)
    company: set[object] = set()
    blame: Counter[object] = Counter()
    for fact in facts:
        role = str(fact["member"]).split("-")[0]
        mine = running[fact["member"]]
        if role == "node" and fact["what"] == "given":
            mine.add(fact["attempt"])
            if len(mine) > 1:
                company |= mine
        elif role == "node" and fact["what"] in {"ended", "forgot"}:
            mine.discard(fact["attempt"])
            alone = fact["attempt"] not in company
            blame[tasks[fact["attempt"]]] += fact.get("end") == "CRASHED" and alone
        elif fact["what"] == "gave-up" and fact["code"] == "quarantined":
            count = blame[fact["task"]]
            demand(count >= MOST_BLAME, f"{fact['task']!r} is quarantined for {count} slots")
