"""A package's operation that lasts without a busy processor: ``nap seconds=0.5``. For tests.

The file that the environment calls ``NAP_BEGAN`` is there from the first nap on.
"""

import os
import threading
from pathlib import Path

from pixmesh.ops.operation import Cut, Operation, Parameter


def nap(pixels, *, seconds):  # type: ignore[no-untyped-def]  # it lives outside the checkout
    Path(os.environ["NAP_BEGAN"]).touch()
    threading.Event().wait(seconds)
    return pixels


NAP = Operation(
    name="nap",
    help="sleeps",
    run=nap,
    cut=Cut("whole"),
    cost=350.0,  # 0.2 s for a picture of 24 x 24: few are given ahead
    memory=0,
    source="",
    parameters=(Parameter(name="seconds", kind="float", default=0.0, help="how long"),),
)
