"""``pixmesh bench dispatch``: what the mesh adds to a task that does nothing.

Owns the rounds: each measures a bare pyzmq chain (``bench/chain.py``) and an embedded mesh
with full bookkeeping, both already running, in alternating order. The method and what is
left out are in METHOD.md.
"""

import argparse
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count
from queue import SimpleQueue
from typing import TYPE_CHECKING, Protocol

from ..node.owner.job import Job, Outcome, Result, job_id
from ..node.owner.source import MemorySource
from . import chain as baseline
from . import report

if TYPE_CHECKING:
    from .. import Mesh

# The empty recipe: a slot verifies the bytes and gives them back without decoding them.
NOOP_RECIPE = ""
P50_TARGET = 2.0
RATE_TARGET = 15_000
WARM_UP = 200
ANSWER_WITHIN = 30.0


class Contender(Protocol):
    """What the chain and the mesh are both asked."""

    def latencies(self, samples: int) -> list[float]:
        """Return the seconds of one task after another, one in flight."""
        ...

    def rate(self, tasks: int) -> float:
        """Return the tasks per second with many in flight."""
        ...


@dataclass(frozen=True, slots=True)
class Rounds:
    """What one contender took: per round the median latency in ms, and the rate."""

    p50_ms: list[float] = field(default_factory=list)
    tasks_per_second: list[float] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)

    def measure(self, contender: Contender, samples: int, tasks: int) -> None:
        """Add a round."""
        taken = [seconds * 1000 for seconds in contender.latencies(samples)]
        self.latencies_ms.extend(taken)
        self.p50_ms.append(report.median(taken))
        self.tasks_per_second.append(contender.rate(tasks))

    def summary(self) -> dict[str, object]:
        """Return the numbers that a report shows."""
        return {
            "p50_ms": report.median(self.latencies_ms),
            "p99_ms": report.percentile(self.latencies_ms, 99),
            "tasks_per_second": report.median(self.tasks_per_second),
            "rounds": {"p50_ms": self.p50_ms, "tasks_per_second": self.tasks_per_second},
        }


class OverMesh:
    """No-op tasks through a running mesh: its session, below recipes and files."""

    def __init__(self, mesh: "Mesh") -> None:
        self._session = mesh.session
        self._numbers = count()

    def latencies(self, samples: int) -> list[float]:
        """Return the seconds from ``submit`` to the outcome, one in flight."""
        taken = []
        told: SimpleQueue[Outcome] = SimpleQueue()
        for job in self._jobs(samples):
            began = time.perf_counter()
            self._session.submit(job, told.put)
            outcome = told.get(timeout=ANSWER_WITHIN)
            taken.append(time.perf_counter() - began)
            _check(outcome)
        return taken

    def rate(self, tasks: int) -> float:
        """Return the tasks per second with the session's own window in flight."""
        left = count(tasks - 1, -1)
        finished = threading.Event()

        def ended(outcome: Outcome) -> None:
            _check(outcome)
            if next(left) == 0:
                finished.set()

        began = time.perf_counter()
        for job in self._jobs(tasks):
            self._session.submit(job, ended)
        if not finished.wait(ANSWER_WITHIN * 4):
            raise TimeoutError("not measured: the tasks did not end")
        return tasks / (time.perf_counter() - began)

    def _jobs(self, number: int) -> Iterator[Job]:
        """Make jobs of a few bytes, all distinct: identical content is one job."""
        for _ in range(number):
            source = MemorySource(b"no-op %010d" % next(self._numbers))
            yield Job(
                id=job_id(digest=source.digest, recipe=NOOP_RECIPE, output=""),
                name="no-op",
                source=source,
                recipe=NOOP_RECIPE,
                output="",
                seconds=0.0,
                memory=0,
            )


def _check(outcome: Outcome) -> None:
    """Let the result go. Raises TypeError where there is none."""
    if not isinstance(outcome, Result):
        raise TypeError(f"not measured: a no-op task ended as {outcome}")
    outcome.content.close()


def run(*, rounds: int = 5, samples: int = 500, tasks: int = 20_000, as_json: bool = False) -> None:
    """Measure `rounds` times `samples` latencies and `tasks` tasks; write to stdout."""
    from .. import Mesh

    ours, theirs = Rounds(), Rounds()
    with (
        baseline.running() as chain,
        Mesh.local(baseline.SLOTS) as mesh,
    ):
        pairs: list[tuple[Contender, Rounds]] = [(chain, theirs), (OverMesh(mesh), ours)]
        for contender, _ in pairs:
            contender.latencies(WARM_UP)
        for number in range(rounds):
            for contender, taken in pairs if number % 2 == 0 else reversed(pairs):
                taken.measure(contender, samples, tasks)
            report.progress(f"round {number + 1} of {rounds}")
    _write(ours, theirs, as_json=as_json)


def main(words: Sequence[str]) -> int:
    """Run as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser("pixmesh bench dispatch", description=run.__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=500, help="latencies in a round")
    parser.add_argument("--tasks", type=int, default=20_000, help="tasks of a round's rate")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--chain-only", action="store_true", help="the baseline alone, as JSON")
    asked = vars(parser.parse_args(words))
    if asked.pop("chain_only"):
        asked.pop("as_json")
        run_chain(**asked)
    else:
        run(**asked)
    return 0


def run_chain(*, rounds: int = 5, samples: int = 500, tasks: int = 20_000) -> None:
    """Measure the baseline alone and write it to stdout."""
    taken = Rounds()
    with baseline.running() as chain:
        chain.latencies(WARM_UP)
        for _ in range(rounds):
            taken.measure(chain, samples, tasks)
    report.show_json({"bench": "chain", "chain": taken.summary()})


def _write(ours: Rounds, theirs: Rounds, *, as_json: bool) -> None:
    p50 = report.paired_ratio(ours.p50_ms, theirs.p50_ms)
    rate = report.paired_ratio(ours.tasks_per_second, theirs.tasks_per_second)
    if as_json:
        report.show_json(
            {
                "bench": "dispatch",
                "ratios": {"p50": asdict(p50), "tasks_per_second": asdict(rate)},
                "mesh": ours.summary(),
                "chain": theirs.summary(),
            }
        )
        return
    report.show(
        f"dispatch: no-op tasks, {baseline.SLOTS} slots, {len(ours.p50_ms)} rounds",
        [
            report.Row("p50, one in flight", *_ms(ours, theirs, 50), str(p50), f"<= {P50_TARGET}x"),
            report.Row("p99, one in flight", *_ms(ours, theirs, 99), ""),
            report.Row("tasks/s", *_rates(ours, theirs), str(rate), f">= {RATE_TARGET:,}/s"),
        ],
        [
            f"baseline: bare unbatched pyzmq chain, {baseline.WINDOW} in flight for tasks/s",
            "ratios are paired, lowest and highest round in brackets",
        ],
    )


def _ms(ours: Rounds, theirs: Rounds, percent: float) -> tuple[str, str]:
    mine, other = (report.percentile(it.latencies_ms, percent) for it in (ours, theirs))
    return f"{mine:.3f} ms", f"{other:.3f} ms"


def _rates(ours: Rounds, theirs: Rounds) -> tuple[str, str]:
    mine, other = (report.median(it.tasks_per_second) for it in (ours, theirs))
    return f"{mine:,.0f}", f"{other:,.0f}"
