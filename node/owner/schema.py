"""The ledger's tables, version by version.

A ledger of any older version is brought up to date when it is opened; a newer one is refused.
"""

from typing import Final

MIGRATIONS: Final = (
    """
    CREATE TABLE outputs (
        destination BLOB PRIMARY KEY, source BLOB NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode TEXT NOT NULL,
        digest BLOB, job BLOB, recipe TEXT NOT NULL, output TEXT NOT NULL,
        state TEXT NOT NULL, owner TEXT NOT NULL, temp BLOB, result BLOB,
        code TEXT NOT NULL, reason TEXT NOT NULL, node TEXT NOT NULL,
        attempts INTEGER NOT NULL, seconds REAL NOT NULL, changed REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX outputs_by_source ON outputs (source);
    CREATE INDEX outputs_by_job ON outputs (job);
    CREATE TABLE history (
        number INTEGER PRIMARY KEY, destination BLOB NOT NULL, job BLOB,
        owner TEXT NOT NULL, state TEXT NOT NULL, at REAL NOT NULL
    );
    CREATE INDEX history_by_destination ON history (destination);
    """,
    """
    ALTER TABLE outputs ADD COLUMN asked TEXT NOT NULL DEFAULT '';
    CREATE INDEX outputs_asked ON outputs (asked) WHERE asked != '';
    CREATE INDEX outputs_by_change ON outputs (changed);
    ALTER TABLE history ADD COLUMN node TEXT NOT NULL DEFAULT '';
    ALTER TABLE history ADD COLUMN reason TEXT NOT NULL DEFAULT '';
    CREATE TABLE folders (
        out BLOB PRIMARY KEY, source BLOB NOT NULL, recipe TEXT NOT NULL,
        owner TEXT NOT NULL, at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE arrivals (
        out BLOB NOT NULL, source BLOB NOT NULL, state TEXT NOT NULL,
        reason TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (out, source)
    ) WITHOUT ROWID;
    CREATE INDEX arrivals_by_source ON arrivals (source);
    """,
    """
    ALTER TABLE arrivals ADD COLUMN asked TEXT NOT NULL DEFAULT '';
    CREATE INDEX arrivals_asked ON arrivals (asked) WHERE asked != '';
    """,
)
"""One script per schema version; a file's ``user_version`` says how many it has had."""
