"""``pixmesh bench pictures``: real photos through a real recipe, beside plain OpenCV.

Owns the rounds: each runs a sequential loop, a ``multiprocessing.Pool`` and the mesh over
the same files, in alternating order, each in processes of its own. The method and what is
left out are in METHOD.md.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from . import photos as sources
from . import report
from .contender import RECIPE, WARM_UP, Cost

CPU_TARGET = 1.20
WALL_TARGET = 1.15
ALL = ("loop", "pool", "mesh")
MODULE = "pixmesh.bench.contender"

Costs = dict[str, list[Cost]]


def run(
    *,
    photos: Path | None = None,
    copies: int = 10,
    rounds: int = 9,
    as_json: bool = False,
    contenders: Sequence[str] = ALL,
) -> None:
    """Measure and write the report to stdout."""
    with workplace() as folder:
        files = prepare(sources.find(photos), folder, copies)
        costs: Costs = {name: [] for name in contenders}
        for number in range(rounds):
            # The order turns around, so that a machine that warms up favours nobody.
            for name in contenders if number % 2 == 0 else reversed(contenders):
                costs[name].append(one_round(name, files, folder))
            report.progress(f"round {number + 1} of {rounds}: {_walls(costs)}")
    if as_json:
        report.show_json(_document(costs))
    else:
        _show(costs)


def main(words: Sequence[str]) -> int:
    """Run as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser("pixmesh bench pictures", description=run.__doc__)
    parser.add_argument("--photos", type=Path, help="a folder; scikit-image's photos without it")
    parser.add_argument("--copies", type=int, default=10, help="distinct pictures of each photo")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--only", nargs="+", choices=ALL, default=ALL, dest="contenders")
    run(**vars(parser.parse_args(words)))
    return 0


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """Make a folder for the pictures and results of one measurement; remove it after."""
    folder = Path(tempfile.mkdtemp(prefix="pixmesh-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(photos: list[Path], folder: Path, copies: int) -> Path:
    """Write the distinct pictures, and a list of them: those of the warm-up first."""
    pictures = folder / "in"
    pictures.mkdir()
    report.progress(f"making {copies} distinct pictures of each of {len(photos)} photos")
    made = sources.make_distinct(photos, pictures, copies + 1)
    # The extra copies are the warm-up: as many as needed, and never measured.
    warm_up = [path for path in made if path.name.startswith(f"{copies:03d}_")][:WARM_UP]
    measured = [path for path in made if not path.name.startswith(f"{copies:03d}_")]
    listing = folder / "list"
    listing.write_text("".join(f"{path}\n" for path in (*warm_up, *measured)))
    return listing


def one_round(name: str, listing: Path, folder: Path) -> Cost:
    """Run a contender over the list in a fresh process; check that every result is there."""
    out = folder / "out"
    out.mkdir()
    try:
        command = [sys.executable, "-P", "-m", MODULE, name, str(listing), str(out)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        cost = Cost(**json.loads(done.stdout))
        written = sum(1 for path in out.iterdir() if path.stat().st_size)
        if written != cost.pictures + WARM_UP:
            raise RuntimeError(f"{name} wrote {written} pictures of {cost.pictures + WARM_UP}")
        return cost
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _walls(costs: Costs) -> str:
    return ", ".join(f"{name} {taken[-1].wall:.2f} s" for name, taken in costs.items())


def _column(costs: Costs, name: str, of: str) -> list[float]:
    return [getattr(cost, of) for cost in costs[name]]


def _row(costs: Costs, of: str, rival: str, target: float) -> report.Row:
    theirs = _column(costs, rival, of)
    ours = _column(costs, "mesh", of) if "mesh" in costs else []
    return report.Row(
        what=f"{of} seconds, {rival}",
        ours=f"{report.median(ours):.2f}" if ours else "-",
        theirs=f"{report.median(theirs):.2f}",
        ratio=str(report.paired_ratio(ours, theirs)) if ours else "-",
        target=f"<= {target:.2f}x",
    )


COMPARED = (("cpu", "loop", CPU_TARGET), ("wall", "pool", WALL_TARGET))


def _show(costs: Costs) -> None:
    first = next(iter(costs.values()))
    report.show(
        f"pictures: {first[0].pictures} distinct, {RECIPE}, JPEG out, {len(first)} rounds",
        [_row(costs, *compared) for compared in COMPARED if compared[1] in costs],
        ["medians of all rounds; ratios are paired, lowest and highest round in brackets"],
    )


def _document(costs: Costs) -> dict[str, object]:
    ratios = {
        f"{of}_over_{rival}": asdict(
            report.paired_ratio(_column(costs, "mesh", of), _column(costs, rival, of))
        )
        for of, rival, _ in COMPARED
        if "mesh" in costs and rival in costs
    }
    rounds = {name: [asdict(cost) for cost in taken] for name, taken in costs.items()}
    return {"bench": "pictures", "recipe": RECIPE, "ratios": ratios, "rounds": rounds}
