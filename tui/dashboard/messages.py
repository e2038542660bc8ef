"""What threads tell the screen."""

from rich.text import Text
from textual.message import Message

from ...node.net.following import Told
from ..view.jobs import Listing


class Came(Message):
    """The source tells something."""

    def __init__(self, told: Told) -> None:
        """Wrap it."""
        super().__init__()
        self.told = told


class Done(Message):
    """An order was carried out, or was not."""

    def __init__(self, told: str, *, failed: bool = False, copied: bool = False) -> None:
        """Say what came of it."""
        super().__init__()
        self.told = told
        self.failed = failed
        self.copied = copied


class Loaded(Message):
    """The ledger was read."""

    def __init__(self, listing: Listing) -> None:
        """Hand over what was found."""
        super().__init__()
        self.listing = listing


class Unread(Message):
    """The ledger could not be read."""

    def __init__(self, words: str, why: str) -> None:
        """Say what it was asked for, and why it was not found."""
        super().__init__()
        self.words = words
        self.why = why


Key = tuple[bytes, int]
"""A thumbnail's JPEG, and how many columns it has on the screen."""


class Drawn(Message):
    """A thumbnail was drawn: which, and how it looks."""

    def __init__(self, key: Key, text: Text) -> None:
        """Hand it over."""
        super().__init__()
        self.key = key
        self.text = text
