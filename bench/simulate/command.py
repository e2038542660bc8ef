"""``pixmesh bench simulate``: makespans of the scheduler and of baselines, and a decision's cost.

Owns which simulations are run, one process each, and what is said of them. METHOD.md says
what is simulated.
"""

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context

from .. import report
from . import scenarios
from .policies import BASELINES, MODELS, OURS, policy
from .simulation import LONGEST, Simulation

GROWTH = (10, 100, 1_000, 10_000)
GROWTH_DECISIONS = 200_000
BOUND_TARGET = 1.10
COST_TARGET = 100.0
PATIENCE = 3.0  # bounds, after which nobody waits for a baseline any more


@dataclass(frozen=True, slots=True)
class Case:
    """One simulation.

    It ends early when ``decisions`` were made, or ``patience`` bounds have passed; ``part`` is
    how much of the work is drawn.
    """

    scenario: str
    policy: str
    nodes: int
    seed: int
    decisions: float = float("inf")
    patience: float = float("inf")
    part: float = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it: simulated seconds, and the microseconds of CPU for each decision.

    An endless ``makespan`` is that of a run which ended early.
    """

    case: Case
    tasks: int
    bound: float
    makespan: float
    decisions: int
    cost_us: float

    @property
    def ratio(self) -> float:
        """How many times longer than the bound it took."""
        return self.makespan / self.bound

    def __str__(self) -> str:
        """Say it as a table does."""
        late = self.makespan == float("inf")
        return f"> {self.case.patience:.1f}x bound" if late else f"{self.ratio:.3f}x bound"


def simulate(case: Case) -> Found:
    """Draw the world and run it."""
    world = scenarios.draw(scenarios.by_name(case.scenario), case.nodes, case.seed, part=case.part)
    simulation = Simulation(
        world, lambda clock: policy(case.policy, world, clock, case.seed), seed=case.seed
    )
    bound = world.bound()
    end = min(LONGEST, case.patience * bound)
    run = simulation.run(end=end, decisions=case.decisions)
    return Found(
        case=case,
        tasks=sum(len(batch.costs) for batch in world.batches),
        bound=bound,
        makespan=run.makespan,
        decisions=run.assigned,
        cost_us=(run.turns + run.events) / run.assigned * 1e6,
    )


def main(words: Sequence[str]) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="pixmesh bench simulate")
    names = [scenario.name for scenario in scenarios.ALL]
    parser.add_argument("--nodes", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="SCENARIO", help=", ".join(names)
    )
    parser.add_argument("--models", action="store_true", help="other cost models as well")
    parser.add_argument("--growth", action="store_true", help="a decision's cost by mesh size")
    parser.add_argument("--json", action="store_true", dest="as_json")
    asked = parser.parse_args(words)
    cases = list(_growth(asked.seed) if asked.growth else _cases(asked))
    found = list(_run(cases))
    if asked.as_json:
        report.show_json({"bench": "simulate", "runs": [asdict(one) for one in found]})
    elif asked.growth:
        _show_growth(found)
    else:
        _show(found)
    return 0


def _cases(asked: argparse.Namespace) -> Iterator[Case]:
    names = asked.only or [scenario.name for scenario in scenarios.SCENARIOS]
    policies = (OURS, *(MODELS if asked.models else ()), *BASELINES)
    for name in names:
        for who in policies:
            patience = PATIENCE if who in BASELINES else float("inf")
            yield Case(name, who, asked.nodes, asked.seed, patience=patience)


def _growth(seed: int) -> Iterator[Case]:
    for nodes in GROWTH:
        part = min(1.0, 2 * GROWTH_DECISIONS / (nodes * scenarios.TASKS_PER_NODE))
        yield Case("spread", OURS, nodes, seed, GROWTH_DECISIONS, part=part)


def _run(cases: Sequence[Case]) -> Iterable[Found]:
    workers = min(os.cpu_count() or 1, len(cases))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for number, found in enumerate(pool.map(simulate, cases), 1):
            case = found.case
            report.progress(f"{number}/{len(cases)}: {case.scenario}, {case.policy}")
            yield found


def _show(found: Sequence[Found]) -> None:
    ours = {one.case.scenario: one for one in found if one.case.policy == OURS}
    rows = [
        report.Row(
            f"{one.case.scenario}, {one.case.policy}",
            str(ours[one.case.scenario]),
            str(one),
            f"{ours[one.case.scenario].ratio / min(one.ratio, one.case.patience):.3f}x",
            "<= 1.05x" if one.case.policy in MODELS else "< 1x",
        )
        if one.case.policy != OURS
        else report.Row(
            f"{one.case.scenario}, bound",
            f"{one.makespan:.0f} s",
            f"{one.bound:.0f} s",
            f"{one.ratio:.3f}x",
            f"<= {BOUND_TARGET:.2f}x",
        )
        for one in found
    ]
    one = found[0]
    costs = ", ".join(f"{o.cost_us:.0f}" for o in ours.values())
    report.show(
        f"simulate: {one.case.nodes:,} nodes, {one.tasks:,} tasks, seed {one.case.seed}",
        rows,
        [f"a decision costs {costs} us of CPU (<= {COST_TARGET:.0f} us)"],
    )


def _show_growth(found: Sequence[Found]) -> None:
    rows = [
        report.Row(f"{one.case.nodes:,} nodes", f"{one.cost_us:.1f} us", "", "") for one in found
    ]
    report.show(f"simulate: CPU of a decision, {GROWTH_DECISIONS:,} at most", rows)
