"""``pixmesh bench faults``: the fault matrix, row by row, as its tests find it now.

Runs the fault tests of a checkout in a process of their own and reads what they noted:
seconds until lost work ran elsewhere, jobs lost, outcomes doubled. Knows nothing of how a
row is tested.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import report

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"test_((?:row\d\d_[SPN]_)+)")
ROW = re.compile(r"row(\d\d)_([SPN])_")
PARAMETER = re.compile(r"\[.*?(row\d\d)\]")

FAULTS = {
    1: ("a slot is killed in mid-task", "SP"),
    2: ("an agent is killed, or its connection lost", "SP"),
    3: ("a node freezes past its lease, and comes back", "SP"),
    4: ("a node freezes for less than its lease", "SP"),
    5: ("code in a slot holds the interpreter for 3 leases", "P"),
    6: ("a slot hangs", "SP"),
    7: ("the broker stands still for 15 s", "SP"),
    8: ("the broker is killed and started again", "SP"),
    9: ("the broker is started again 10 times under load", "P"),
    12: ("nothing passes from node to broker", "SN"),
    13: ("nothing passes from broker to node", "SN"),
    14: ("nothing passes either way, then all does", "SN"),
    15: ("a peer vanishes without a word", "N"),
    19: ("pixels are corrupted, truncated, gone", "SP"),
    20: ("an owner is killed before and after a result", "SP"),
    21: ("an owner freezes while nodes fetch", "SP"),
    22: ("an owner starts again and asks the same", "SP"),
    23: ("messages come twice, late, not at all, out of order", "S"),
    24: ("the same message is lost five times running", "S"),
    25: ("the same identity comes twice", "SP"),
    26: ("an identity is claimed with another key", "SP"),
    27: ("a picture kills slots; nodes are powered off", "SP"),
    28: ("a node kills every task", "SP"),
    29: ("a node is 20 times slower than the rest", "SP"),
    30: ("a million submits", "SP"),
    32: ("a frozen peer with full buffers", "P"),
    33: ("fuzzed frames and nonsense", "SP"),
    34: ("strangers flood the door; its gate dies", "P"),
    35: ("wall clocks are moved, clocks are apart", "SP"),
    36: ("descriptors, disk, memory run out", "P"),
    37: ("draining: on the way, too long, told twice", "SP"),
    38: ("500 peers come back at once", "SP"),
    39: ("a day's worth of churn", "S"),
    40: ("another service listens on the old port", "P"),
    41: ("everything is suspended and resumed", "P"),
    42: ("bad pictures of every kind among good ones", "P"),
}
EVERY = "row"
RAN = (0, 1)  # what pytest ends with when tests ran: all passed, or some failed
BY_HAND = {(6, "P"): "minutes: --by-hand", (35, "P"): "needs faketime: --by-hand"}


@dataclass(frozen=True, slots=True)
class Case:
    """One test's word on one row."""

    row: int
    layer: str
    passed: bool
    skipped: str
    recovery: float | None
    lost: int
    doubled: int


@dataclass(frozen=True, slots=True)
class Line:
    """One row on one layer: all of its tests together."""

    row: int
    fault: str
    layer: str
    tests: int
    recovery: float | None
    lost: int
    doubled: int
    verdict: str


def main(words: Sequence[str]) -> int:
    """Run as the command line asks; return the exit code: 1 where a row does not hold."""
    parser = argparse.ArgumentParser("pixmesh bench faults", description=run.__doc__)
    parser.add_argument("--by-hand", action="store_true", help="those that take minutes as well")
    parser.add_argument("--only", default=EVERY, metavar="WORDS", help="what pytest -k selects")
    parser.add_argument("--json", action="store_true", dest="as_json")
    return run(**vars(parser.parse_args(words)))


