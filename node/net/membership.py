"""The mesh that this machine has joined: whose it is, where it was last, as whom we are in.

    mesh.json   in the state folder. The broker's key is pinned here: another is not believed.

``key`` names the key of this machine that was let in; its other processes come in on its
word. What is not joined is not here: brokers of this user are found in the state folder.
"""

from pathlib import Path

import msgspec
from msgspec import Struct, structs
from zmq.utils import z85

from ...broker.keys import KeyPair, fingerprint, read_pair
from ...broker.private import write_private
from ..errors import ConfigError
from .address import Address, addresses

MOST_PLACES = 8


class Membership(Struct, frozen=True):
    """``name`` is what the mesh calls us, ``key`` the name of our first key, ``broker`` z85."""

    broker: str
    name: str
    key: str
    roles: tuple[str, ...]
    places: tuple[tuple[str, int], ...]
    host: str = ""
    schema: int = 1

    def addresses(self) -> tuple[Address, ...]:
        """Return where the broker was, the last good place first."""
        return addresses(self.places, key=self.broker.encode(), origin="last good address")

    def at(self, host: str, port: int) -> Address:
        """Return an address where the same broker may be now."""
        return Address(host=host, port=port, key=self.broker.encode())

    def first_pair(self, keys: Path) -> KeyPair | None:
        """Return the key that was let in; None where it is gone."""
        return read_pair(keys, "node", self.key)

    def fingerprint(self, pair: KeyPair) -> str:
        """Return what the broker's machine shows for a key of ours."""
        return fingerprint(bytes(z85.decode(self.broker)), pair.raw)

    def seen_at(self, address: Address) -> "Membership":
        """Return the same with the place where the broker was just now in front."""
        here = (address.host, address.port)
        others = [place for place in self.places if place != here]
        return structs.replace(self, places=(here, *others)[:MOST_PLACES])


def load(path: Path) -> Membership | None:
    """Return the mesh that was joined, if any. Raises ConfigError for a file that is broken."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Membership)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}",
            remedy="remove it, and join again with a ticket: pixmesh node xm1-…",
        ) from error


def save(path: Path, membership: Membership) -> None:
    """Remember the mesh. Raises OSError."""
    write_private(path, msgspec.json.encode(membership))
