"""What tells whether something far away changed: its etag or version, else its size and time."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from ...owner.job import FileIdentity

_VERSIONS: Final = ("ETag", "etag", "generation", "md5Hash", "content_md5")
_TIMES: Final = ("mtime", "LastModified", "last_modified", "last_write_time", "time")


def identity_of(info: Mapping[str, Any]) -> FileIdentity:
    """Return a file's identity from what fsspec tells of it."""
    size = int(info.get("size") or 0)
    version = next((info[key] for key in _VERSIONS if info.get(key)), None)
    if version is not None:
        digest = hashlib.blake2b(str(version).encode(), digest_size=8).digest()
        return FileIdentity(size, 0, int.from_bytes(digest, "big") >> 1)
    return FileIdentity(size, _nanoseconds(info), 0)


def _nanoseconds(info: Mapping[str, Any]) -> int:
    time = next((info[key] for key in _TIMES if info.get(key)), 0)
    seconds = time.timestamp() if isinstance(time, datetime) else float(time)
    return int(seconds * 1_000_000_000)
