"""How slow this machine is at this moment: what bounds on CPU time are said of another one."""

import time

SUMS = 1_000_000
SECONDS = 0.1
"""How long a machine takes for these sums of which bounds are said: a shared core of 2026."""


def slowness() -> float:
    """Return how many times slower this machine is now; 1 where it is not."""
    began, total = time.thread_time(), 0
    for number in range(SUMS):
        total += number
    return max(1.0, (time.thread_time() - began) / SECONDS)
