"""SMB as fsspec does it, but for one thing: names are taken by one step of the server's."""

import smbclient
from fsspec.implementations.smb import SMBFileSystem


class Server(SMBFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A server's shares; the session with it is the process's, and ends with that."""

    def rename(self, source: str, final: str, *, replace: bool) -> None:
        """Give a file another name. Raises FileExistsError where that is taken."""
        step = smbclient.replace if replace else smbclient.rename
        step(self._unc(source), self._unc(final), port=self._port)

    def close(self) -> None:
        """Leave the session to others of this process."""

    def _unc(self, path: str) -> str:
        return rf"\\{self.host}" + path.replace("/", "\\")
