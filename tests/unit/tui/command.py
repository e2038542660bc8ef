"""Runs the real `pixmesh` command in a process of its own, as a person would."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from pixmesh.tui import cli

PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Return this test's environment.

    Nodes work whatever else the machine does, and brokers stay off its LAN.
    """
    return {"PIXMESH_MAX_LOAD": "1", "PIXMESH_BIND": "127.0.0.1", **os.environ, **more}


def started(
    *words: str, folder: Path, extra: Mapping[str, str] | None = None
) -> "subprocess.Popen[str]":
    """Start the command and return its process; both streams are pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "pixmesh.tui.cli", *words],
        cwd=folder,
        env=environment(**(extra or {})),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def pixmesh(*words: str, folder: Path, **extra: str) -> Finished:
    """Run the command to its end."""
    with started(*words, folder=folder, extra=extra) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Finished(process.returncode, out, err)


def mistaken(*words: str, folder: Path) -> Finished:
    """Run the command in this process, which is enough for one that starts no other."""
    terminated, path, out, err = (
        signal.getsignal(signal.SIGTERM),
        list(sys.path),
        StringIO(),
        StringIO(),
    )
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = cli.main(words)
    finally:
        signal.signal(signal.SIGTERM, terminated)
        sys.path[:] = path
    return Finished(code, out.getvalue(), err.getvalue())
