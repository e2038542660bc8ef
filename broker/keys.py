"""CURVE key pairs of members: made once, kept in the state folder, locked while used.

    keys/node-atlas.key    secret and public key, readable by the user alone
    keys/node-atlas.pub    public key: what lets a member of the same user in
    keys/node-atlas.lock   held by the process that uses the key

Whoever can write into this 0700 folder is the user; so the broker lets every key in it in.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zmq
from zmq.utils import z85

from .locks import lock_now
from .messages import MemberId


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


@contextlib.contextmanager
def claimed(folder: Path, role: str, name: str) -> Iterator[tuple[str, KeyPair]]:
    """Hold the key of ``role`` and ``name``; a name in use becomes NAME-2, NAME-3, ...

    Yields the name that was free and its key, made when there is none yet.
    """
    for number in range(1, 1000):
        claim = name if number == 1 else f"{name}-{number}"
        stem = folder / f"{role}-{_file_word(claim)}"
        with _beside(stem, ".lock").open("a+b") as lock:
            if not lock_now(lock):
                continue
            yield claim, _load_or_make(stem)
            return
    raise OSError(f"a thousand processes use the key {role}-{name} in {folder}")


@contextlib.contextmanager
def published(folder: Path, role: str) -> Iterator[KeyPair]:
    """Hold a key for as long as this process needs it: an owner's."""
    pair = KeyPair.fresh()
    public = folder / f"{role}-{pair.member.hex()}.pub"
    _write_private(public, pair.public + b"\n")
    try:
        yield pair
    finally:
        public.unlink(missing_ok=True)


def public_keys(folder: Path) -> frozenset[bytes]:
    """Return every public key in the folder, z85-encoded."""
    found = set()
    for path in folder.glob("*.pub"):
        with contextlib.suppress(FileNotFoundError):
            found.add(path.read_bytes().strip())
    return frozenset(found)


def _load_or_make(stem: Path) -> KeyPair:
    path = _beside(stem, ".key")
    try:
        public, secret = path.read_bytes().split()
        pair = KeyPair(public, secret)
    except FileNotFoundError:
        pair = KeyPair.fresh()
        _write_private(path, pair.public + b"\n" + pair.secret + b"\n")
    _write_private(_beside(stem, ".pub"), pair.public + b"\n")
    return pair


def _beside(stem: Path, suffix: str) -> Path:
    """Name a file of a key; names of members may have dots."""
    return stem.with_name(stem.name + suffix)


def _write_private(path: Path, data: bytes) -> None:
    temp = path.with_name(f".{path.name}.{os.getpid()}.part")
    with os.fdopen(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temp.replace(path)


def _file_word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", name)
