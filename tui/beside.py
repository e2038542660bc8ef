"""A thread that looks at something for as long as a `with` block runs."""

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Beside(ABC):
    """Runs `look_on` beside a block; leaving the block ends it, and waits for it."""

    def __init__(self, name: str) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self.look_on, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    @abstractmethod
    def look_on(self) -> None:
        """Look until the block has ended: `self._ended.wait(seconds)` tells."""
