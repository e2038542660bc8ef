"""A picture's story in words and as data: the ledger's part, then the broker's. Pure."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..broker.plain import plain
from ..broker.views import Story
from ..node.folder.places import shown
from ..node.owner.folder_records import Arrival
from ..node.owner.names import as_unicode
from ..node.owner.row import Change, Row
from ..ops.reference import shortened

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Told:
    """What the ledger says of one output."""

    row: Row
    history: tuple[Change, ...]


def in_words(
    told: Sequence[Told], stories: Sequence[Story] = (), arrivals: Sequence[Arrival] = ()
) -> str:
    """Return everything that is known, a few lines for each output, arrival and task."""
    lines = [line for one in told for line in _output(one)]
    lines += [line for one in arrivals for line in _arrival(one)]
    lines += [line for story in stories for line in _task(story)]
    return "\n".join(map(plain, lines))


def _output(told: Told) -> Iterator[str]:
    row = told.row
    yield f"{as_unicode(shown(row.source))} -> {as_unicode(shown(row.destination))}"
    yield f"  {shortened(row.recipe)}"
    where = f" on {row.node}" if row.node else ""
    tries = f", {row.attempts} attempts" if row.attempts > 1 else ""
    why = f": {row.reason}" if row.reason else ""
    yield f"  {row.state}{where}{tries}{why}"
    for change in told.history:
        yield f"    {moment(change.at)} {_change(change)}"


def _change(change: Change) -> str:
    where = f" on {change.node}" if change.node else ""
    why = f": {change.reason}" if change.reason else ""
    return f"{change.state}{where}{why}"


def _arrival(arrival: Arrival) -> Iterator[str]:
    out = f" -> {as_unicode(shown(arrival.out))}{os.sep}" if arrival.out is not None else ""
    yield f"{as_unicode(shown(arrival.source))}{out}"
    why = f": {arrival.reason}" if arrival.reason else ""
    yield f"  {arrival.state} since {moment(arrival.at)}{why}"


def _task(story: Story) -> Iterator[str]:
    yield (
        f"job {story.id[:12]} {story.name}".rstrip() + f" of {story.owner or 'an owner that left'}"
    )
    yield f"  {story.place}{f': {story.reason}' if story.reason else ''}"
    for one in story.now:
        alone = ", alone" if one.alone else ""
        yield (
            f"    on {one.node} for {one.seconds:.1f} s ({one.phase}{alone}; "
            f"predicted {one.predicted:.2g} s)"
        )
    for tried in story.tries:
        alone = ", alone" if tried.alone else ""
        yield f"    tried on {tried.node}{alone}: {tried.code}: {tried.reason}"


def as_data(
    told: Sequence[Told], stories: Sequence[Story] = (), arrivals: Sequence[Arrival] = ()
) -> dict[str, object]:
    """Return the same as plain data."""
    return {
        "schema": SCHEMA,
        "outputs": [_output_data(one) for one in told],
        "arrivals": [_arrival_data(one) for one in arrivals],
        "tasks": list(stories),
    }


def _arrival_data(arrival: Arrival) -> dict[str, object]:
    return {
        "source": as_unicode(shown(arrival.source)),
        "out": as_unicode(shown(arrival.out)) if arrival.out is not None else None,
        "state": arrival.state.value,
        "reason": arrival.reason,
        "at": arrival.at,
    }


def _output_data(told: Told) -> dict[str, object]:
    row = told.row
    return {
        "source": as_unicode(shown(row.source)),
        "destination": as_unicode(shown(row.destination)),
        "job": row.job.hex() if row.job is not None else None,
        "recipe": row.recipe,
        "state": row.state.value,
        "code": row.code,
        "reason": row.reason,
        "node": row.node,
        "attempts": row.attempts,
        "seconds": row.seconds,
        "history": [_change_data(one) for one in told.history],
    }


def _change_data(change: Change) -> dict[str, object]:
    return {
        "state": change.state.value,
        "at": change.at,
        "node": change.node,
        "reason": change.reason,
    }


def moment(at: float) -> str:
    """Write a time as the wall clock here shows it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
