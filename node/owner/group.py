"""The outcomes that a batch takes together: what becomes of which entry.

They share the ledger's transactions. Plain data: who fills it decides, who empties it acts.
"""

from dataclasses import dataclass, field
from pathlib import Path

from .commit import Commit
from .row import Failed, Row
from .works import Ended, Pending


@dataclass(slots=True)
class Group:
    """What is recorded together, and whom it concerns."""

    pending: dict[Path, Pending] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    cancelled: list[Pending] = field(default_factory=list)
    taken_back: list[Pending] = field(default_factory=list)
    again: list[Pending] = field(default_factory=list)
    unchanged: list[tuple[Pending, Row]] = field(default_factory=list)
    ended: list[tuple[Ended, int]] = field(default_factory=list)

    def commit(self, pending: Pending, commit: Commit) -> None:
        """Take in a result that becomes an output."""
        self.pending[pending.entry.destination] = pending
        self.commits.append(commit)

    def fail(
        self, pending: Pending, code: str, reason: str, *, node: str = "", attempts: int = 0
    ) -> None:
        """Take in an output that will not appear."""
        destination = pending.entry.destination
        self.pending[destination] = pending
        self.failed.append(
            Failed(destination=destination, code=code, reason=reason, node=node, attempts=attempts)
        )
