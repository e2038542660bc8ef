"""Waiting for something to become true, with a deadline and without sleeping."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE = 0.001
LONGEST_PAUSE = 0.1


def eventually(
    predicate: Callable[[], T],
    deadline: float = 5.0,
    message: str = "",
    longest_pause: float = LONGEST_PAUSE,
) -> T:
    """Return the predicate's first truthy value.

    It is asked again at growing intervals; what it raises counts as "not yet". At the
    deadline (seconds) an AssertionError says what it last returned or raised.
    """
    give_up = time.monotonic() + deadline
    pause = FIRST_PAUSE
    waiting = threading.Event()
    while True:
        value, error = _ask(predicate)
        if error is None and value:
            return value
        left = give_up - time.monotonic()
        if left <= 0:
            raise AssertionError(_complaint(message, deadline, value, error)) from error
        waiting.wait(min(pause, left))
        pause = min(pause * 2, longest_pause)


def _ask(predicate: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return predicate(), None
    except Exception as error:  # noqa: BLE001  # whatever it is, it is reported at the deadline
        return None, error


def _complaint(message: str, deadline: float, value: object, error: Exception | None) -> str:
    last = f"it raised {error!r}" if error is not None else f"it was {value!r}"
    return f"{message or 'not true'} within {deadline:g} s; last time {last}"
