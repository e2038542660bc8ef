"""The secrets that let pixels out."""

import os
from typing import Final

TOKEN_BYTES: Final = 16


class Tokens:
    """Random tokens, taken from the system many at a time: a call for each takes 7 us."""

    def __init__(self) -> None:
        self._pool = b""
        self._used = 0

    def next(self) -> bytes:
        """Return 16 bytes that nobody can guess."""
        if self._used == len(self._pool):
            self._pool, self._used = os.urandom(TOKEN_BYTES * 256), 0
        self._used += TOKEN_BYTES
        return self._pool[self._used - TOKEN_BYTES : self._used]
