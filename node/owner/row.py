"""What the ledger says of one output, and what it is told.

Plain values, so that plan and commit need no database.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .job import FileIdentity, JobId


class State(StrEnum):
    """How far an output is."""

    SUBMITTED = "submitted"
    COMMITTING = "committing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One output. ``digest`` is the picture's, ``result`` the output's; ``job`` needs one."""

    destination: Path
    source: Path
    identity: FileIdentity
    digest: bytes | None
    job: JobId | None
    recipe: str
    output: str
    state: State = State.SUBMITTED
    owner: str = ""
    temp: Path | None = None
    result: bytes | None = None
    code: str = ""
    reason: str = ""
    node: str = ""
    attempts: int = 0
    seconds: float = 0.0
    changed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An output whose temp file is written and synced, about to get its final name."""

    destination: Path
    job: JobId
    result: bytes
    node: str
    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An output that will not appear, and why."""

    destination: Path
    code: str
    reason: str
    node: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an output's history."""

    state: State
    job: JobId | None
    owner: str
    at: float
    node: str = ""
    reason: str = ""
