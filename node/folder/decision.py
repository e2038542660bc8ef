"""What is to be done about one output of a finished file, by what the ledger knows of it. Pure.

    the output is                                              it is
    not known                                                  made
    done, of this file as it is, by this recipe                written: nothing to do
    failed, of the same                                        failed, until someone says retry
    cancelled by a person, of the same                         failed
    known otherwise: another recipe, another content           made; our own file is replaced
    submitted by an owner that lives, and is not this one      busy: looked at later
    half committed by one that does not                        finished

Whether the file under the output's name is still there does not matter: people take results
away, and must not get them again.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from ..owner.commit import TAKEN_OVER, UNWRITABLE
from ..owner.job import FileIdentity
from ..owner.ledger import CANCELLED
from ..owner.prepare import UNREADABLE
from ..owner.row import Row, State
from ..owner.source import SOURCE_CHANGED

PASSING: Final = frozenset({UNWRITABLE, TAKEN_OVER, UNREADABLE, SOURCE_CHANGED})
"""Failures that may not come again with the same file."""


class Decision(Enum):
    """What is to be done about an output."""

    MAKE = "make"
    FINISH = "finish"
    WRITTEN = "written"
    FAILED = "failed"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the output should be made of, and how: both texts are canonical."""

    identity: FileIdentity
    recipe: str
    output: str

    def is_of(self, row: Row) -> bool:
        """Tell whether a row is about exactly this."""
        return (row.identity, row.recipe, row.output) == (self.identity, self.recipe, self.output)


def decide(row: Row | None, wish: Wish, *, is_ours: bool, is_alive: bool, retry: bool) -> Decision:
    """Decide about one output.

    ``is_ours``: the row's owner is this process; ``is_alive``: it is one that runs.
    ``retry``: a person asked for it.
    """
    if row is None:
        return Decision.MAKE
    if row.state in {State.SUBMITTED, State.COMMITTING}:
        return _under_way(row, wish, is_ours=is_ours, is_alive=is_alive)
    return Decision.MAKE if retry or not wish.is_of(row) else _ended(row)


def _under_way(row: Row, wish: Wish, *, is_ours: bool, is_alive: bool) -> Decision:
    if is_alive and not is_ours:
        return Decision.BUSY
    half_committed = row.state is State.COMMITTING and wish.is_of(row) and not is_ours
    return Decision.FINISH if half_committed else Decision.MAKE


def _ended(row: Row) -> Decision:
    match row.state:
        case State.DONE:
            return Decision.WRITTEN
        case State.FAILED if row.code not in PASSING:
            return Decision.FAILED
        case State.CANCELLED if row.code == CANCELLED:
            return Decision.FAILED
        case _:
            return Decision.MAKE


def is_settled(row: Row, wish: Wish) -> bool:
    """Tell whether nothing is to be done about an output, without looking at anything else."""
    decision = decide(row, wish, is_ours=False, is_alive=False, retry=False)
    return decision in {Decision.WRITTEN, Decision.FAILED}
