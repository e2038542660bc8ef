"""``pixmesh bench folder``: the drop folder beside `pixmesh run`, and how soon a photo is through.

Owns the rounds: each starts the real command on the same distinct pictures, in a state folder of
its own, and looks at OUT. The method is in METHOD.md.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from . import photos as sources
from . import pictures, report
from .contender import RECIPE, SLOTS

SETTLE: Final = 2.0
TARGET: Final = 0.95
LATENCY: Final = SETTLE + 0.3
LOOK_EVERY: Final = 0.01
PATIENCE: Final = 600.0
WARM_UP: Final = 2


def run(
    *,
    photos: Path | None = None,
    copies: int = 30,
    rounds: int = 3,
    drops: int = 15,
    as_json: bool = False,
) -> None:
    """Measure and write the report to stdout."""
    watched, ran = [], []
    with pictures.workplace() as folder:
        made = _prepared(photos, folder, copies)
        for number in range(rounds):
            order = ("watch", "run") if number % 2 else ("run", "watch")
            rates = {what: _rate(what, folder, len(made)) for what in order}
            watched.append(rates["watch"])
            ran.append(rates["run"])
            report.progress(f"round {number + 1} of {rounds}: {rates}")
        waits = _waits(folder, drops)
    if as_json:
        report.show_json(
            {
                "pictures": len(made),
                "watch": watched,
                "run": ran,
                "seconds": waits,
                "settle": SETTLE,
            }
        )
        return
    ratio = report.paired_ratio(watched, ran)
    soon = statistics.median(waits)
    report.show(
        f"folder: {len(made)} distinct pictures, {rounds} rounds; {drops} photos one by one",
        [
            report.Row(
                "pictures/s, run",
                f"{statistics.median(watched):.1f}",
                f"{statistics.median(ran):.1f}",
                str(ratio),
                f">= {TARGET}x",
            ),
            report.Row("p50, file to result", f"{soon:.2f} s", "", "", f"<= {LATENCY:.1f} s"),
        ],
        [f"the slowest of {drops}: {max(waits):.2f} s; settle time {SETTLE:g} s"],
    )


def main(words: Sequence[str]) -> int:
    """Run as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser("pixmesh bench folder", description=run.__doc__)
    parser.add_argument("--photos", type=Path, help="a folder; scikit-image's photos without it")
    parser.add_argument("--copies", type=int, default=30, help="distinct pictures of each photo")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--drops", type=int, default=15, help="photos dropped one by one")
    parser.add_argument("--json", action="store_true", dest="as_json")
    run(**vars(parser.parse_args(words)))
    return 0


def _prepared(photos: Path | None, folder: Path, copies: int) -> list[Path]:
    (folder / "in").mkdir()
    found = sources.find(photos)
    report.progress(f"making {copies} distinct pictures of each of {len(found)} photos")
    return sources.make_distinct(found, folder / "in", copies)


def _rate(what: str, folder: Path, count: int) -> float:
    """Return pictures a second, from the command's start to the last output.

    `run` reads all pictures before it begins, and a watcher beside its work: so the first output
    is no start. The time in which a watcher waits for files to settle is not counted.
    """
    began = time.monotonic()
    with _started(what, folder, folder / "in", SETTLE) as out:
        while (seen := _outputs(out)) < count:
            waited = time.monotonic() - began
            assert waited < PATIENCE, f"{what}: {seen} of {count} after {waited:.0f} s"
            _pause(LOOK_EVERY)
        ended = time.monotonic()
    return count / (ended - began - (SETTLE if what == "watch" else 0.0))


def _waits(folder: Path, drops: int) -> list[float]:
    """Return the seconds from a photo's last byte to its result, one photo at a time."""
    source = folder / "one-by-one"
    source.mkdir()
    taken = []
    with _started("watch", folder, source, SETTLE) as out:
        for number in range(drops + WARM_UP):
            name = f"{number}.jpg"
            sources.write(source / name, sources.drawn(number + 900, 1632, 1224))
            complete = time.monotonic()
            while not (out / name).exists():
                assert time.monotonic() - complete < PATIENCE
                _pause(LOOK_EVERY / 2)
            taken.append(time.monotonic() - complete)
    return taken[WARM_UP:]


@contextmanager
def _started(what: str, folder: Path, source: Path, settle: float) -> Iterator[Path]:
    """Start the command with a state folder and an OUT of its own; yield OUT."""
    place = folder / f"{what}-{time.monotonic_ns()}"
    state, out = place / "state", place / "out"
    state.mkdir(parents=True, mode=0o700)
    words = [RECIPE, str(source), "-o", str(out), "--slots", str(SLOTS), "-q"]
    more = ["--settle", f"{settle}s"] if what == "watch" else []
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "pixmesh.tui.cli", what, *words, *more],
        env=os.environ | {"PIXMESH_STATE": str(state), "PIXMESH_MAX_LOAD": "1"},
    )
    try:
        yield out
    finally:
        if what == "watch":
            process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def _outputs(out: Path) -> int:
    names = (path.name for path in out.iterdir()) if out.is_dir() else iter(())
    return sum(not name.startswith((".", "_")) for name in names)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
