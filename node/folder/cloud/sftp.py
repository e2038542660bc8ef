"""SFTP as fsspec does it, but for three things.

A host whose key nobody knows is refused. A name can be taken without taking it from another
file. Uploads do not wait for the answer to each block.
"""

import contextlib
from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

CONNECT: float = 15.0


class Server(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Connects to hosts of the user's known_hosts only."""

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self.client.connect(self.host, timeout=CONNECT, **self.ssh_kwargs)
        self.ftp = self.client.open_sftp()

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super()._open(path, mode, **options)
        if "w" in mode:
            file.set_pipelined(True)
        return file

    def rename(self, source: str, final: str, *, replace: bool) -> None:
        """Give a file another name. Raises FileExistsError where that is taken."""
        if replace:
            self.ftp.posix_rename(source, final)
            return
        try:
            self.ftp.rename(source, final)
        except OSError as error:  # the protocol has no number for it
            with contextlib.suppress(FileNotFoundError):
                self.ftp.stat(final)
                raise FileExistsError(0, f"{final} is there already") from error
            raise

    def close(self) -> None:
        """End the connection."""
        self.client.close()
