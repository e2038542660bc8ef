"""What may be asked of a picture, by how far it is, and what it is answered. Pure.

an output is                          cancel                         retry
submitted, its owner lives            its owner is asked             is under way
submitted, its owner died             is cancelled at once           the same command goes on
committing                            is too late                    is under way
failed, cancelled                     is over                        asked of its watcher
done, the output is there             is over                        is done
done, the output was taken away       is over                        asked of its watcher
an arrival, of a living watcher       its watcher is asked           is to come
an arrival, of one that died          is not taken on by anyone      is to come
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ..node.owner.folder_records import Arrival
from ..node.owner.row import Row, State

SAME_COMMAND: Final = "run the same command again"


class Way(StrEnum):
    """Who does what is asked."""

    OWNER = "owner"
    US = "us"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be done to a picture, and what can be."""

    why: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a wish, for one output; ``destination`` is empty for an arrival."""

    source: str
    destination: str
    job: str | None
    what: str


def cancel_output(row: Row, *, is_alive: bool) -> Way | Refusal:
    """Decide how an output is cancelled."""
    match row.state:
        case State.SUBMITTED:
            return Way.OWNER if is_alive else Way.US
        case State.COMMITTING if is_alive:
            return Refusal("is being written at this moment", "remove the output when it is there")
        case State.COMMITTING:
            return Refusal("was half written when its owner died", f"{SAME_COMMAND} to finish it")
        case State.DONE:
            return Refusal("is done already", "remove the output if you do not want it")
        case State.FAILED:
            return Refusal(f"has failed already: {row.reason}", "nothing is left to cancel")
        case State.CANCELLED:
            return Refusal("is cancelled already", "nothing is left to cancel")


def cancel_arrival(arrival: Arrival, *, is_watched: bool) -> Way | Refusal:
    """Decide how a file is cancelled that came to a watched folder."""
    if is_watched:
        return Way.OWNER
    return Refusal(
        f"is {arrival.state}, and nobody watches its folder now",
        "take the file out of the folder before it is watched again",
    )


def retry_output(row: Row, *, is_alive: bool, is_there: bool) -> Way | Refusal:
    """Decide how an output is tried again; ``is_there``: its file is, as far as can be seen."""
    match row.state:
        case State.FAILED | State.CANCELLED:
            return Way.OWNER
        case State.DONE if not is_there:
            return Way.OWNER
        case State.DONE:
            return Refusal("is done", "take its output away, then retry makes it anew")
        case State.SUBMITTED | State.COMMITTING if is_alive:
            return Refusal("is under way", f"'pixmesh why {row.source}' tells how far it is")
        case State.SUBMITTED | State.COMMITTING:
            return Refusal("was left by an owner that died", f"{SAME_COMMAND}: it continues")


def retry_arrival(arrival: Arrival) -> Refusal:
    """Say why a file is not tried again that has not been tried."""
    why = f": {arrival.reason}" if arrival.reason else ""
    return Refusal(f"is {arrival.state}{why}", "it is taken on as soon as it can be")


def summed(answers: Sequence[Answer]) -> list[str]:
    """Return a line for each answer; only their sums where there are many."""
    if len(answers) <= MOST_LINES:
        return [f"{one.source} {one.what}" for one in answers]
    counts: dict[str, int] = {}
    for one in answers:
        counts[one.what] = counts.get(one.what, 0) + 1
    return [f"{count} pictures: {what}" for what, count in counts.items()]


MOST_LINES: Final = 20
