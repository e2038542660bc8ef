"""Looking at what may hang, for so long and no longer: names that nobody resolves, dead mounts.

What hangs is left to a thread that ends with the process.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def bounded(look: Callable[[], T], patience: float) -> T | None:
    """Return what a look returns; None where it takes longer."""
    return all_bounded([look], patience)[0]


def all_bounded(looks: Sequence[Callable[[], T]], patience: float) -> list[T | None]:
    """Look at everything at once; None stands where a look takes longer, or raises."""
    found: list[T | None] = [None] * len(looks)

    def take(number: int) -> None:
        found[number] = looks[number]()

    threads = [
        threading.Thread(target=take, args=(number,), name="doctor", daemon=True)
        for number in range(len(looks))
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return list(found)
