"""Where a broker is, and how to be sure that it is the one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ...broker.beacon import PORT
from ..errors import UsageError
from ..settings import split_address

DEFAULT_PORT = PORT


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's local door (a folder), or its network door and public key (z85).

    ``origin`` says how it is known: in the words of what is tried.
    """

    folder: Path | None = None
    host: str = ""
    port: int = 0
    key: bytes = b""
    origin: str = field(default="", compare=False)

    def __str__(self) -> str:
        return str(self.folder) if self.folder is not None else written(self.host, self.port)

    @property
    def control(self) -> str:
        """The endpoint of the control socket."""
        if self.folder is not None:
            return f"ipc://{self.folder}/control"
        return f"tcp://{written(self.host, self.port)}"

    def relay(self, port: int) -> str:
        """The endpoint of the relay socket, by the port that WELCOME named."""
        if self.folder is not None:
            return f"ipc://{self.folder}/relay"
        return f"tcp://{written(self.host, port)}"


def written(host: str, port: int) -> str:
    """Write a host and a port as people and libzmq do."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def addresses(places: Iterable[tuple[str, int]], *, key: bytes, origin: str) -> tuple[Address, ...]:
    """Return addresses of one broker."""
    return tuple(Address(host=host, port=port, key=key, origin=origin) for host, port in places)


def parse_host(text: str) -> tuple[str, int]:
    """Return the host and port that a person wrote. Raises UsageError."""
    try:
        host, port = split_address(text.strip(), DEFAULT_PORT)
    except ValueError:
        port = 0
    if not port:
        raise UsageError(
            f"{text!r} is no broker address", remedy="write HOST, HOST:PORT or [IPV6]:PORT"
        )
    return host, port
