"""Rows and arrivals for tests of what people are shown of them."""

from pathlib import Path

from pixmesh.node.owner.folder_records import Arrival, ArrivalState
from pixmesh.node.owner.job import FileIdentity, JobId
from pixmesh.node.owner.row import Row, State

JOB = JobId(bytes.fromhex("ab12" * 8))
NOON = 43_200.0


def row(name: str = "a.jpg", state: State = State.DONE, **more: object) -> Row:
    facts: dict[str, object] = {
        "destination": Path("/out") / name,
        "source": Path("/in") / name,
        "identity": FileIdentity(1, 2, 3),
        "digest": b"d" * 32,
        "job": JOB,
        "recipe": "blur ksize=5",
        "output": "",
        "state": state,
        "changed": NOON,
    }
    return Row(**(facts | more))  # type: ignore[arg-type]


def arrival(name: str = "a.jpg", reason: str = "", at: float = NOON) -> Arrival:
    return Arrival(Path("/in") / name, ArrivalState.WAITING, reason, at, Path("/out"))
