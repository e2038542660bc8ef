"""How often, and after which waits, something far away is tried again. Pure.

Waits grow, and are drawn by lot, so that many who lost the same server do not come back all
at once ("full jitter").
"""

import errno
from collections.abc import Callable, Iterator
from typing import Final

TRIES: Final = 6
FIRST: Final = 0.25
LONGEST: Final = 4.0
_PERMANENT: Final = (
    *(FileNotFoundError, PermissionError, FileExistsError, IsADirectoryError),
    *(NotADirectoryError, ImportError, TypeError, ValueError),
)
_PERMANENT_NUMBERS: Final = frozenset(
    {
        *(errno.ENOENT, errno.EEXIST, errno.EACCES, errno.EPERM, errno.EINVAL),
        *(errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR),
    }
)
_PERMANENT_NAMES: Final = frozenset(
    {
        *("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError"),
        *("ClientAuthenticationError", "AuthenticationException", "BadHostKeyException"),
    }
)


def waits(lot: Callable[[], float]) -> Iterator[float]:
    """Yield the seconds to wait before each further try; ``lot`` draws from 0 to 1."""
    for number in range(TRIES - 1):
        yield lot() * min(LONGEST, FIRST * 2**number)


def is_passing(error: Exception) -> bool:
    """Tell whether it may go better next time: a lost connection, a busy server."""
    if isinstance(error, _PERMANENT):
        return False
    if isinstance(error, OSError) and error.errno in _PERMANENT_NUMBERS:
        return False
    return all(kind.__name__ not in _PERMANENT_NAMES for kind in type(error).__mro__)
