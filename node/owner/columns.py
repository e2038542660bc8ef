"""How a row of the ledger is kept in SQLite: which columns, in which order, and back.

Pure: it knows the table's shape, and neither the database nor what rows mean.
"""

import os
from pathlib import Path
from typing import Any, Final

from .job import FileIdentity
from .names import as_unicode
from .row import Row, State

COLUMNS: Final = (
    "destination, source, size, mtime_ns, inode, digest, job, recipe, output, state, owner,"
    " temp, result, code, reason, node, attempts, seconds, changed"
)
SELECT: Final = f"SELECT {COLUMNS} FROM outputs"  # noqa: S608  # a constant
UPSERT: Final = (
    f"INSERT OR REPLACE INTO outputs ({COLUMNS})"  # noqa: S608  # a constant
    f" VALUES ({', '.join('?' * 19)})"
)


def values_of(row: Row, *, owner: str, changed: float) -> tuple[object, ...]:
    """Return what is kept of a row, in the order of the columns."""
    return (
        *(os.fsencode(row.destination), os.fsencode(row.source)),
        *(*identity_values(row.identity), row.digest, row.job, row.recipe, row.output),
        *(row.state, owner, None if row.temp is None else os.fsencode(row.temp), row.result),
        *(row.code, as_unicode(row.reason), row.node, row.attempts, row.seconds, changed),
    )


def below(folder: Path) -> tuple[bytes, bytes]:
    """Return what the paths of all that lies in a folder sort between."""
    start = os.fsencode(folder).rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
    return start, start[:-1] + bytes([start[-1] + 1])


def identity_values(identity: FileIdentity) -> tuple[int, int, str]:
    """Return how a file's identity is kept."""
    # An inode may have more bits than SQLite's integers.
    return identity.size, identity.mtime_ns, str(identity.inode)


def row_of(found: tuple[Any, ...], path: Path | None = None) -> Row:
    """Return the row that was found; ``path`` is its destination, where that was made before."""
    destination, source, size, mtime_ns, inode, digest, job, recipe, output, *more = found
    state, owner, temp, result, code, reason, node, attempts, seconds, changed = more
    return Row(
        destination=path or Path(os.fsdecode(destination)),
        source=Path(os.fsdecode(source)),
        identity=FileIdentity(size, mtime_ns, int(inode)),
        digest=digest,
        job=job,
        recipe=recipe,
        output=output,
        state=State(state),
        owner=owner,
        temp=None if temp is None else Path(os.fsdecode(temp)),
        result=result,
        code=code,
        reason=reason,
        node=node,
        attempts=attempts,
        seconds=seconds,
        changed=changed,
    )
