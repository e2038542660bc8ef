"""Where a broker is, and how to be sure that it is the one."""

from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..settings import split_address

DEFAULT_PORT = 7710


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's local door (a folder), or its network door and public key (z85)."""

    folder: Path | None = None
    host: str = ""
    port: int = 0
    key: bytes = b""

    def __str__(self) -> str:
        return str(self.folder) if self.folder is not None else f"{self.host}:{self.port}"

    @property
    def control(self) -> str:
        """The endpoint of the control socket."""
        if self.folder is not None:
            return f"ipc://{self.folder}/control"
        return self._tcp(self.port)

    def relay(self, port: int) -> str:
        """The endpoint of the relay socket, by the port that WELCOME named."""
        if self.folder is not None:
            return f"ipc://{self.folder}/relay"
        return self._tcp(port)

    def _tcp(self, port: int) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{port}"


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
