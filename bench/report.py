"""What a measurement says: medians, percentiles, paired ratios, and on which machine.

Owns the arithmetic and the two ways of showing it, a text table and JSON. It measures
nothing itself.
"""

import datetime as dt
import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

LIBRARIES = ("pixmesh", "pyzmq", "opencv-python-headless", "numpy", "msgpack")


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours over theirs, taken pair by pair: the median, and the lowest and highest pair."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f}x ({self.low:.2f}-{self.high:.2f})"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the numbers were taken on."""

    cpu: str
    cores: int
    system: str
    python: str
    libraries: dict[str, str]
    date: str

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.libraries.items())
        return (
            f"{self.cpu}, {self.cores} cores, {self.system}, "
            f"Python {self.python}, {versions}; {self.date}"
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was measured, both sides, and how they compare."""

    what: str
    ours: str
    theirs: str
    ratio: str
    target: str = ""


def median(samples: Sequence[float]) -> float:
    """Return the middle sample."""
    return statistics.median(samples)


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the sample below which this percentage lies, the nearest one."""
    ranked = sorted(samples)
    place = round(percent / 100 * (len(ranked) - 1))
    return ranked[place]


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare rounds taken side by side: other work on the machine hits both of a pair."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def machine() -> Machine:
    """Describe this machine and the versions in use."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        libraries={name: _version(name) for name in LIBRARIES},
        date=dt.datetime.now(tz=dt.UTC).date().isoformat(),
    )


def show(title: str, rows: Iterable[Row], notes: Iterable[str] = ()) -> None:
    """Write a measurement to stdout as a table, the machine under it."""
    header = Row("", "pixmesh", "baseline", "ratio", "target")
    lines = [tuple(asdict(row).values()) for row in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    write(title)
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        write("  " + "  ".join(cells).rstrip())
    for note in notes:
        write(f"  {note}")
    write(f"  on {machine()}")


def show_json(measurement: dict[str, object]) -> None:
    """Write a measurement to stdout as one JSON document."""
    document = {"schema": 1, **measurement, "machine": asdict(machine())}
    write(json.dumps(document, indent=2))


def write(line: str) -> None:
    """Write a line to stdout at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def progress(line: str) -> None:
    """Tell a waiting person how far it is; stdout stays data."""
    sys.stderr.write(line + "\n")


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
