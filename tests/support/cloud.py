"""Real servers for folders in the cloud: S3 (moto), SFTP (OpenSSH), SMB (Samba), on loopback."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .eventually import eventually

PATIENCE = 30.0
SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
KEY_ID, SECRET = "AKIDnotasecret01", "the-secret-of-the-bucket-9f2c"


@contextmanager
def s3_server(port: int, said: Path) -> Iterator[str]:
    """Run an S3 server at a port; return its URL."""
    command = [sys.executable, "-P", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, port, said):
        yield f"http://127.0.0.1:{port}"


def s3_settings(address: str, port: int) -> dict[str, str]:
    """Return what s3fs and boto find in the environment."""
    return {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{address}:{port}",
        "NO_PROXY": "127.0.0.1,127.0.0.2",
    }


@contextmanager
def sftp_server(port: int, home: Path) -> Iterator[str]:
    """Run sshd for this user at a port, known in ``home``; return the URL of ``home/shared``.

    Skips the test where there is no sshd.
    """
    sshd = shutil.which("sshd", path=SYSTEM_PATH)
    if sshd is None or shutil.which("ssh-keygen") is None:
        pytest.skip("no sshd on this machine")
    keys = home / ".ssh"
    keys.mkdir(mode=0o700, parents=True)
    (home / "shared").mkdir()
    for name in ("host", "id_ed25519"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name))
    public = (keys / "id_ed25519.pub").read_text()
    (keys / "authorized").write_text(public)
    kind, key = (keys / "host.pub").read_text().split()[:2]
    (keys / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    config = keys / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {keys / 'host'}\nPidFile none\n"
        f"AuthorizedKeysFile {keys / 'authorized'}\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with _running([sshd, "-D", "-e", "-f", str(config)], port, home / "sshd.log"):
        yield f"sftp://127.0.0.1:{port}{home / 'shared'}"


@contextmanager
def _running(command: list[str], port: int, said: Path) -> Iterator[None]:
    with said.open("wb") as log:
        # A group of its own: smbd ends its whole group with itself.
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, process_group=0
        )
    try:
        eventually(lambda: process.poll() is not None or _answers(port), PATIENCE, str(command))
        assert process.poll() is None, said.read_text()
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def smb_server(port: int, home: Path) -> Iterator[tuple[str, Path]]:
    """Run smbd for root at a port; return the URL of ``home/shared``, and fsspec's settings.

    Skips the test where there is no smbd, or this user is not root.
    """
    tools = {name: shutil.which(name, path=SYSTEM_PATH) for name in ("smbd", "smbpasswd")}
    if None in tools.values() or os.getuid() != 0:
        pytest.skip("no smbd on this machine, or not root")
    for name in ("shared", "private", "settings"):
        (home / name).mkdir(parents=True)
    private, config = home / "private", home / "smb.conf"
    folders = ("private dir", "lock directory", "state directory", "cache directory")
    kept = "\n".join(f"{name} = {private}" for name in (*folders, "pid directory"))
    config.write_text(
        f"[global]\nsmb ports = {port}\ninterfaces = lo\nbind interfaces only = yes\n"
        "server role = standalone server\nsecurity = user\ndisable netbios = yes\n"
        f"load printers = no\nlog file = {home / 'smbd.log'}\n{kept}\n"
        f"passdb backend = tdbsam:{private / 'passdb.tdb'}\n"
        f"[drop]\npath = {home / 'shared'}\nread only = no\n"
    )
    subprocess.run(
        [str(tools["smbpasswd"]), "-c", str(config), "-a", "-s", "root"],
        input=f"{SECRET}\n{SECRET}\n".encode(),
        check=True,
        capture_output=True,
    )
    settings = {"smb": {"username": "root", "password": SECRET}}
    (home / "settings" / "smb.json").write_text(json.dumps(settings))
    command = [str(tools["smbd"]), "-F", "--no-process-group", "-s", str(config)]
    with _running(command, port, home / "smbd.out"):
        yield f"smb://127.0.0.1:{port}/drop", home / "settings"
