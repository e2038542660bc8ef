"""A picture's story in words and as data: the ledger's part, then the broker's. Pure."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..broker.why import Story
from ..node.owner.names import as_unicode
from ..node.owner.row import Change, Row

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Told:
    """What the ledger says of one output."""

    row: Row
    history: tuple[Change, ...]


def in_words(told: Sequence[Told], stories: Sequence[Story]) -> str:
    """Return everything that is known, a few lines for each output and each task."""
    lines = [line for one in told for line in _output(one)]
    return "\n".join([*lines, *(line for story in stories for line in _task(story))])


def _output(told: Told) -> Iterator[str]:
    row = told.row
    yield f"{as_unicode(str(row.source))} -> {as_unicode(str(row.destination))}"
    yield f"  {row.recipe}"
    where = f" on {row.node}" if row.node else ""
    tries = f", {row.attempts} attempts" if row.attempts > 1 else ""
    why = f": {row.reason}" if row.reason else ""
    yield f"  {row.state}{where}{tries}{why}"
    for change in told.history:
        yield f"    {_clock(change.at)} {change.state}"


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


def as_data(told: Sequence[Told], stories: Sequence[Story]) -> dict[str, object]:
    """Return the same as plain data."""
    return {
        "schema": SCHEMA,
        "outputs": [_output_data(one) for one in told],
        "tasks": list(stories),
    }


def _output_data(told: Told) -> dict[str, object]:
    row = told.row
    return {
        "source": as_unicode(str(row.source)),
        "destination": as_unicode(str(row.destination)),
        "job": row.job.hex() if row.job is not None else None,
        "recipe": row.recipe,
        "state": row.state.value,
        "code": row.code,
        "reason": row.reason,
        "node": row.node,
        "attempts": row.attempts,
        "seconds": row.seconds,
        "history": [{"state": one.state.value, "at": one.at} for one in told.history],
    }


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
