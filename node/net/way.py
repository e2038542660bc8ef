"""A way to a broker: where it may be, and whose keys to come with."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .address import Address

if TYPE_CHECKING:
    from .membership import Membership


@dataclass(frozen=True, slots=True)
class Way:
    """Where one broker may be; ``keys`` is the folder of our keys, ``file`` the membership's."""

    keys: Path
    addresses: tuple[Address, ...]
    membership: "Membership | None" = None
    file: Path | None = None

    @property
    def local(self) -> Address | None:
        """The local door, if this is the way."""
        first = self.addresses[0]
        return first if first.folder is not None else None

    @property
    def first(self) -> Address:
        """Where to try first."""
        return self.addresses[0]

    def __str__(self) -> str:
        return ", ".join(map(str, self.addresses))
