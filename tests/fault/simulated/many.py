"""Many schedules by their seeds, in processes of their own, one for each core.

python -P -m pixmesh.tests.fault.simulated.many FIRST LAST
"""

import os
import subprocess
import sys

from .generate import events_of
from .schedule import Simulation

MODULE = "pixmesh.tests.fault.simulated.many"
FRAMES_EVERY = 10
POLITE = 5  # tests with deadlines run beside these


def complaint(seed: int) -> str:
    """Run a schedule; return what was wrong, or nothing."""
    try:
        Simulation(events_of(seed), frames=seed % FRAMES_EVERY == 0).run()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is reported with its seed
        return f"seed {seed}: {type(error).__name__}: {error}"
    return ""


def complaints(first: int, last: int) -> list[str]:
    """Run the seeds from ``first`` up to ``last``; return what was wrong."""
    cores = os.cpu_count() or 1
    running = [_start(first + core, last, cores) for core in range(cores)]
    told = [process.communicate()[0] for process in running]
    for process, said in zip(running, told, strict=True):
        if process.returncode:
            raise RuntimeError(f"schedules ended with exit code {process.returncode}: {said}")
    return [line for said in told for line in said.splitlines()]


def _start(first: int, last: int, step: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-P", "-m", MODULE, str(first), str(last), str(step)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def main(first: int, last: int, step: int = 0) -> None:
    """Print what was wrong; without a step, use every core."""
    if not step:
        sys.stdout.write("".join(f"{line}\n" for line in complaints(first, last)))
        return
    if hasattr(os, "nice"):
        os.nice(POLITE)
    for seed in range(first, last, step):
        said = complaint(seed)
        if said:
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
