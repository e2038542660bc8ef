"""CURVE key pairs of members: made once, kept in the state folder, locked while used.

    keys/node-atlas.key    secret and public key, readable by the user alone
    keys/node-atlas.lock   held by the process that uses the key
    keys/broker-broker.pub the broker's public key, for this user's members
    keys/9f3c….pub         named by the member's id: what lets a member of the same user in

Whoever can write into this 0700 folder is the user; so the broker lets every key in it in.
"""

import base64
import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zmq
from zmq.utils import z85

from .locks import lock_now
from .messages import MemberId
from .private import write_private

_FINGERPRINT = re.compile("[a-z2-7]{4}(-[a-z2-7]{4}){3}")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair, z85-encoded as libzmq takes it."""

    public: bytes
    secret: bytes

    @classmethod
    def fresh(cls) -> "KeyPair":
        """Make a new pair from the system's randomness."""
        return cls(*zmq.curve_keypair())

    @property
    def raw(self) -> bytes:
        """The public key's 32 bytes."""
        return bytes(z85.decode(self.public))

    @property
    def member(self) -> MemberId:
        """Who holds it."""
        return member_of(self.raw)


def member_of(key: bytes) -> MemberId:
    """Name the member that holds a public key of 32 bytes."""
    return MemberId(hashlib.blake2b(key, digest_size=8, person=b"pixmesh-member").digest())


def fingerprint(*keys: bytes) -> str:
    """Return what people compare instead of keys, such as ``k7dq-m3ax-9fzt-2wpe``.

    80 bits: too many for somebody to make a key that has the same one.
    """
    digest = hashlib.blake2b(b"".join(keys), digest_size=10, person=b"pixmesh-print").digest()
    letters = base64.b32encode(digest).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def is_fingerprint(text: str) -> bool:
    """Whether people who write this mean a fingerprint, whoever else is called so."""
    return _FINGERPRINT.fullmatch(text.lower()) is not None


@contextlib.contextmanager
def claimed(folder: Path, role: str, name: str) -> Iterator[tuple[str, KeyPair]]:
    """Hold the key of ``role`` and ``name``; a name in use becomes NAME-2, NAME-3, ...

    Yields the name that was free and its key, made when there is none yet.
    """
    for number in range(1, 1000):
        claim = name if number == 1 else f"{name}-{number}"
        stem = _stem(folder, role, claim)
        with _beside(stem, ".lock").open("a+b") as lock:
            if not lock_now(lock):
                continue
            pair = read_pair(folder, role, claim) or _make(stem)
            _let_in(folder, pair)
            if role == "broker":
                write_private(_beside(stem, ".pub"), pair.public + b"\n")
            yield claim, pair
            return
    raise OSError(f"a thousand processes use the key {role}-{name} in {folder}")


@contextlib.contextmanager
def published(folder: Path) -> Iterator[KeyPair]:
    """Hold a key for as long as this process needs it: an owner's."""
    pair = KeyPair.fresh()
    public = _let_in(folder, pair)
    try:
        yield pair
    finally:
        public.unlink(missing_ok=True)


def is_let_in(folder: Path, key: bytes) -> bool:
    """Whether a public key (z85) is one of this user's."""
    try:
        return (folder / _public_name(key)).read_bytes().strip() == key
    except FileNotFoundError:
        return False


def read_pair(folder: Path, role: str, name: str) -> KeyPair | None:
    """Return a key that was made before, whoever uses it now; None where there is none."""
    try:
        public, secret = _beside(_stem(folder, role, name), ".key").read_bytes().split()
    except FileNotFoundError:
        return None
    return KeyPair(public, secret)


def broker_key(folder: Path) -> bytes | None:
    """Return the public key (z85) of this user's own broker; None where it never ran."""
    try:
        return (folder / "broker-broker.pub").read_bytes().strip()
    except FileNotFoundError:
        return None


def _make(stem: Path) -> KeyPair:
    pair = KeyPair.fresh()
    write_private(_beside(stem, ".key"), pair.public + b"\n" + pair.secret + b"\n")
    return pair


def _let_in(folder: Path, pair: KeyPair) -> Path:
    """Show a key to this user's broker, which looks for it by its name."""
    path = folder / _public_name(pair.public)
    write_private(path, pair.public + b"\n", durable=False)
    return path


def _public_name(key: bytes) -> str:
    return f"{member_of(bytes(z85.decode(key))).hex()}.pub"


def _stem(folder: Path, role: str, name: str) -> Path:
    return folder / f"{role}-{_file_word(name)}"


def _beside(stem: Path, suffix: str) -> Path:
    """Name a file of a key; names of members may have dots."""
    return stem.with_name(stem.name + suffix)


def _file_word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", name)
