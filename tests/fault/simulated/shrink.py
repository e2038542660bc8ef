"""From a schedule that fails to the few of its events that make it fail.

    python -P -m pixmesh.tests.fault.simulated.shrink SEED...

First what the noise did becomes events of its own, one for each message that suffered; so what
is left needs no lot, and still means the same when the code has changed.
"""

import contextlib
import sys
from collections.abc import Sequence

from .generate import events_of
from .schedule import Event, Simulation


def failure_of(events: Sequence[Event]) -> str:
    """Return the kind of error that a schedule ends with, or nothing."""
    try:
        Simulation(events).run()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the failure
        text = str(error).split(" ")
        return f"{type(error).__name__} {' '.join(word for word in text if word.isalpha())}"
    return ""


def without_lot(events: Sequence[Event]) -> list[Event]:
    """Return the same schedule with what its noise did to each message, and no noise."""
    simulation = Simulation(events)
    with contextlib.suppress(Exception):  # it is known to fail
        simulation.run()
    made = simulation.mesh.net.made.items()
    copies = [Event(0.0, "copies", (*which, *late)) for which, late in made]
    return [event for event in events if event.what != "noise"] + copies


def shrink(events: Sequence[Event]) -> list[Event]:
    """Return a shortest list of events that fails in the same way, as far as trying shows."""
    wanted = failure_of(events)
    known = without_lot(events)
    left = known if failure_of(known) == wanted else list(events)
    size = len(left) // 2
    while size:
        kept = _without_parts(left, size, wanted)
        size = size // 2 if len(kept) == len(left) else min(size, len(kept) // 2)
        left = kept
    return [_fewer_arguments(left, index, wanted) for index in range(len(left))]


def _without_parts(events: list[Event], size: int, wanted: str) -> list[Event]:
    start = 0
    while start < len(events):
        fewer = events[:start] + events[start + size :]
        if failure_of(fewer) == wanted:
            events = fewer
        else:
            start += size
    return events


def _fewer_arguments(events: list[Event], index: int, wanted: str) -> Event:
    """Take jobs out of an event that asks for them, one after the other."""
    event = events[index]
    if event.what not in {"ask", "cancel"}:
        return event
    for job in event.arguments[1:]:
        fewer = event._replace(arguments=tuple(one for one in event.arguments if one != job))
        changed = [*events[:index], fewer, *events[index + 1 :]]
        if failure_of(changed) == wanted:
            event, events = fewer, changed
    events[index] = event
    return event


def main(seeds: Sequence[str]) -> None:
    """Print the shrunk events of each seed."""
    for seed in map(int, seeds):
        events = events_of(seed)
        sys.stdout.write(f"seed {seed}: {failure_of(events)}\n")
        for event in shrink(events):
            sys.stdout.write(f"    {event}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
