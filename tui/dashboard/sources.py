"""Where the screen's facts come from, and who does what is asked: as the screen sees them."""

from collections.abc import Callable
from typing import Protocol

from ...node.net.following import Told
from ..view.actions import Deed
from ..view.jobs import Listing


class Source(Protocol):
    """Tells of the mesh: a broker, or a recording."""

    def start(self, tell: Callable[[Told], None]) -> None:
        """Begin to tell, in a thread of its own."""
        ...

    def stop(self) -> None:
        """End; nothing is told afterwards."""
        ...

    def watch(self, node: str) -> None:
        """Show what this node finishes; nothing where it is empty."""
        ...


class Doer(Protocol):
    """Carries out what people ask for. Called in threads; raises PixmeshError."""

    def do(self, deed: Deed) -> str:
        """Do it; return what came of it."""
        ...

    def join_line(self) -> str:
        """Return what to paste on another machine."""
        ...


class Pictures(Protocol):
    """This machine's ledger. Called in threads; raises PixmeshError."""

    def load(self, words: str) -> Listing:
        """Return the latest pictures that have all of these words."""
        ...