def run(*, by_hand: bool = False, only: str = EVERY, as_json: bool = False) -> int:
    """Run the fault tests and print the matrix."""
    if not (ROOT / "tests" / "fault").is_dir():
        raise SystemExit("pixmesh bench faults needs a checkout: its tests are not installed")
    cases = list(_cases(_tested(by_hand=by_hand, only=only)))
    lines = [
        _line(row, layer, [one for one in cases if (one.row, one.layer) == (row, layer)])
        for row, (_, layers) in FAULTS.items()
        for layer in _layers(row, layers, cases)
    ]
    if only != EVERY:
        chosen = {(one.row, one.layer) for one in cases}
        lines = [line for line in lines if (line.row, line.layer) in chosen]
    if as_json:
        report.show_json({"bench": "faults", "rows": [asdict(line) for line in lines]})
    else:
        _show(lines)
    return int(any(line.verdict == "FAILED" for line in lines))


def _layers(row: int, layers: str, cases: list[Case]) -> str:
    """Return the layers that a row is due on, and others that it is tested on as well."""
    more = sorted({one.layer for one in cases if one.row == row} - set(layers))
    return layers + "".join(more)


def _tested(*, by_hand: bool, only: str) -> ET.Element:
    with tempfile.TemporaryDirectory(prefix="pixmesh-faults-") as folder:
        written = Path(folder) / "junit.xml"
        command = [sys.executable, "-P", "-m", "pytest", "tests/fault", "-q", "-k", only]
        marks = ["-m", "soak or not soak"] if by_hand else []
        # The tests' own talk is no data: it goes where the progress of a bench goes.
        done = subprocess.run(
            [*command, *marks, f"--junitxml={written}"], cwd=ROOT, stdout=sys.stderr, check=False
        )
        if done.returncode not in RAN:
            raise SystemExit(f"pytest ran no test: {' '.join(command)} ended {done.returncode}")
        return ET.parse(written).getroot()  # noqa: S314  # our own tests wrote it a moment ago


def _cases(root: ET.Element) -> Iterator[Case]:
    for test in root.iter("testcase"):
        name = test.get("name", "")
        meant = ROW.findall(found[1]) if (found := NAME.match(name)) else []
        alone = PARAMETER.search(name)
        for row, layer in meant:
            if alone is None or alone[1] == f"row{row}":
                yield _case(int(row), layer, test)


def _case(row: int, layer: str, test: ET.Element) -> Case:
    noted = {one.get("name"): one.get("value") for one in test.iter("property")}
    skipped = test.find("skipped")
    recovery = noted.get("recovery")
    return Case(
        row=row,
        layer=layer,
        passed=test.find("failure") is None and test.find("error") is None,
        skipped=skipped.get("message", "skipped") if skipped is not None else "",
        recovery=float(recovery) if recovery else None,
        lost=int(noted.get("lost") or 0),
        doubled=int(noted.get("doubled") or 0),
    )


def _line(row: int, layer: str, cases: list[Case]) -> Line:
    ran = [one for one in cases if not one.skipped]
    return Line(
        row=row,
        fault=FAULTS[row][0],
        layer=layer,
        tests=len(ran),
        recovery=max((one.recovery for one in ran if one.recovery is not None), default=None),
        lost=sum(one.lost for one in ran),
        doubled=sum(one.doubled for one in ran),
        verdict=_verdict(row, layer, cases, ran),
    )


def _verdict(row: int, layer: str, cases: list[Case], ran: list[Case]) -> str:
    if any(not one.passed for one in ran):
        return "FAILED"
    if ran:
        return "held"
    return cases[0].skipped if cases else BY_HAND.get((row, layer), "not run")


def _show(lines: list[Line]) -> None:
    head = ("row", "fault", "layer", "tests", "recovery", "lost", "doubled", "verdict")
    rows = [
        (
            str(line.row),
            line.fault,
            line.layer,
            str(line.tests),
            f"{line.recovery:.2f} s" if line.recovery is not None else "",
            str(line.lost),
            str(line.doubled),
            line.verdict,
        )
        for line in lines
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        report.write("  ".join(map(str.ljust, row, widths)).rstrip())
    report.write(f"on {report.machine()}")
