"""A package's operation that does to a slot what its picture's first pixel says. For tests.

    0  nothing            3  is killed, as by a machine out of memory    6  raises MemoryError
    1  a segfault         4  hangs                                       7  fails
    2  exits              5  holds the interpreter for 3 leases

It sleeps ``nap`` seconds before, so that tasks last without a busy processor. A node whose
environment says ``FAULTY_KILLS`` kills its slot at every task; ``FAULTY_SLOW`` is by how
much it is slower.
"""

import ctypes
import os
import signal
import threading

import numpy as np

from pixmesh.ops.operation import Cut, Operation, Parameter

MARKS = {1: "segfault", 2: "exit", 3: "killed", 4: "hangs", 5: "holds", 6: "memory", 7: "fails"}
THREE_LEASES = 18


def faulty(pixels, *, nap):  # type: ignore[no-untyped-def]  # it lives outside the checkout
    threading.Event().wait(nap * float(os.environ.get("FAULTY_SLOW", "1")))
    mark = 3 if os.environ.get("FAULTY_KILLS") else int(pixels.flat[0])
    if mark in MARKS:
        globals()[MARKS[mark]]()
    return pixels


def segfault():  # type: ignore[no-untyped-def]
    os.kill(os.getpid(), signal.SIGSEGV)


def exit():  # type: ignore[no-untyped-def]  # noqa: A001
    os._exit(3)


def killed():  # type: ignore[no-untyped-def]
    os.kill(os.getpid(), signal.SIGKILL)


def hangs():  # type: ignore[no-untyped-def]
    threading.Event().wait()


def holds():  # type: ignore[no-untyped-def]
    ctypes.PyDLL(None).poll(None, 0, 1000 * THREE_LEASES)


def memory():  # type: ignore[no-untyped-def]
    np.ones(1 << 50, np.uint8)


def fails():  # type: ignore[no-untyped-def]
    raise ValueError("this picture is faulty")


FAULTY = Operation(
    name="faulty",
    help="what the picture's first pixel says",
    run=faulty,
    cut=Cut("whole"),
    cost=350.0,  # 0.2 s for a picture of 24 x 24: few are given ahead
    memory=0,
    source="",
    parameters=(Parameter(name="nap", kind="float", default=0.0, help="seconds of sleep"),),
)
