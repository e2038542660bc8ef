"""Ctrl-Z stops an owner between two transactions, never in one."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ...support.eventually import eventually

OWNER = """
import os, signal, sys, threading
from pathlib import Path
from pixmesh.node.owner.database import Database
from pixmesh.node.owner.suspend import between_writes

def suspends():
    return any(thread.name == "suspend" for thread in threading.enumerate())

database = Database(Path(sys.argv[1]))
with between_writes():
    with database.transaction(durable=False):
        os.kill(os.getpid(), signal.SIGTSTP)
        while not suspends():
            pass
        print("asked in a transaction", flush=True)
    while suspends():
        pass
print("went on", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no job control there")
def test_an_owner_that_is_suspended_keeps_nobody_out_of_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with subprocess.Popen(
        [sys.executable, "-P", "-c", OWNER, str(path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "asked in a transaction\n"
        process = psutil.Process(owner.pid)
        eventually(lambda: process.status() == psutil.STATUS_STOPPED, 30, "it was not suspended")
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.close()
        owner.send_signal(signal.SIGCONT)
        assert owner.stdout.read() == "went on\n"
    assert owner.returncode == 0
