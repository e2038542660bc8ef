"""Carrying out a registration: the file written whole, then the service manager told.

Owns the order and the errors. Doing it twice is as good as once. No shell is involved.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import PixmeshError, UsageError
from . import launchd, systemd, task_scheduler
from .program import Host, Program
from .registration import Call, Registration


def registration_here(program: Program, host: Host) -> Registration:
    """Return the registration for this machine's service manager. Raises UsageError."""
    if sys.platform == "win32":
        return task_scheduler.registration(program, host)
    if sys.platform == "darwin":
        return launchd.registration(program, host)
    return systemd.registration(program, host)


def install(registration: Registration) -> tuple[bool, list[Call]]:
    """Make a program known, and start it.

    Returns whether its file is new or another one, and what the manager was told.

    Raises UsageError where there is no such service manager, PixmeshError when the file cannot
    be written or the manager refuses.
    """
    tool = _tool(registration)
    before = _read(registration.file)
    changed = before != registration.content
    if changed:
        with _or_refused(registration.file):
            registration.file.parent.mkdir(parents=True, exist_ok=True)
            _write(registration.file, registration.content)
    renewed = changed and before is not None
    told = list(registration.renew if renewed else registration.begin)
    _make(tool, told, registration.file)
    return changed, told


def remove(registration: Registration) -> bool:
    """Stop a program and take its file away; return whether there was one. Raises as above."""
    if _read(registration.file) is None:
        return False
    tool = _tool(registration)
    _make(tool, registration.end, registration.file)
    with _or_refused(registration.file):
        registration.file.unlink(missing_ok=True)
    _make(tool, registration.forget, registration.file)
    return True


def _tool(registration: Registration) -> str:
    found = shutil.which(registration.manager)
    if found is None:
        raise UsageError(
            f"there is no {registration.manager} on this machine, so nothing was changed"
            f" ({registration.file})",
            remedy="'pixmesh service print' shows the file and what to run where there is one;"
            " here, start pixmesh from whatever this machine starts at boot",
        )
    return found


def _make(tool: str, wanted: Iterable[Call], file: Path) -> None:
    for call in wanted:
        done = subprocess.run(
            [tool, *call.words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode and not call.may_fail:
            said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
            raise PixmeshError(f"{shlex.join(call.words)}: {said}", remedy=_remedy(said, file))


def _remedy(said: str, file: Path) -> str:
    if "to bus" in said:
        return (
            "one's own services need a login of one's own (by ssh or at the machine, not su or"
            f" sudo); log in and run the same again, or use --system; the file is {file}"
        )
    return f"mend that and run the same again; the file is {file}"


def _read(file: Path) -> bytes | None:
    with _or_refused(file), contextlib.suppress(FileNotFoundError):
        return file.read_bytes()
    return None


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all; everybody may read it, as the managers ask for."""
    temp = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with temp.open("wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        temp.chmod(0o644)
        temp.replace(file)
    finally:
        temp.unlink(missing_ok=True)


@contextlib.contextmanager
def _or_refused(file: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise PixmeshError(
            f"{file}: {error.strerror}", remedy="run the same as root (sudo), or leave --system out"
        ) from error
    except OSError as error:
        raise PixmeshError(
            f"{file}: {error.strerror}", remedy="see what is in its place, and try again"
        ) from error
