"""What differs between Linux, macOS and Windows, and what a machine is.

Run on Linux; written for the others from their documentation, not run there.
"""

import hashlib
import importlib.util
import os
import platform
import sys
from pathlib import Path

LOW_PRIORITY = 10

KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": f"{32 << 20}", "MALLOC_TRIM_THRESHOLD_": f"{128 << 20}"}
"""For glibc, elsewhere nothing: a process keeps 128 MB at most of one picture for the next.

Given back and taken anew, its pages are cleared each time, which costs 5 to 8 % of a picture.
"""

HAS_IPC = sys.platform != "win32"
"""Whether a folder can hold sockets: then its permissions say who comes in."""


def slot_address(folder: Path) -> str:
    """Return where an agent's slots come to, in its own folder."""
    return f"ipc://{folder}/slots"


def lower_priority() -> None:
    """Let everything else on this machine go first."""
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(LOW_PRIORITY)


def raise_descriptor_limit() -> None:
    """Allow this process as many open files as the system lets it have."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def allocate(descriptor: int, size: int) -> None:
    """Reserve a file's space now, so that a full disk is an error here and not later.

    Raises OSError when there is not enough.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.truncate(descriptor, size)


def numeric_class() -> str:
    """Name what decides a result's last bits: processor and features, OpenCV's version.

    Two nodes of one class give the same bytes for the same task.
    """
    facts = _processor_features().encode() + _opencv_version()
    return f"{platform.machine()}-{hashlib.blake2b(facts, digest_size=8).hexdigest()}"


def _opencv_version() -> bytes:
    """Return what names the OpenCV that slots will load; the agent does not load it."""
    found = importlib.util.find_spec("cv2")
    if found is None or found.origin is None:
        return b""
    return Path(found.origin).with_name("version.py").read_bytes()


def _processor_features() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
